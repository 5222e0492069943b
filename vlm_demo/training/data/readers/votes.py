"""Votes of the arena, as it exports them: the answers that people preferred.

Answers are raw, in the markup of the family that wrote them; they are read as that family reads
them. Votes without a winner, and those whose words nobody agreed to publish, teach nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from PIL.Image import Image

from vlm_demo.arena.interchange.vote_import import VoteReader, open_lines
from vlm_demo.arena.votes.vote import Contender, Vote, Winner
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import ImageError, InputError
from vlm_demo.families import get_family
from vlm_demo.markup.written_answers import AnswerPart
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.targets import read_targets
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt, find_keys
from vlm_demo.training.data.reply_parts import SEARCHES, to_parts
from vlm_demo.values import Prompt, ReplyState


def recognize(path: Path) -> bool:
    """Whether a file has lines with a winner of two models."""
    return path.suffix in (".json", ".jsonl") and {"model_a", "winner"} <= find_keys(path)


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the votes of a file of JSON lines.

    Raises:
        InputError: it cannot be read.
    """
    reader = VoteReader(now=datetime.now(UTC))
    try:
        with path.open("rb") as file:
            for vote in reader.read(open_lines(file)):
                yield attempt(f"vote {vote.battle}", _read_vote, vote)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for fault in reader.faults:
        broken = RowError(RefusalReason.UNREADABLE_ROW, fault.reason)
        yield ReadRow(f"{path.name}, line {fault.line}", error=broken)


def _read_vote(vote: Vote) -> Iterator[TrainingExample]:
    if vote.winner not in (Winner.A, Winner.B):
        raise RowError(RefusalReason.NO_ANSWER, "neither answer was preferred")
    chosen = vote.a if vote.winner is Winner.A else vote.b
    if not vote.conversation or len(vote.conversation) != len(chosen.outputs):
        raise RowError(RefusalReason.NO_ANSWER, "the vote has no words")
    size = (1, 1)
    turns = []
    for turn, raw in zip(vote.conversation, chosen.outputs, strict=True):
        images = tuple(TrainingImage(content) for content in turn.images)
        if images:
            size = _open(images[-1]).size
        answer = _read_answer(vote, chosen, turn.text, raw, size)
        turns.append(TrainingTurn(vote.task, turn.text, answer, images))
    yield TrainingExample(tuple(turns), f"vote {vote.battle}")


def _open(image: TrainingImage) -> Image:
    try:
        return image.open()
    except ImageError as error:
        raise RowError(RefusalReason.DAMAGED_IMAGE, str(error)) from error


def _read_answer(
    vote: Vote, chosen: Contender, text: str, raw: str, size: tuple[int, int]
) -> tuple[AnswerPart, ...]:
    """Return the parts of a raw answer, as the family of its model reads them."""
    family = _family_of(chosen.model)
    frame = family.default_frame(size)
    reply = family.reply(raw, Prompt((), frame=frame))
    if reply.state in (ReplyState.UNREADABLE, ReplyState.SPACE_UNKNOWN):
        raise RowError(RefusalReason.UNREADABLE_ROW, f"the boxes of {chosen.model} cannot be read")
    targets = read_targets(text) if vote.task in SEARCHES else ()
    parts = to_parts(vote.task, reply.text, reply.mentions, targets)
    if not parts:
        raise RowError(RefusalReason.NO_ANSWER)
    return parts


@cache
def _families() -> dict[str, str]:
    return {spec.name: spec.family for spec in default_menu()}


def _family_of(model: str) -> Family:
    """Return the family of a model of the menu; one that is not on it is read as any is."""
    return get_family(_families().get(model, "generic"))


FORM = DataForm("votes", "votes of the arena, exported as JSON lines", recognize, read)
