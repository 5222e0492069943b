"""Pictures of a benchmark's folder, which are opened only when they are asked about."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, Protocol

from PIL.Image import Image
from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]

from vlm_demo.errors import ImageError, InputError
from vlm_demo.images.opening import open_image

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_SHOWN = 3
"""How many missing pictures an error names."""

_GROUPS = 4
"""How many row groups of Parquet files are kept in memory."""

_reading = Lock()


class BenchmarkImages(Protocol):
    """Where a picture is."""

    def open(self) -> Image:
        """Open it.

        Raises:
            ImageError: it is damaged, too large, or gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file."""

    path: Path

    def open(self) -> Image:
        return open_image(self.path)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture in base64, as MMBench's table has it."""

    text: str

    def open(self) -> Image:
        try:
            return open_image(base64.b64decode(self.text, validate=True))
        except binascii.Error as error:
            raise ImageError("This picture is not written in base64.") from error


@dataclass(frozen=True, slots=True)
class ParquetImage:
    """A picture in a Parquet file, in the form of the `datasets` library."""

    path: Path
    column: str
    group: int  # row group
    row: int  # within it

    def open(self) -> Image:
        with _reading:
            value = _read_column(self.path, self.group, self.column)[self.row].as_py()
        content = value.get("bytes") if isinstance(value, Mapping) else value
        if not content:
            raise ImageError(f"{self.path.name} has no picture in row {self.row + 1}.")
        return open_image(content)


@lru_cache(_GROUPS)
def _read_column(path: Path, group: int, column: str) -> Any:  # PyArrow has no types
    try:
        with parquet.ParquetFile(path) as file:
            return file.read_row_group(group, columns=[column]).column(column)
    except (ArrowException, OSError) as error:
        raise ImageError(f"{path} cannot be read: {error}") from error


class PictureFolder:
    """Finds the pictures that a benchmark's files name, and collects the names of missing ones."""

    def __init__(self, folder: Path) -> None:
        """Look for pictures anywhere below a folder."""
        self._folder = folder
        self._by_name: Mapping[str, list[Path]] | None = None
        self._missing: dict[str, None] = {}

    def find(self, name: str) -> ImageFile:
        """Return a picture by its path in the folder or by its file's name.

        One that is not there is remembered for `check`.
        """
        name = str(name)  # whatever a file says
        parts = PurePosixPath(name.replace("\\", "/"))
        direct = self._folder / parts
        if not parts.is_absolute() and ".." not in parts.parts and direct.is_file():
            return ImageFile(direct)
        if self._by_name is None:
            self._by_name = _list_pictures(self._folder)
        found = self._by_name.get(parts.name, [])
        fitting = [path for path in found if path.as_posix().endswith(f"/{parts}")]
        if len(fitting) != 1 and len(found) != 1:
            self._missing[name] = None
            return ImageFile(direct)
        return ImageFile((fitting or found)[0])

    def check(self) -> None:
        """Raise InputError if pictures are missing."""
        if not self._missing:
            return
        names = list(self._missing)
        listed = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        raise InputError(
            f"{len(names)} pictures are not in {self._folder}: {listed}. Please put them there."
        )


def _list_pictures(folder: Path) -> Mapping[str, list[Path]]:
    """Return the pictures below a folder by the names of their files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            found.setdefault(path.name, []).append(path)
    return found
