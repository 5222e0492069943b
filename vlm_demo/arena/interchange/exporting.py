"""Writes votes as JSON lines, CSV or Parquet, one at a time, however many there are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

from vlm_demo.arena.interchange.published_rows import Judges, to_row
from vlm_demo.arena.votes.vote import Vote

_MESSAGES = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            (
                "content",
                pa.list_(
                    pa.struct(
                        [
                            ("type", pa.string()),
                            ("text", pa.string()),
                            ("image", pa.string()),
                            ("mimeType", pa.string()),
                        ]
                    )
                ),
            ),
        ]
    )
)

SCHEMA = pa.schema(
    [
        ("battle", pa.string()),
        ("model_a", pa.string()),
        ("model_b", pa.string()),
        ("winner", pa.string()),
        ("boxes_winner", pa.string()),
        ("judge", pa.string()),
        ("anony", pa.bool_()),
        ("language", pa.string()),
        ("turn", pa.int32()),
        ("tstamp", pa.float64()),
        ("task", pa.string()),
        ("origin", pa.string()),
        ("exclusion", pa.string()),
        ("weight", pa.float64()),
        ("revision_a", pa.string()),
        ("revision_b", pa.string()),
        ("engine_a", pa.string()),
        ("engine_b", pa.string()),
        ("parameters", pa.string()),  # JSON: what there is differs from vote to vote
        ("seed", pa.int64()),
        ("prompt_hash", pa.string()),
        ("picture_hash", pa.string()),
        ("began_at", pa.float64()),
        ("ended_at", pa.float64()),
        ("tags", pa.list_(pa.string())),
        ("comment", pa.string()),
        ("outputs_a", pa.list_(pa.string())),
        ("outputs_b", pa.list_(pa.string())),
        ("conversation_a", _MESSAGES),
        ("conversation_b", _MESSAGES),
    ]
)
"""The columns of a row, in their order, and their types in Parquet."""

Row = dict[str, Any]

_ROWS = 10_000
_CHARACTERS = 64_000_000
"""A row group of Parquet, which is held in memory, ends after so many rows, or of pictures."""


class Form(StrEnum):
    """How votes are written down."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    CSV = "csv"


def export_votes(votes: Iterable[Vote], form: Form, file: BinaryIO) -> int:
    """Write the votes without a trace of who voted; return how many there were.

    Raises:
        VotesError: the votes cannot be read.
        OSError: the file cannot be written.
    """
    judges = Judges()
    rows = (to_row(vote, judges.name(vote.voter)) for vote in votes)
    return _WRITERS[form](rows, file)


def _write_json_lines(rows: Iterable[Row], file: BinaryIO) -> int:
    count = 0
    for row in rows:
        text = json.dumps(row, ensure_ascii=False) + "\n"
        file.write(text.encode("utf-8", "backslashreplace"))
        count += 1
    return count


def _write_csv(rows: Iterable[Row], file: BinaryIO) -> int:
    text = io.TextIOWrapper(file, "utf-8", "backslashreplace", newline="", write_through=True)
    count = 0
    try:
        table = csv.writer(text)
        table.writerow(SCHEMA.names)
        for row in rows:
            table.writerow(map(_cell, row.values()))
            count += 1
    finally:
        text.detach()  # or it would close a file that is not its own
    return count


def _cell(value: Any) -> Any:
    """Return what a cell holds; text that a spreadsheet would run as a formula is defused.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def _write_parquet(rows: Iterable[Row], file: BinaryIO) -> int:
    count = 0
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd") as table:
        for group in _groups(rows):
            table.write_table(pa.Table.from_pylist(group, SCHEMA))
            count += len(group)
    return count


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row | {"parameters": json.dumps(row["parameters"], ensure_ascii=False)})
        size += _size(row["conversation_a"]) + _size(row["conversation_b"])
        if len(group) == _ROWS or size > _CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _size(conversation: list[Row]) -> int:
    """Return how many characters its pictures have."""
    return sum(
        len(part.get("image", "")) for message in conversation for part in message["content"]
    )


_WRITERS: dict[Form, Callable[[Iterable[Row], BinaryIO], int]] = {
    Form.JSONL: _write_json_lines,
    Form.PARQUET: _write_parquet,
    Form.CSV: _write_csv,
}
