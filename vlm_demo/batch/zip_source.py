"""The pictures in a ZIP, of which one at a time is unpacked into memory."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from vlm_demo.batch.images import BatchImage, FileImage
from vlm_demo.batch.sources import SourceLimits, check_count, holds_images, is_hidden
from vlm_demo.errors import ImageError, SourceError
from vlm_demo.files.zip_reader import TooManyEntriesError, ZipEntry, ZipLimits, ZipReader
from vlm_demo.translatable_text import message


class ZipSource:
    """The pictures of one archive; those stored in a way that is not allowed fail when read."""

    def __init__(self, path: Path, limits: SourceLimits, *, title: str = "") -> None:
        """Open the archive and read its list; without a `title`, it is called by its file name.

        Raises:
            SourceError: it cannot be read, or its list says that it holds too much.
        """
        self.title = title or path.name
        self.other_file_count = 0
        self._limits = limits
        self._entries: dict[str, ZipEntry] = {}
        self._problems: dict[str, str] = {}  # by name, why a picture cannot be read
        self._unpacked: TemporaryDirectory[str] | None = None
        try:
            self._archive = ZipReader(
                path,
                ZipLimits(
                    entries=limits.images,
                    bytes_each=limits.bytes_each,
                    bytes_all=limits.bytes_all,
                ),
            )
        except TooManyEntriesError:
            check_count(limits.images + 1, limits)
            raise
        except SourceError as error:
            raise SourceError(
                "{title} is not a ZIP that can be read, or is damaged.", title=self.title
            ) from error
        try:
            self._list()
        except SourceError:
            self._archive.close()
            raise
        self.names = sorted({*self._entries, *self._problems})

    def read(self, name: str) -> bytes:
        """Return the content of a file; see `FileSource.read`."""
        problem = self._problems.get(name)
        if problem:
            raise ImageError(problem)
        return self._archive.read(self._entries[name])

    def find(self, name: str) -> BatchImage:
        """Return a picture; see `ImageSource.find`."""
        return FileImage(name, self.read(name))

    def path_of(self, name: str) -> Path:
        """Unpack a file, which is deleted with the source; see `FileSource.path_of`."""
        if self._unpacked is None:
            self._unpacked = TemporaryDirectory(prefix="vlm-demo-")
        suffix = PurePosixPath(name.replace("\\", "/")).suffix
        folder = Path(self._unpacked.name)
        path = folder / f"{len(list(folder.iterdir()))}{suffix}"
        path.write_bytes(self.read(name))
        return path

    def close(self) -> None:
        """Close the archive, and delete what was unpacked."""
        self._archive.close()
        if self._unpacked:
            self._unpacked.cleanup()

    def _list(self) -> None:
        for entry in self._archive.entries():
            name = entry.name
            path = name.replace("\\", "/")
            if not holds_images(path):
                self.other_file_count += not is_hidden(path)
                continue
            problem = entry.problem
            if name in self._entries or name in self._problems:
                number = 2
                while f"{name} ({number})" in self._problems:
                    number += 1
                problem = message("The ZIP has two files with this name; only the first is read.")
                name = f"{name} ({number})"
            if problem:
                self._problems[name] = problem
            else:
                self._entries[name] = entry
            check_count(len(self._entries) + len(self._problems), self._limits)
        self._archive.check_sum(iter(self._entries.values()))
