"""Votes and their conversations as rows of the database, and back."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from vlm_demo.arena.votes.chain import compute_digest
from vlm_demo.arena.votes.schema import (
    ERASED_COLUMNS,
    judgements,
    newcomers,
    pictures,
    turns,
    votes,
)
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, UserTurn, Vote, Winner
from vlm_demo.errors import InputError
from vlm_demo.values import Task

MAX_NAME = 200
"""Largest length of an indexed text in characters, so that PostgreSQL can index any script."""

_JSON = json.JSONEncoder(sort_keys=True)  # in ASCII: any text, in any database
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NAMES = ("battle", "model_a", "model_b", "language", "prompt_hash", "picture_hash", "voter")


def to_row(vote: Vote) -> dict[str, Any]:
    """Return the columns of a vote, without its position in the chain.

    Raises:
        InputError: a name is too long, or a number cannot be stored.
    """
    row = {
        "battle": to_storable(vote.battle),
        **_contender_columns("a", vote.a),
        **_contender_columns("b", vote.b),
        "winner": vote.winner.value,
        "boxes": vote.boxes and vote.boxes.value,
        "task": vote.task.value,
        "language": to_storable(vote.language),
        "parameters": _JSON.encode(dict(vote.parameters)),
        "seed": vote.seed,
        "prompt_hash": to_storable(vote.prompt_hash),
        "picture_hash": to_storable(vote.image_hash),
        "question": question_number(vote.prompt_hash, vote.image_hash),
        "turns": vote.turns,
        "began_at": to_microseconds(vote.began_at),
        "ended_at": to_microseconds(vote.ended_at),
        "voted_at": to_microseconds(vote.voted_at),
        "voter": to_storable(vote.voter),
        "tags": _JSON.encode(vote.tags),
        "comment": to_storable(vote.comment),
        "origin": vote.origin.value,
        "exclusion": vote.exclusion and vote.exclusion.value,
        "weight": float(vote.weight),
        "conversation": digest_conversation(vote.conversation),
        "category": to_storable(vote.category) or None,
        "salt": secrets.token_hex(16),
    }
    _check(row)
    return row


def from_row(row: RowMapping, conversation: tuple[UserTurn, ...] = ()) -> Vote:
    """Return the vote of a row that has not been withdrawn."""
    return Vote(
        battle=row["battle"],
        a=_contender(row, "a"),
        b=_contender(row, "b"),
        winner=Winner(row["winner"]),
        boxes=Winner(row["boxes"]) if row["boxes"] else None,
        task=Task(row["task"]),
        category=row["category"] or "",
        language=row["language"],
        parameters=json.loads(row["parameters"]),
        seed=row["seed"],
        prompt_hash=row["prompt_hash"],
        image_hash=row["picture_hash"],
        turns=row["turns"],
        began_at=from_microseconds(row["began_at"]),
        ended_at=from_microseconds(row["ended_at"]),
        voted_at=from_microseconds(row["voted_at"]),
        voter=row["voter"],
        tags=tuple(json.loads(row["tags"])),
        comment=row["comment"],
        origin=Origin(row["origin"]),
        exclusion=Exclusion(row["exclusion"]) if row["exclusion"] else None,
        weight=row["weight"],
        conversation=conversation,
    )


def question_number(prompt_hash: str, image_hash: str) -> int:
    """Return 64 bits of both hashes, for a short index; queries compare the hashes as well."""
    joined = f"{prompt_hash} {image_hash}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(joined).digest()[:8], signed=True)


def to_microseconds(time: datetime) -> int:
    """Return microseconds since 1970 UTC of a time that has a time zone."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the UTC time that is this many microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def digest_conversation(conversation: Sequence[UserTurn]) -> str | None:
    """Return the digest of a conversation for the vote's row; None without a conversation."""
    if not conversation:
        return None
    return compute_digest(
        {
            "texts": [to_storable(turn.text) for turn in conversation],
            "pictures": [
                [hashlib.sha256(file).hexdigest() for file in turn.images] for turn in conversation
            ],
        }
    )


def write_conversation(connection: Connection, seq: int, conversation: Sequence[UserTurn]) -> None:
    """Write the conversation of the vote at this position."""
    for number, turn in enumerate(conversation):
        key = {"vote": seq, "turn": number}
        connection.execute(insert(turns), key | {"text": to_storable(turn.text)})
        for index, file in enumerate(turn.images):
            connection.execute(insert(pictures), key | {"place": index, "file": file})


def read_conversation(connection: Connection, seq: int) -> tuple[UserTurn, ...]:
    """Return the conversation of the vote at this position; () if none was kept."""
    files: dict[int, list[bytes]] = {}
    select_files = select(pictures.c.turn, pictures.c.file).where(pictures.c.vote == seq)
    for turn, file in connection.execute(select_files.order_by(pictures.c.turn, pictures.c.place)):
        files.setdefault(turn, []).append(file)
    select_texts = select(turns.c.turn, turns.c.text).where(turns.c.vote == seq)
    return tuple(
        UserTurn(text=text, images=tuple(files.get(turn, ())))
        for turn, text in connection.execute(select_texts.order_by(turns.c.turn))
    )


def erase_votes(connection: Connection, seqs: Sequence[int]) -> None:
    """Empty the rows of the votes at these positions, and delete all that belongs to them."""
    for table in (pictures, turns, newcomers, judgements):
        connection.execute(delete(table).where(table.c.vote.in_(seqs)))
    erase = update(votes).where(votes.c.seq.in_(seqs))
    connection.execute(erase.values(dict.fromkeys(ERASED_COLUMNS)))


def to_storable(text: str) -> str:
    """Replace NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 cannot encode."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _contender_columns(side: str, contender: Contender) -> dict[str, Any]:
    return {
        f"model_{side}": to_storable(contender.model),
        f"revision_{side}": to_storable(contender.revision),
        f"engine_{side}": to_storable(contender.engine),
        f"outputs_{side}": _JSON.encode(contender.outputs),
    }


def _contender(row: RowMapping, side: str) -> Contender:
    return Contender(
        model=row[f"model_{side}"],
        revision=row[f"revision_{side}"],
        engine=row[f"engine_{side}"],
        outputs=tuple(json.loads(row[f"outputs_{side}"])),
    )


def _check(row: Mapping[str, Any]) -> None:
    for name in _NAMES:
        if len(row[name]) > MAX_NAME:
            raise InputError(
                "The vote cannot be saved: its {name} has more than {max_name} characters.",
                name=name,
                max_name=MAX_NAME,
            )
    if not math.isfinite(row["weight"]) or not 0 <= row["weight"] <= 1:
        raise InputError("The vote cannot be saved: its weight is not a number from 0 to 1.")
    if row["seed"] is not None and not -(1 << 63) <= row["seed"] < 1 << 63:
        raise InputError("The vote cannot be saved: its seed has more than 64 bits.")
