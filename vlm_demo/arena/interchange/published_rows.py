"""Votes as the rows that arenas publish, without anything that tells who voted.

The fields that LMArena publishes keep their names and meanings; what it has none for is added.
Sources: https://huggingface.co/datasets/lmsys/chatbot_arena_conversations (judge, turn, tstamp,
anony, "tie (bothbad)") and https://huggingface.co/datasets/lmarena-ai/arena-human-preference-140k
(messages whose content is a list of parts).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vlm_demo.arena.votes.vote import Contender, Origin, Turn, Vote, Winner

WINNERS = {
    Winner.A: "model_a",
    Winner.B: "model_b",
    Winner.TIE: "tie",
    Winner.BOTH_BAD: "tie (bothbad)",
}

_PNG = b"\x89PNG\r\n\x1a\n"


class Judges:
    """Numbers that stand for voters: the same voter has the same one, in this export only."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)  # forgotten with the export, so nobody can link two

    def name(self, voter: str) -> str:
        """Return the voter's number, or "" for a vote of nobody known."""
        if not voter:
            return ""
        digest = hashlib.blake2b(voter.encode(), key=self._key, digest_size=8).digest()
        return f"voter_{int.from_bytes(digest)}"


def to_row(vote: Vote, judge: str) -> dict[str, Any]:
    """Write a vote as plain data.

    What a person here asked, got as answers and remarked is in it only where they agreed to have
    it kept: answers describe pictures, and repeat words.
    """
    open_to_all = bool(vote.conversation) or vote.origin is not Origin.HERE
    return {
        "battle": vote.battle,
        "model_a": vote.a.model,
        "model_b": vote.b.model,
        "winner": WINNERS[vote.winner],
        "boxes_winner": None if vote.boxes is None else WINNERS[vote.boxes],
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
        "picture_hash": vote.picture_hash,
        "began_at": vote.began_at.timestamp(),
        "ended_at": vote.ended_at.timestamp(),
        "tags": list(vote.tags),
        "comment": vote.comment if open_to_all else "",
        "outputs_a": list(vote.a.outputs) if open_to_all else [],
        "outputs_b": list(vote.b.outputs) if open_to_all else [],
        "conversation_a": _conversation(vote.conversation, vote.a),
        "conversation_b": _conversation(vote.conversation, vote.b),
    }


def _conversation(turns: Sequence[Turn], side: Contender) -> list[dict[str, Any]]:
    messages = []
    for turn, output in zip(turns, side.outputs, strict=False):
        asked = [*map(_picture, turn.pictures), {"type": "text", "text": turn.text}]
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": output}]})
    return messages


def _picture(png: bytes) -> dict[str, str]:
    return {
        "type": "image",
        "image": base64.b64encode(png).decode("ascii"),
        "mimeType": "image/png",
    }


def outputs_of(messages: object) -> tuple[str, ...]:
    """Return what the model wrote in a conversation that somebody published, one a turn."""
    return tuple(
        _words(message) for message in _messages(messages) if message.get("role") == "assistant"
    )


def conversation_of(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return what both sides were asked; () where that is not known whole, such as a picture."""
    try:
        asked_a, asked_b = _asked(row.get("conversation_a")), _asked(row.get("conversation_b"))
    except ValueError:  # a picture that is given by its address, or in no way at all
        return ()
    return asked_a if asked_a == asked_b else ()


def _asked(messages: object) -> tuple[Turn, ...]:
    return tuple(
        Turn(text=_words(message), pictures=tuple(_pictures(message)))
        for message in _messages(messages)
        if message.get("role") == "user"
    )


def _messages(value: object) -> list[dict[str, Any]]:
    messages = value if isinstance(value, list) else []
    return [message for message in messages if isinstance(message, dict)]


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return _messages(content)


def _words(message: Mapping[str, Any]) -> str:
    texts = (part.get("text") for part in _parts(message) if part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _pictures(message: Mapping[str, Any]) -> Iterator[bytes]:
    for part in _parts(message):
        if part.get("type") == "text":
            continue
        picture = base64.b64decode(str(part.get("image")), validate=True)
        if not picture.startswith(_PNG):
            raise ValueError("not a PNG")
        yield picture
