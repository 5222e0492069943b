"""Pictures that questions are about: opened only when they are needed, and found again later.

The line of a question refers to its pictures by plain data:

* `{"file": PATH}`: a file below the folder of the benchmark's data;
* `{"parquet": PATH, "column": NAME, "group": N, "row": N}`: a cell of a Parquet file there;
* `{"scene": SEED}`: a picture of the drawn world, which follows from its seed;
* `{"kept": PATH}`: a copy below the folder of the run.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from PIL.Image import Image

from vlm_demo.errors import FileError, ImageError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.images.opening import open_image
from vlm_demo.scenes.painting import draw_scene

KEPT_FOLDER = "pictures"
"""Folder of the copies, within that of the run."""

_GROUPS = 4
"""How many row groups of Parquet files are kept in memory."""

_reading = Lock()


class QuestionImage(Protocol):
    """Where a picture is."""

    def open(self) -> Image:
        """Open it.

        Raises:
            ImageError: it is damaged, too large, or gone.
        """
        ...

    def refer(self, data: Path, run: Path) -> dict[str, Any]:
        """Return what `open_reference` finds it by.

        Args:
            data: folder of the benchmark's data.
            run: folder of the run, which gets a copy where the picture is nowhere else.

        Raises:
            FileError: the copy cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file."""

    path: Path

    def open(self) -> Image:
        return open_image(self.path)

    def refer(self, data: Path, run: Path) -> dict[str, Any]:
        if self.path.is_relative_to(data):
            return {"file": self.path.relative_to(data).as_posix()}
        try:
            return _keep(self.path.read_bytes(), run)
        except OSError:
            return {}  # the question itself says that it is gone


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture in base64, as MMBench's table has it."""

    text: str

    def open(self) -> Image:
        return open_image(self._decode())

    def refer(self, data: Path, run: Path) -> dict[str, Any]:
        try:
            return _keep(self._decode(), run)
        except ImageError:
            return {}

    def _decode(self) -> bytes:
        try:
            return base64.b64decode(self.text, validate=True)
        except binascii.Error as error:
            raise ImageError("This image is not valid base64.") from error


@dataclass(frozen=True, slots=True)
class ParquetImage:
    """A picture in a Parquet file, in the form of the `datasets` library."""

    path: Path
    column: str
    group: int  # row group
    row: int  # within it

    def open(self) -> Image:
        return open_image(self._content())

    def refer(self, data: Path, run: Path) -> dict[str, Any]:
        if self.path.is_relative_to(data):
            place = self.path.relative_to(data).as_posix()
            cell = {"column": self.column, "group": self.group, "row": self.row}
            return {"parquet": place, **cell}
        return {}

    def _content(self) -> bytes:
        with _reading:
            column = _read_column(self.path, self.group, self.column)
            value = column[self.row].as_py() if self.row < len(column) else None
        content = value.get("bytes") if isinstance(value, Mapping) else value
        if not isinstance(content, bytes) or not content:
            raise ImageError(f"{self.path.name} has no image in row {self.row + 1}.")
        return content


@dataclass(frozen=True, slots=True)
class SceneImage:
    """A picture of the drawn world."""

    seed: int

    def open(self) -> Image:
        return draw_scene(self.seed).image

    def refer(self, data: Path, run: Path) -> dict[str, Any]:
        return {"scene": self.seed}


def open_reference(reference: Mapping[str, Any], data: Path | None, run: Path) -> Image:
    """Open the picture that the line of a question refers to.

    Args:
        reference: of the form that this module's docstring lists.
        data: folder of the benchmark's data; None: the run does not say it.
        run: folder of the run.

    Raises:
        ImageError: it is not there any more, or is no picture.
    """
    match reference:
        case {"scene": int(seed)}:
            return SceneImage(seed).open()
        case {"kept": str(name)}:
            return ImageFile(_find_below(run, name)).open()
        case {"file": str(name)} if data is not None:
            return ImageFile(_find_below(data, name)).open()
        case {
            "parquet": str(name),
            "column": str(column),
            "group": int(group),
            "row": int(row),
        } if data is not None:
            return ParquetImage(_find_below(data, name), column, group, row).open()
        case _:
            raise ImageError("The image of this question was not kept.")


def _find_below(folder: Path, name: str) -> Path:
    """Return a file below a folder, which a file of anybody's may have named."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ImageError("The image of this question is not in its folder any more.")
    return path


def _keep(content: bytes, run: Path) -> dict[str, Any]:
    """Put a picture into the folder of a run, once, and return the reference."""
    name = f"{KEPT_FOLDER}/{hashlib.sha256(content).hexdigest()[:16]}"
    path = run / name
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                "{path} cannot be written: {reason}.", path=path, reason=error.strerror or error
            ) from error
        with atomic_write(path) as file:
            file.write(content)
    return {"kept": name}


@lru_cache(_GROUPS)
def _read_column(path: Path, group: int, column: str) -> Any:  # PyArrow has no types
    from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]  # it has no types

    try:
        with parquet.ParquetFile(path) as file:
            return file.read_row_group(group, columns=[column]).column(column)
    except (ArrowException, OSError, IndexError, KeyError) as error:
        raise ImageError(f"{path.name} cannot be read: {error}") from error
