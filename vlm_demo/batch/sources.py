"""The files of a batch: in a folder, or by themselves. One is read at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image

from vlm_demo.batch.images import BatchImage, FileImage
from vlm_demo.errors import ImageError, SourceError
from vlm_demo.images.opening import FORMATS, MAX_BYTES
from vlm_demo.media.films import MAX_FILM_BYTES
from vlm_demo.media.framed_files import DOCUMENT_SUFFIXES, FILM_SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """The limits of a batch."""

    images: int = 100_000
    bytes_each: int = MAX_BYTES  # of one picture, and of each file in a ZIP
    bytes_film: int = MAX_FILM_BYTES  # of one film or PDF
    bytes_all: int = 100_000_000_000  # of a ZIP's pictures together, unpacked


class ImageSource(Protocol):
    """Pictures by name."""

    @property
    def title(self) -> str:
        """The name of the source for people."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Names of all pictures, sorted; folders come before a slash."""
        ...

    @property
    def other_file_count(self) -> int:
        """The number of files that are not pictures."""
        ...

    def find(self, name: str) -> BatchImage:
        """Return a picture. Safe from several threads.

        Raises:
            ImageError: this one cannot be read.
            SourceError: nothing more can be read from here.
        """
        ...

    def close(self) -> None:
        """Close open files."""
        ...


class FileSource(ImageSource, Protocol):
    """Files by name: pictures, films and documents."""

    def read(self, name: str) -> bytes:
        """Return the content of a file. Safe from several threads.

        Raises:
            ImageError: this one cannot be read.
            SourceError: nothing more can be read from here.
        """
        ...

    def path_of(self, name: str) -> Path:
        """Return a file on the disk that lasts until the source is closed.

        Raises:
            ImageError: this one cannot be read.
            SourceError: nothing more can be read from here.
        """
        ...


class FolderSource:
    """The pictures in a folder and its subfolders; links to other folders are not followed."""

    def __init__(self, folder: Path, limits: SourceLimits, besides: Sequence[Path] = ()) -> None:
        """Look for pictures; folders in it that are `besides` are left out.

        Raises:
            SourceError: the folder cannot be read, or holds too many pictures.
        """
        self.title = folder.resolve().name
        self.other_file_count = 0
        self._folder = folder
        self._limits = limits
        apart = {path.resolve() for path in besides}
        names = []
        for path, folders, files in os.walk(folder, onerror=_refuse):
            here = Path(path)
            folders[:] = [
                name
                for name in folders
                if not is_hidden(name) and (here / name).resolve() not in apart
            ]
            for name in files:
                if not holds_images(name):
                    self.other_file_count += not is_hidden(name)
                    continue
                names.append((here / name).relative_to(folder).as_posix())
                check_count(len(names), limits)
        self.names = sorted(names)

    def read(self, name: str) -> bytes:
        """Return the content of a file; see `FileSource.read`."""
        return _read(self._folder / name, self._limits)

    def find(self, name: str) -> BatchImage:
        """Return a picture; see `ImageSource.find`."""
        return FileImage(name, self.read(name))

    def path_of(self, name: str) -> Path:
        """Return a file; see `FileSource.path_of`."""
        return self._folder / name

    def close(self) -> None:
        """Do nothing: each file is closed after it is read."""


class FilesSource:
    """Some files with names of their own."""

    def __init__(self, title: str, files: Mapping[str, Path], limits: SourceLimits) -> None:
        """Take the files.

        Raises:
            SourceError: there are too many.
        """
        self.title = title
        self._files = {name: path for name, path in files.items() if holds_images(name)}
        self._limits = limits
        self.other_file_count = len(files) - len(self._files)
        self.names = sorted(self._files)
        check_count(len(self.names), limits)

    def read(self, name: str) -> bytes:
        """Return the content of a file; see `FileSource.read`."""
        return _read(self._files[name], self._limits)

    def find(self, name: str) -> BatchImage:
        """Return a picture; see `ImageSource.find`."""
        return FileImage(name, self.read(name))

    def path_of(self, name: str) -> Path:
        """Return a file; see `FileSource.path_of`."""
        return self._files[name]

    def close(self) -> None:
        """Do nothing: each file is closed after it is read."""


def holds_images(name: str) -> bool:
    """Whether a file's name, which may have folders, is that of a picture, film or document."""
    return not is_hidden(name) and PurePosixPath(name).suffix.lower() in source_suffixes()


def is_hidden(name: str) -> bool:
    """Whether a file was put there by a system, not by a person.

    Its name starts with a dot, or it is in `__MACOSX`, which describes the files beside it.
    """
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part[0] == "." and part != "..") for part in parts)


@cache
def source_suffixes() -> frozenset[str]:
    """Return the endings of names of pictures, films and documents, in lower case, with dots."""
    known = Image.registered_extensions()
    images = frozenset(suffix for suffix, form in known.items() if form in FORMATS)
    return images | FILM_SUFFIXES | DOCUMENT_SUFFIXES


def check_count(count: int, limits: SourceLimits) -> None:
    """Refuse too many pictures.

    Raises:
        SourceError: there are too many.
    """
    if count > limits.images:
        raise SourceError(
            "There are more than {images} images, which is the limit of one batch. Split them.",
            images=f"{limits.images:,}",
        )


def too_large(size: int, limits: SourceLimits) -> ImageError:
    """Return the error about a picture that is too large."""
    return ImageError(
        "This file has {size} MB; at most {bytes_each} MB are allowed.",
        size=f"{size / 1e6:.0f}",
        bytes_each=f"{limits.bytes_each / 1e6:.0f}",
    )


def _read(path: Path, limits: SourceLimits) -> bytes:
    try:
        if not path.is_file():  # reading a pipe would wait
            raise ImageError("This file is gone, or is not a regular file.")
        with path.open("rb") as file:
            content = file.read(limits.bytes_each + 1)
        if len(content) > limits.bytes_each:
            raise too_large(path.stat().st_size, limits)
    except OSError as error:
        raise ImageError(
            "This file cannot be read: {reason}.", reason=error.strerror or error
        ) from error
    return content


def _refuse(error: OSError) -> None:
    raise SourceError(
        "The folder {filename} cannot be read: {reason}.",
        filename=error.filename,
        reason=error.strerror or error,
    ) from error
