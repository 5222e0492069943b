"""The frames of films and the pages of documents, among the pictures of a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vlm_demo.batch.images import BatchImage, PlacedImage
from vlm_demo.batch.sources import FileSource, SourceLimits, check_count
from vlm_demo.errors import FilmError, ImageError
from vlm_demo.images.opening import MAX_PIXELS
from vlm_demo.media.framed_files import (
    FrameChoice,
    FramedImage,
    list_framed_images,
    may_be_framed,
    open_framed_file,
)
from vlm_demo.translatable_text import DisplayText


class FramedSource:
    """The pictures of other sources, with each film and document replaced by what is in it.

    Its frames are named by their times, "film.mp4 00-00-12.500.png", its pages by their numbers,
    "report.pdf page 003.png". One that cannot be opened keeps its name, and fails when it is read.
    """

    def __init__(
        self,
        files: FileSource,
        choice: FrameChoice,
        limits: SourceLimits,
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Look into the films and documents; `files` are closed with this, or if this fails.

        Args:
            files: the source that holds them.
            choice: which frames and pages are taken.
            limits: of all pictures together, and of films.
            max_pixels: of a page, width times height.

        Raises:
            SourceError: there are too many pictures.
        """
        self.title = files.title
        self.other_file_count = files.other_file_count
        self._files, self._choice, self._limits = files, choice, limits
        self._max_pixels = max_pixels
        self._places: dict[str, tuple[Path, FramedImage]] = {}
        self._problems: dict[str, DisplayText] = {}
        self._hash = cache(_hash_file)
        names: list[str] = []
        try:
            for name in files.names:
                names += self._list(name)
                check_count(len(names), limits)
        except BaseException:
            files.close()
            raise
        self.names = sorted(names)

    def find(self, name: str) -> BatchImage:
        """Return a picture; see `ImageSource.find`."""
        if name in self._problems:
            raise ImageError(self._problems[name])
        if name not in self._places:
            return self._files.find(name)
        path, place = self._places[name]
        try:
            return PlacedImage(place, self._hash(path))
        except OSError as error:
            raise ImageError("This file is gone, or is not a regular file.") from error

    def close(self) -> None:
        """Close the source."""
        self._files.close()

    def _list(self, name: str) -> Iterator[str]:
        """Yield the names of what is in a file; its own where it is a picture, or unreadable."""
        if not may_be_framed(name):
            yield name
            return
        try:
            path = self._files.path_of(name)
            places = self._open(path)
        except (FilmError, ImageError) as error:
            self._problems[name] = error.message
            places = ()
        for place in places:
            place_name = place.name_after(name)
            self._places[place_name] = path, place
            yield place_name
        if not places:
            yield name

    def _open(self, path: Path) -> tuple[FramedImage, ...]:
        file = open_framed_file(
            path,
            self._choice,
            max_bytes=self._limits.bytes_each,
            max_film_bytes=self._limits.bytes_film,
            max_pixels=self._max_pixels,
        )
        return list_framed_images(file, self._choice) if file else ()


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
