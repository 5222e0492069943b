"""A conversation: what was said, what goes back to the model, and what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm_demo.types import Message, Reply, Request, Sampling, Task
from vlm_demo.ui.pictures import Picture
from vlm_demo.ui.presenting import as_markdown


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, which may still be growing."""

    question: str
    pictures: tuple[Picture, ...] = ()
    reply: Reply | None = None
    drawn: Path | None = None  # the picture with the places of the answer
    note: str = ""  # one line above the answer

    @property
    def description(self) -> str:
        """The turn's pictures in words, for alternative texts."""
        return ", ".join(picture.name for picture in self.pictures)


Conversation = tuple[Turn, ...]


def request_for(before: Conversation, turn: Turn, sampling: Sampling | None) -> Request:
    """Build the request for a turn; the history is the raw text of the turns before it."""
    history: list[Message] = []
    for past in before:
        if past.reply is None:
            continue  # stopped before the first word
        images = tuple(picture.open() for picture in past.pictures)
        history += [
            Message("user", past.question, images),
            Message("assistant", past.reply.raw),
        ]
    images = tuple(picture.open() for picture in turn.pictures)
    return Request(Task.CHAT, turn.question, images, history=tuple(history), sampling=sampling)


def pictures_in(before: Conversation) -> tuple[tuple[Picture, ...], ...]:
    """Return the pictures of each message of the history that `request_for` builds."""
    answered = [past.pictures for past in before if past.reply is not None]
    return tuple(pictures for asked in answered for pictures in (asked, ()))


def picture_of(before: Conversation, turn: Turn, index: int) -> Picture | None:
    """Return the picture that a mention of the turn's answer is about."""
    if turn.pictures:
        return turn.pictures[min(index, len(turn.pictures) - 1)]
    earlier = [picture for past in before for picture in past.pictures]
    return earlier[-1] if earlier else None


def as_messages(conversation: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return what the chat shows: two messages a turn, so that an index of one names the turn."""
    messages: list[dict[str, Any]] = []
    for turn in conversation:
        messages.append({"role": "user", "content": _question(turn)})
        messages.append({"role": "assistant", "content": _answer(turn)})
    return messages


def _question(turn: Turn) -> list[Any]:
    pictures = [_file(picture.shown, picture.name) for picture in turn.pictures]
    return [*pictures, *([as_markdown(turn.question)] if turn.question.strip() else [])]


def _answer(turn: Turn) -> list[Any]:
    notes = [f"*{note}*" for note in (turn.note, turn.reply.note if turn.reply else "") if note]
    if turn.reply is None:
        return [*notes, "…"]
    draft = [_folded("Draft", turn.reply.thought)] if turn.reply.thought else []
    drawn = []
    if turn.drawn:
        names = ", ".join(mention.phrase for mention in turn.reply.mentions)
        drawn = [_file(turn.drawn, f"The picture with boxes: {names}")]
    return [*notes, *draft, *drawn, as_markdown(turn.reply.text) or "*(no words)*"]


def _folded(title: str, text: str) -> str:
    """Markdown that shows a title, and the text at a click."""
    return f"<details><summary>{title}</summary>\n\n{as_markdown(text)}\n\n</details>"


def _file(path: Path, description: str) -> dict[str, str]:
    return {"path": str(path), "alt_text": description}
