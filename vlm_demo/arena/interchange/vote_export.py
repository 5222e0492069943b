"""Writes votes as JSON lines, CSV or Parquet, without anything that tells who voted."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

from vlm_demo.arena.interchange.published_conversations import write_messages
from vlm_demo.arena.interchange.published_votes import WINNER_WORDS
from vlm_demo.arena.votes.vote import Origin, Vote

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
        ("parameters", pa.string()),  # JSON: its fields differ between votes
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
        ("category", pa.string()),
    ]
)
"""Columns of a row in their order, and their types in Parquet."""

Row = dict[str, Any]

_GROUP_ROWS = 10_000
"""Largest number of rows in a row group of Parquet, which is held in memory."""

_GROUP_CHARACTERS = 64_000_000
"""Number of characters of encoded pictures that ends a row group."""


class VoteFileFormat(StrEnum):
    """File formats of exported votes."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    CSV = "csv"


def export_votes(votes: Iterable[Vote], file_format: VoteFileFormat, file: BinaryIO) -> int:
    """Write votes, with few in memory at a time; return how many there were.

    Raises:
        VotesError: the votes cannot be read.
        OSError: the file cannot be written.
    """
    judges = _JudgeNames()
    rows = (_to_row(vote, judges.name(vote.voter)) for vote in votes)
    return _WRITERS[file_format](rows, file)


class _JudgeNames:
    """Numbers that stand for voters: a voter has the same one throughout one export only."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)  # lost after the export, so that nobody can link two

    def name(self, voter: str) -> str:
        """Return the name of a voter in this export; "" if the voter is unknown."""
        if not voter:
            return ""
        digest = hashlib.blake2b(voter.encode(), key=self._key, digest_size=8).digest()
        return f"voter_{int.from_bytes(digest)}"


def _to_row(vote: Vote, judge: str) -> dict[str, Any]:
    """Return a vote as plain data.

    The questions, answers and comments of people here are included only with their consent: answers
    describe pictures, and repeat words.
    """
    is_public = bool(vote.conversation) or vote.origin is not Origin.HERE
    return {
        "battle": vote.battle,
        "model_a": vote.a.model,
        "model_b": vote.b.model,
        "winner": WINNER_WORDS[vote.winner],
        "boxes_winner": None if vote.boxes is None else WINNER_WORDS[vote.boxes],
        "judge": judge,
        "anony": True,
        "language": vote.language,
        "turn": vote.turns,
        "tstamp": vote.voted_at.timestamp(),
        "task": str(vote.task),
        "origin": str(vote.origin),
        "exclusion": None if vote.exclusion is None else str(vote.exclusion),
        "weight": vote.weight,
        "revision_a": vote.a.revision,
        "revision_b": vote.b.revision,
        "engine_a": vote.a.engine,
        "engine_b": vote.b.engine,
        "parameters": dict(vote.parameters),
        "seed": vote.seed,
        "prompt_hash": vote.prompt_hash,
        "picture_hash": vote.image_hash,
        "began_at": vote.began_at.timestamp(),
        "ended_at": vote.ended_at.timestamp(),
        "tags": list(vote.tags),
        "comment": vote.comment if is_public else "",
        "outputs_a": list(vote.a.outputs) if is_public else [],
        "outputs_b": list(vote.b.outputs) if is_public else [],
        "conversation_a": write_messages(vote.conversation, vote.a),
        "conversation_b": write_messages(vote.conversation, vote.b),
        "category": vote.category,
    }


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
            table.writerow(map(_to_cell, row.values()))
            count += 1
    finally:
        text.detach()  # or it would close the file, which belongs to the caller
    return count


def _to_cell(value: Any) -> Any:
    """Return the content of a cell; text that a spreadsheet would run as a formula is quoted.

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
        for group in _group_rows(rows):
            table.write_table(pa.Table.from_pylist(group, SCHEMA))
            count += len(group)
    return count


def _group_rows(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row | {"parameters": json.dumps(row["parameters"], ensure_ascii=False)})
        size += _count_image_characters(row["conversation_a"])
        size += _count_image_characters(row["conversation_b"])
        if len(group) == _GROUP_ROWS or size > _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _count_image_characters(conversation: list[Row]) -> int:
    return sum(
        len(part.get("image", "")) for message in conversation for part in message["content"]
    )


_WRITERS: dict[VoteFileFormat, Callable[[Iterable[Row], BinaryIO], int]] = {
    VoteFileFormat.JSONL: _write_json_lines,
    VoteFileFormat.PARQUET: _write_parquet,
    VoteFileFormat.CSV: _write_csv,
}
