"""Reads the tables of a benchmark's folder: Parquet, JSON, JSON lines, CSV and TSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
from pyarrow import ArrowException, parquet

from vlm_demo.errors import InputError
from vlm_demo.results.pictures import ParquetImage

_SUFFIXES = frozenset({".parquet", ".json", ".jsonl", ".csv", ".tsv"})

_LISTED = 6
"""How many files an error about the layout describes."""

Columns = Collection[str]
"""Names of columns that a table must have."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    path: Path  # of its file
    values: Mapping[str, Any]  # pictures of Parquet files are `ParquetImage`

    def text(self, column: str) -> str:
        """Return a value as text; "": there is none."""
        value = self.values.get(column)
        return "" if value is None else str(value)

    def texts(self, column: str) -> list[str]:
        """Return a list of values as texts, or the only one; those of records are their answer."""
        value = self.values.get(column)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [str(one.get("answer", "") if isinstance(one, Mapping) else one) for one in values]


def read_rows(folder: Path, layouts: Sequence[Columns], needs: str) -> list[Row]:
    """Return the rows of all tables below a folder that have the columns of one of the layouts.

    Args:
        folder: of the user.
        layouts: columns that a table must have, of each layout that is known.
        needs: what must be in the folder, for people.

    Raises:
        InputError: there is no such folder or table, or a table is broken.
    """
    seen: list[str] = []
    rows: list[Row] = []
    for path in list_tables(folder):
        columns = _read_columns(path)
        if any(set(layout) <= columns for layout in layouts):
            rows += _read_complete(path, layouts)
        else:
            listed = ", ".join(sorted(columns)[:8]) or "no columns"
            seen.append(f"{path.name} ({listed})")
    if not rows:
        raise InputError(describe_layout(folder, needs, seen))
    return rows


def list_tables(folder: Path) -> list[Path]:
    """Return the files below a folder that may be tables, in the order of their paths.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the benchmark's folder.")
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    ]


def describe_layout(folder: Path, needs: str, seen: Sequence[str]) -> str:
    """Say that a folder has another layout, what it needs, and what it has."""
    has = "; ".join(seen[:_LISTED]) + ("; …" if len(seen) > _LISTED else "")
    return (
        f"The folder {folder} has another layout. It needs {needs}. "
        f"It has {has or 'no tables (.parquet, .json, .jsonl, .csv or .tsv)'}."
    )


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, or a list of the records of a file of JSON lines.

    Raises:
        InputError: it is neither; the message names the line.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if path.suffix != ".jsonl":
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            first = content.lstrip().split("\n", maxsplit=1)[0]
            if not (first.startswith("{") and first.rstrip().endswith("}")):
                raise InputError(f"{path} is not JSON: {error}") from error
    return [
        _read_line(path, number, line)
        for number, line in enumerate(content.split("\n"), start=1)
        if line.strip()
    ]


def _read_line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, line {number}, is not JSON: {error}") from error


def _read_complete(path: Path, layouts: Sequence[Columns]) -> Iterator[Row]:
    """Yield the rows of a table; one without the columns of a layout is an error."""
    for number, row in enumerate(_read(path), start=1):
        if not any(set(layout) <= row.values.keys() for layout in layouts):
            raise InputError(
                f"{path}, row {number}, lacks columns: it has {', '.join(row.values) or 'none'}."
            )
        yield row


def _read(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        yield from _read_parquet(path)
    elif path.suffix in {".csv", ".tsv"}:
        yield from (Row(path, values) for values in _read_text_table(path))
    else:
        yield from (Row(path, record) for record in _records(read_json(path)))


def _read_columns(path: Path) -> set[str]:
    if path.suffix == ".parquet":
        with _open_parquet(path) as file:
            return set(file.schema_arrow.names)
    if path.suffix in {".csv", ".tsv"}:
        return set(next(_read_text_table(path), {}))
    return set(next(iter(_records(read_json(path))), {}))


def _records(content: Any) -> list[dict[str, Any]]:
    """Return the records of JSON: a list of them, a list under "data", or records by their key."""
    if isinstance(content, dict):
        inner = content.get("data")
        if isinstance(inner, list):
            content = inner
        elif content and all(isinstance(value, dict) for value in content.values()):
            content = [{"key": key, **value} for key, value in content.items()]
        else:
            content = [content]
    if not isinstance(content, list):
        return []
    return [record for record in content if isinstance(record, dict)]


def _read_text_table(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # pictures in base64 are long
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(
                csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","), start=2
            ):
                if None in row or None in row.values():
                    raise InputError(f"{path}, line {number}, has another number of columns.")
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _open_parquet(path: Path) -> Any:  # PyArrow has no types
    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {error}") from error


def _read_parquet(path: Path) -> Iterator[Row]:
    with _open_parquet(path) as file:
        fields = list(file.schema_arrow)
        pictures = [field.name for field in fields if _is_picture(field.type)]
        others = [field.name for field in fields if field.name not in pictures]
        try:
            for group in range(file.num_row_groups):
                records = file.read_row_group(group, columns=others).to_pylist()
                if not others:
                    records = [{} for _ in range(file.metadata.row_group(group).num_rows)]
                present = {name: _find_pictures(file, group, name) for name in pictures}
                for number, record in enumerate(records):
                    for name, is_there in present.items():
                        picture = ParquetImage(path, name, group, number)
                        record[name] = picture if is_there[number] else None
                    yield Row(path, record)
        except (ArrowException, OSError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error


def _find_pictures(file: Any, group: int, name: str) -> Sequence[bool]:
    """Return for each row whether it has a picture, without reading the pictures where possible."""
    kind = file.schema_arrow.field(name).type
    has_path = pyarrow.types.is_struct(kind) and kind.get_field_index("path") >= 0
    leaf = f"{name}.path" if has_path else name
    valid: list[bool] = file.read_row_group(group, columns=[leaf]).column(0).is_valid().to_pylist()
    return valid


def _is_picture(kind: Any) -> bool:
    if pyarrow.types.is_struct(kind):
        return any(kind.field(number).name == "bytes" for number in range(kind.num_fields))
    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))
