"""Votes as rows of the database, and back."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from vlm_demo.arena.votes.conversations import digest_of_turns
from vlm_demo.arena.votes.texts import storable
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Turn, Vote, Winner
from vlm_demo.errors import InputError
from vlm_demo.values import Task

LONGEST_NAME = 200
"""Characters of what is looked up by: PostgreSQL cannot index a longer text of any script."""

_JSON = json.JSONEncoder(sort_keys=True)  # in ASCII: any text, in any database
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NAMES = ("battle", "model_a", "model_b", "language", "prompt_hash", "picture_hash", "voter")


def row_of(vote: Vote) -> dict[str, Any]:
    """Return the columns that a vote fills, without its place in the chain.

    Raises:
        InputError: a name is too long, or a number cannot be kept.
    """
    row = {
        "battle": storable(vote.battle),
        **_side("a", vote.a),
        **_side("b", vote.b),
        "winner": vote.winner.value,
        "boxes": vote.boxes and vote.boxes.value,
        "task": vote.task.value,
        "language": storable(vote.language),
        "parameters": _JSON.encode(dict(vote.parameters)),
        "seed": vote.seed,
        "prompt_hash": storable(vote.prompt_hash),
        "picture_hash": storable(vote.picture_hash),
        "question": question_of(vote.prompt_hash, vote.picture_hash),
        "turns": vote.turns,
        "began_at": microseconds(vote.began_at),
        "ended_at": microseconds(vote.ended_at),
        "voted_at": microseconds(vote.voted_at),
        "voter": storable(vote.voter),
        "tags": _JSON.encode(vote.tags),
        "comment": storable(vote.comment),
        "origin": vote.origin.value,
        "exclusion": vote.exclusion and vote.exclusion.value,
        "weight": float(vote.weight),
        "conversation": digest_of_turns(vote.conversation),
        "salt": secrets.token_hex(16),
    }
    _check(row)
    return row


def vote_of(row: RowMapping, conversation: tuple[Turn, ...] = ()) -> Vote:
    """Return the vote of a row that was not withdrawn."""
    return Vote(
        battle=row["battle"],
        a=_contender(row, "a"),
        b=_contender(row, "b"),
        winner=Winner(row["winner"]),
        boxes=Winner(row["boxes"]) if row["boxes"] else None,
        task=Task(row["task"]),
        language=row["language"],
        parameters=json.loads(row["parameters"]),
        seed=row["seed"],
        prompt_hash=row["prompt_hash"],
        picture_hash=row["picture_hash"],
        turns=row["turns"],
        began_at=moment(row["began_at"]),
        ended_at=moment(row["ended_at"]),
        voted_at=moment(row["voted_at"]),
        voter=row["voter"],
        tags=tuple(json.loads(row["tags"])),
        comment=row["comment"],
        origin=Origin(row["origin"]),
        exclusion=Exclusion(row["exclusion"]) if row["exclusion"] else None,
        weight=row["weight"],
        conversation=conversation,
    )


def question_of(prompt_hash: str, picture_hash: str) -> int:
    """Return 64 bits that two questions share hardly ever: who looks for one compares the rest."""
    joined = f"{prompt_hash} {picture_hash}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(joined).digest()[:8], signed=True)


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC; the moment has a time zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Return the moment, in UTC, that is so many microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _side(side: str, contender: Contender) -> dict[str, Any]:
    return {
        f"model_{side}": storable(contender.model),
        f"revision_{side}": storable(contender.revision),
        f"engine_{side}": storable(contender.engine),
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
        if len(row[name]) > LONGEST_NAME:
            raise InputError(
                f"A vote cannot be kept: its {name} has more than {LONGEST_NAME} characters."
            )
    if not math.isfinite(row["weight"]) or not 0 <= row["weight"] <= 1:
        raise InputError("A vote cannot be kept: its weight is not a number from 0 to 1.")
    if row["seed"] is not None and not -(1 << 63) <= row["seed"] < 1 << 63:
        raise InputError("A vote cannot be kept: its seed has more than 64 bits.")
