"""A conversation: what was said, what goes back to the model, and what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm_demo.prompting.family import Limits
from vlm_demo.ui.components.answer.text import as_markdown, linked_markdown, said
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.html_values import Said
from vlm_demo.units import format_rate, format_seconds
from vlm_demo.values import (
    Message,
    Region,
    RegionForm,
    Reply,
    ReplyState,
    Request,
    Sampling,
    Task,
    Timing,
)

UNREADABLE = "The answer holds places that cannot be read."


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, which may still be growing."""

    question: str
    pictures: tuple[Picture, ...] = ()
    reply: Reply | None = None
    regions: tuple[Region, ...] = ()  # of the newest picture so far
    model: str = ""  # that answers
    notes: tuple[Said, ...] = ()  # above the answer
    seen: tuple[Picture, ...] = ()  # the pictures that the model is shown, in their order
    waiting: Waiting | None = None  # what is to come before the first word

    @property
    def description(self) -> str:
        """The turn's pictures in words, for alternative texts."""
        return ", ".join(picture.name for picture in self.pictures)

    def picture_of(self, index: int) -> Picture | None:
        """Return the picture that a mention of the answer is about, from its `image_index`."""
        return self.seen[min(index, len(self.seen) - 1)] if self.seen else None

    @property
    def newest_picture(self) -> Picture | None:
        """The picture that the regions of the question are on."""
        return self.seen[-1] if self.seen else None


Conversation = tuple[Turn, ...]


def request_for(
    before: Conversation,
    turn: Turn,
    sampling: Sampling | None,
    region_form: RegionForm = RegionForm.AUTO,
) -> Request:
    """Build the request for a turn; the history is the raw text of the turns before it."""
    history: list[Message] = []
    for past in before:
        if past.reply is None:
            continue  # stopped before the first word
        images = tuple(picture.open() for picture in past.pictures)
        history += [
            Message("user", past.question, images, past.regions),
            Message("assistant", past.reply.raw),
        ]
    return Request(
        Task.CHAT,
        turn.question,
        tuple(picture.open() for picture in turn.pictures),
        turn.regions,
        region_form,
        history=tuple(history),
        sampling=sampling,
    )


def pictures_in(before: Conversation) -> tuple[tuple[Picture, ...], ...]:
    """Return the pictures of each message of the history that `request_for` builds."""
    answered = [past.pictures for past in before if past.reply is not None]
    return tuple(pictures for asked in answered for pictures in (asked, ()))


def shown_to(limits: Limits, before: Conversation, turn: Turn) -> tuple[Picture, ...]:
    """Return the pictures that a model with these limits is shown, as `Family.prompt` chooses."""
    earlier = pictures_in(before)
    if limits.history == "none":
        newest = [picture for pictures in earlier for picture in pictures]
        return turn.pictures or tuple(newest[-limits.max_images :])
    kept, left = list(turn.pictures), limits.max_images - len(turn.pictures)
    for pictures in reversed(earlier):
        left -= len(pictures)
        if left < 0:
            break
        kept[:0] = pictures
    return tuple(kept)


def all_pictures(conversation: Sequence[Turn]) -> tuple[Picture, ...]:
    """Return every picture of a conversation once, in the order in which they came."""
    pictures = {
        picture.shown: picture for turn in reversed(conversation) for picture in turn.pictures[::-1]
    }
    return tuple(reversed(pictures.values()))


def as_messages(conversation: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return what the chat shows: two messages a turn, so that an index of one names the turn."""
    return [message for at, turn in enumerate(conversation) for message in messages_of(turn, at)]


def messages_of(turn: Turn, index: int, *, growing: bool = False) -> list[dict[str, Any]]:
    """Return the two messages of the turn at `index` of a conversation.

    Below an answer that is still growing stands nothing: the browser would lay it out at each step.
    """
    below = [] if growing or turn.reply is None else _below(turn.reply)
    return [
        {"role": "user", "content": _question(turn)},
        {"role": "assistant", "content": [*_answer(turn, index), *below]},
    ]


def _question(turn: Turn) -> list[Any]:
    pictures = [_file(picture.shown, picture.name) for picture in turn.pictures]
    return [*pictures, *([as_markdown(turn.question)] if turn.question.strip() else [])]


def _answer(turn: Turn, index: int) -> list[Any]:
    reply = turn.reply
    notes = [said(note, "note") for note in turn.notes]
    if reply is None:
        waiting = said(turn.waiting.words, "waiting") if turn.waiting else "…"
        return [*notes, waiting]
    if reply.note:
        notes.append(said(reply.note, "note"))
    draft = [_folded("Draft", reply.reasoning)] if reply.reasoning else []
    # Places are numbered as on the board: first those of the question, then those of the answer.
    words = linked_markdown(reply, f"chat-{index}", len(turn.regions)) or "*(no words)*"
    return [*notes, *draft, words]


def _below(reply: Reply) -> list[str]:
    """What stands below a complete answer."""
    unreadable = [said(UNREADABLE, "note")] if reply.state is ReplyState.UNREADABLE else []
    return [*unreadable, said(_pace(reply.timing), "pace")]


def _pace(pace: Timing | None) -> Said:
    """Say how fast an answer came; an answer from a file may not know."""
    if pace is None:
        return Said("")
    time, tokens = format_seconds(pace.seconds), f"{pace.tokens:,}"
    if pace.tokens_per_s:
        rate = format_rate(pace.tokens_per_s)
        return Said(
            "{time} · {tokens} tokens · {rate} tokens/s",
            {"time": time, "tokens": tokens, "rate": rate},
        )
    return Said("{time}", {"time": time})


def _folded(title: str, text: str) -> str:
    """Markdown that shows a title, and the text at a click."""
    return (
        f"<details><summary>{said(title, 'draft')}</summary>\n\n{as_markdown(text)}\n\n</details>"
    )


def _file(path: Path, description: str) -> dict[str, str]:
    return {"path": str(path), "alt_text": description}
