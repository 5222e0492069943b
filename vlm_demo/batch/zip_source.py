"""The pictures in a ZIP, of which one at a time is unpacked into memory."""

from __future__ import annotations

from pathlib import Path

from vlm_demo.batch.sources import SourceLimits, check_count, is_hidden, is_image
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
        """Return the content of a picture's file; see `Source.read`."""
        problem = self._problems.get(name)
        if problem:
            raise ImageError(problem)
        return self._archive.read(self._entries[name])

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _list(self) -> None:
        for entry in self._archive.entries():
            name = entry.name
            path = name.replace("\\", "/")
            if not is_image(path):
                self.other_file_count += not is_hidden(path)
                continue
            problem = entry.problem
            if name in self._entries or name in self._problems:
                number = 2
                while f"{name} ({number})" in self._problems:
                    number += 1
                problem = message("The ZIP holds two files of this name; only the first is read.")
                name = f"{name} ({number})"
            if problem:
                self._problems[name] = problem
            else:
                self._entries[name] = entry
            check_count(len(self._entries) + len(self._problems), self._limits)
        self._archive.check_sum(iter(self._entries.values()))
