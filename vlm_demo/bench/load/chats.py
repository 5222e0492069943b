"""Many chats with pictures at once, some of them cancelled: the others equal lone runs."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from vlm_demo.bench.load.page import LoadedPage
from vlm_demo.bench.load.visitor import LoadVisitor, VisitorAnswer
from vlm_demo.catalog.menu import REPOSITORY

QUESTIONS = ("What do you see?", "How many are there?", "What colour is it?", "Is there a cat?")

KINDS = 12
"""Number of different questions, each with a picture and a seed of its own."""

TOKENS = 24


@dataclass(frozen=True, slots=True)
class ChatsVerdict:
    """What became of the chats."""

    chats: int
    cancelled: int
    equal: int  # to the lone run
    different: int
    failed: int
    seconds: float
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all that were not cancelled equal their lone runs."""
        return self.equal == self.chats - self.cancelled


async def run(page: LoadedPage, count: int, cancelled: int) -> ChatsVerdict:
    """Ask each question alone, and then all at once.

    Args:
        page: that is loaded.
        count: chats at once.
        cancelled: how many of them are cancelled, after up to three seconds.
    """
    draw = random.Random(5)
    pictures = sorted((REPOSITORY / "assets" / "examples").glob("*.png"))
    visitors = [LoadVisitor(page.address) for _ in range(count)]
    for number, visitor in enumerate(visitors):
        await visitor.enter(pictures[number % KINDS % len(pictures)])
    lone = [await _ask(visitors[kind], kind) for kind in range(min(KINDS, count))]
    stopped = set(draw.sample(range(count), cancelled))
    begin = time.monotonic()
    answers = await asyncio.gather(
        *(
            _ask(visitor, number % KINDS, draw.uniform(0.1, 3) if number in stopped else 0)
            for number, visitor in enumerate(visitors)
        )
    )
    seconds = time.monotonic() - begin
    for visitor in visitors:
        await visitor.close()
    finished = [(n, one) for n, one in enumerate(answers) if n not in stopped]
    failed = [one.problem for _, one in finished if one.problem]
    equal = sum(not one.problem and one.raw == lone[n % KINDS].raw for n, one in finished)
    different = len(finished) - len(failed) - equal
    problems = tuple(sorted(set(failed)))[:5]
    return ChatsVerdict(
        count, cancelled, equal, different, len(failed), round(seconds, 1), problems
    )


async def _ask(visitor: LoadVisitor, kind: int, stop_s: float = 0) -> VisitorAnswer:
    text = QUESTIONS[kind % len(QUESTIONS)]
    return await visitor.ask(text, tokens=TOKENS, seed=1_000 + kind, stop_s=stop_s)
