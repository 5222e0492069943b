"""What both sides were asked, word for word, of the votes whose voters agreed to that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from vlm_demo.arena.votes.chain import digest_of
from vlm_demo.arena.votes.schema import pictures, turns
from vlm_demo.arena.votes.texts import storable
from vlm_demo.arena.votes.vote import Turn


def digest_of_turns(conversation: Sequence[Turn]) -> str | None:
    """Return what a vote's row says of its conversation; None: there is none."""
    if not conversation:
        return None
    return digest_of(
        {
            "texts": [storable(turn.text) for turn in conversation],
            "pictures": [
                [hashlib.sha256(file).hexdigest() for file in turn.pictures]
                for turn in conversation
            ],
        }
    )


def keep_turns(connection: Connection, seq: int, conversation: Sequence[Turn]) -> None:
    """Write the conversation of the vote in this place."""
    for number, turn in enumerate(conversation):
        place = {"vote": seq, "turn": number}
        connection.execute(insert(turns), place | {"text": storable(turn.text)})
        for index, file in enumerate(turn.pictures):
            connection.execute(insert(pictures), place | {"place": index, "file": file})


def read_turns(connection: Connection, seq: int) -> tuple[Turn, ...]:
    """Return the conversation of the vote in this place; (): none was kept."""
    files: dict[int, list[bytes]] = {}
    shown = select(pictures.c.turn, pictures.c.file).where(pictures.c.vote == seq)
    for turn, file in connection.execute(shown.order_by(pictures.c.turn, pictures.c.place)):
        files.setdefault(turn, []).append(file)
    said = select(turns.c.turn, turns.c.text).where(turns.c.vote == seq).order_by(turns.c.turn)
    return tuple(
        Turn(text=text, pictures=tuple(files.get(turn, ())))
        for turn, text in connection.execute(said)
    )


def forget_turns(connection: Connection, places: Sequence[int]) -> None:
    """Delete the conversations of the votes in these places."""
    for table in (pictures, turns):
        connection.execute(delete(table).where(table.c.vote.in_(places)))
