"""A model of the menu as the judge of battles that people have voted on.

It is shown the picture, the question and both answers, without names, and asked which is better:
once in each order, since models prefer one place. What it says in both orders counts; where it
contradicts itself, the battle is a tie. A model does not judge its own battles. Both follow
https://arxiv.org/abs/2306.05685 (sections 3.3 and 3.4), which measured these biases.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from PIL import Image
from tqdm import tqdm

from vlm_demo.arena.votes.judgements import JudgementStore, ModelJudgement
from vlm_demo.arena.votes.vote import Contender, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.errors import VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.values import Box, Reply, Request, Sampling, Task, bounding_box

INSTRUCTION = """Two assistants answered the same question about this picture. Which answer is \
better? What can be seen in the picture decides: first whether an answer is right, then whether it \
is complete. That an answer is longer is no merit.

Question:
{question}

Answer 1:
{first}

Answer 2:
{second}

Choose: 1 if answer 1 is better, 2 if answer 2 is better, tie if both are equally good, bad if \
both are wrong."""

CHOICES = ("1", "2", "tie", "bad")
"""What the judge may answer."""

MAX_CHARACTERS = 4_000
"""Longest text of one side that the judge is shown; the rest is left out."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class JudgingOutcome:
    """The result of one run."""

    judged: int = 0
    unsteady: int = 0  # of these, those that it judged differently in the other order
    failed: int = 0  # it could not be asked, or its answer was none of the choices
    was_interrupted: bool = False  # by Ctrl+C; what was judged before is kept


def judge_votes(
    backend: Backend, store: JudgementStore, judge: str, *, limit: int | None = None
) -> JudgingOutcome:
    """Let a model judge the battles that it has not judged yet, and keep what it says.

    Args:
        backend: holds the models.
        store: has the votes, and receives the judgements.
        judge: a model of the menu.
        limit: largest number of battles; None: all.

    Raises:
        VlmDemoError: the model is unknown or cannot be loaded, or the votes cannot be read.
    """
    backend.spec(judge).check(Task.CHAT)
    outcome = JudgingOutcome()
    pending = islice(store.read_unjudged(judge), limit)
    with tqdm(pending, unit="battle", disable=None, file=sys.stderr) as battles:
        try:
            _judge_all(backend, store, judge, battles, outcome)
        except KeyboardInterrupt:
            outcome.was_interrupted = True
    return outcome


def _judge_all(
    backend: Backend,
    store: JudgementStore,
    judge: str,
    battles: Iterable[tuple[int, Vote]],
    outcome: JudgingOutcome,
) -> None:
    for seq, vote in battles:
        try:
            winner, is_steady = judge_vote(backend, judge, vote)
        except VlmDemoError as error:
            log.warning("%s could not judge battle %s: %s", judge, vote.battle, error)
            outcome.failed += 1
            continue
        now = datetime.now(UTC)
        store.add(
            [
                ModelJudgement(
                    seq=seq, judge=judge, winner=winner, is_steady=is_steady, judged_at=now
                )
            ]
        )
        outcome.judged += 1
        outcome.unsteady += not is_steady


def judge_vote(backend: Backend, judge: str, vote: Vote) -> tuple[Winner, bool]:
    """Return which side a judge prefers, and whether it said so in both orders.

    Raises:
        VlmDemoError: it could not be asked.
    """
    images = tuple(
        Image.open(io.BytesIO(file)) for turn in vote.conversation for file in turn.images
    )
    limit = get_family(backend.spec(judge).family).limits.max_images
    question = "\n".join(turn.text for turn in vote.conversation)
    a, b = (describe_answers(backend, vote, side) for side in (vote.a, vote.b))

    def prefer(first: str, second: str) -> str:
        text = INSTRUCTION
        for name, value in {"question": question, "first": first, "second": second}.items():
            text = text.replace(f"{{{name}}}", value.strip()[:MAX_CHARACTERS] or "-", 1)
        request = Request(
            Task.CHAT,
            text,
            images[-limit:],
            choices=CHOICES,
            sampling=Sampling(max_new_tokens=8),
        )
        reply = Reply("", "")
        for newest in backend.answer(judge, request):
            reply = newest
        return reply.text.strip()

    straight = {"1": Winner.A, "2": Winner.B, "tie": Winner.TIE, "bad": Winner.BOTH_BAD}
    swapped = straight | {"1": Winner.B, "2": Winner.A}
    one, other = straight.get(prefer(a, b)), swapped.get(prefer(b, a))
    if one is None or other is None:
        raise VlmDemoError("Its answer was none of the choices.")
    return (one, True) if one is other else (Winner.TIE, False)


def describe_answers(backend: Backend, vote: Vote, side: Contender) -> str:
    """Return what a side answered as plain text, with its boxes in one form for every family."""
    return "\n".join(_describe(backend, vote, side.model, raw) for raw in side.outputs)


def _describe(backend: Backend, vote: Vote, model: str, raw: str) -> str:
    """Read an answer as its family writes it; as it is where the model is not on the menu."""
    try:
        family = get_family(backend.spec(model).family)
        images = [file for turn in vote.conversation for file in turn.images]
        shown = tuple(Image.open(io.BytesIO(file)).convert("RGB") for file in images[-1:])
        words = vote.conversation[-1].text
        reply = family.reply(raw, family.prompt(Request(vote.task, words, shown)))
    except VlmDemoError:
        return raw
    boxes = [
        f"{mention.phrase or 'thing'}: {_in_percent(bounding_box(region))}"
        for mention in reply.mentions
        for region in mention.regions
    ]
    listed = f"\nBoxes (left, top, right, bottom in percent): {'; '.join(boxes)}" if boxes else ""
    return f"{reply.text}{listed}"


def _in_percent(box: Box) -> str:
    return ", ".join(f"{100 * side:.0f}" for side in (box.x1, box.y1, box.x2, box.y2))
