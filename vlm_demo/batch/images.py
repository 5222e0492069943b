"""What a source of a batch gives: a picture that is opened when its turn has come."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL.Image import Image

from vlm_demo.images.opening import open_image
from vlm_demo.media.framed_files import FramedImage


class BatchImage(Protocol):
    """One picture of a batch."""

    @property
    def sha256(self) -> str:
        """The hash of its file, hexadecimal."""

    @property
    def place(self) -> FramedImage | None:
        """Where it is in a film or document; None: it has a file of its own."""

    def open(self, max_pixels: int) -> Image:
        """Open it, upright; `max_pixels` is its largest width times height.

        Raises:
            ImageError: it cannot be read, or is too large.
        """

    def save(self, folder: Path) -> Path:
        """Write it to a file in a folder, named by its content, unless it is there; return that.

        Raises:
            ImageError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FileImage:
    """A picture that has a file of its own, which has been read."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash of the file, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def place(self) -> None:
        """It is in no film or document."""

    def open(self, max_pixels: int) -> Image:
        """Open it; see `BatchImage.open`."""
        return open_image(self.content, max_bytes=len(self.content), max_pixels=max_pixels)

    def save(self, folder: Path) -> Path:
        """Write it to a file; see `BatchImage.save`."""
        suffix = PurePosixPath(self.name.replace("\\", "/")).suffix
        path = folder / f"{self.sha256[:16]}{suffix}"
        if not path.is_file():
            folder.mkdir(exist_ok=True)
            path.write_bytes(self.content)
        return path


@dataclass(frozen=True, slots=True)
class PlacedImage:
    """A frame of a film, or a page of a document."""

    place: FramedImage
    sha256: str  # of the whole file

    def open(self, max_pixels: int) -> Image:
        """Read it; see `BatchImage.open`. Films and documents have limits of their own."""
        return self.place.open()

    def save(self, folder: Path) -> Path:
        """Write it to a file; see `BatchImage.save`."""
        path = folder / f"{self.sha256[:16]}-{self.place.index}.png"
        if not path.is_file():
            folder.mkdir(exist_ok=True)
            self.open(0).save(path, compress_level=1)
        return path
