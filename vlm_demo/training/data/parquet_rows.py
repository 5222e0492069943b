"""Rows of a Parquet file, whose pictures stay in the file until they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

from vlm_demo.errors import ImageError, InputError

_OPEN_GROUPS = 4
"""Row groups whose pictures are in memory at a time; `datasets` writes 100 rows in one."""

_IMAGE_COLUMNS = ("images", "image")


@dataclass(frozen=True, slots=True)
class ParquetPicture:
    """A picture in a Parquet file."""

    path: Path
    group: int
    column: str
    row: int  # within the group
    index: int  # within the row

    def read(self) -> bytes:
        """Return the content of the picture's file.

        Raises:
            ImageError: it is not there any more.
        """
        cell = _read_column(self.path, self.group, self.column)[self.row]
        content = _content(cell[self.index] if isinstance(cell, list) else cell)
        if content is None:
            raise ImageError(f"An image in {self.path.name} has no content.")
        return content


def is_parquet(path: Path) -> bool:
    """Whether a file has the ending of Parquet."""
    return path.suffix == ".parquet"


def list_parquet(path: Path) -> list[Path]:
    """Return a Parquet file, or those of a folder and of its `data`; [] without any."""
    if path.is_dir():
        return sorted((*path.glob("*.parquet"), *path.glob("data/*.parquet")))
    return [path] if is_parquet(path) else []


class ParquetRows:
    """The rows of one file."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            InputError: it is no Parquet file.
        """
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{path} is not a Parquet file that can be read: {error}") from error
        self._path = path

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._file.schema_arrow.names)

    def records(self, *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each row with where it stands: these columns, and the pictures as references."""
        wanted = [name for name in names if name in self.columns]
        pictures = next((name for name in _IMAGE_COLUMNS if name in self.columns), "")
        number = 0
        for group in range(self._file.num_row_groups):
            counts = self._find_images(group, pictures)
            rows = self._file.read_row_group(group, columns=wanted).to_pylist()
            for index, (row, has_content) in enumerate(zip(rows, counts, strict=True)):
                number += 1
                row["images"] = [
                    ParquetPicture(self._path, group, pictures, index, place) if is_there else None
                    for place, is_there in enumerate(has_content)
                ]
                yield f"{self._path.name}, row {number}", row

    def _find_images(self, group: int, column: str) -> list[list[bool]]:
        """Return for each picture of each row of a group whether it may have content.

        The names of the pictures' files are read where there are any, not their content.
        """
        if not column:
            return [[]] * int(self._file.metadata.row_group(group).num_rows)
        table = self._file.read_row_group(group, columns=[self._smallest(column)])
        cells = table.column(column).to_pylist()
        rows = [cell if isinstance(cell, list) else [cell] for cell in cells]
        return [[image is not None for image in row] for row in rows]

    def _smallest(self, column: str) -> str:
        """Return the part of a column of pictures that tells their number with least to read."""
        parts = (self._file.schema.column(index).path for index in range(len(self._file.schema)))
        own = [path for path in parts if path == column or path.startswith(f"{column}.")]
        return next((path for path in own if path.endswith(".path")), column)


def _content(image: object) -> bytes | None:
    found = image.get("bytes") if isinstance(image, dict) else image
    return found if isinstance(found, bytes) else None


@lru_cache(maxsize=_OPEN_GROUPS)
def _read_column(path: Path, group: int, column: str) -> list[Any]:
    table = parquet.ParquetFile(path).read_row_group(group, columns=[column])
    return list(table.column(column).to_pylist())
