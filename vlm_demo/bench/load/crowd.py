"""Many visitors who ask short questions for minutes: no error but "busy", and memory levels off."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from vlm_demo.bench.load.chats import QUESTIONS
from vlm_demo.bench.load.page import LoadedPage
from vlm_demo.bench.load.visitor import LoadVisitor, VisitorAnswer
from vlm_demo.catalog.menu import REPOSITORY

MAX_SPREAD = 3.0
"""Largest ratio of the 95th percentile of the first token to its median."""

MAX_GROWTH = 1.05
"""Largest ratio of the memory in the last third of the time to that in the second."""

SAMPLE_S = 5.0
"""Seconds between two measurements of memory."""


@dataclass(frozen=True, slots=True)
class CrowdVerdict:
    """How the crowd was answered."""

    visitors: int
    seconds: float
    answered: int
    busy: int
    failed: int
    first_token_median_s: float
    first_token_p95_s: float
    first_token_by_minute_s: tuple[float, ...]  # its medians; 0: nobody was answered
    resident_mb: tuple[float, ...]  # at ten moments
    growth: float  # of memory, from the second third of the time to the last
    problems: tuple[tuple[str, int], ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed, nobody waited much longer than others, and memory is flat."""
        is_fair = self.first_token_p95_s <= MAX_SPREAD * self.first_token_median_s
        return self.answered > 0 and not self.failed and is_fair and self.growth <= MAX_GROWTH


async def run(page: LoadedPage, count: int, seconds: float, pause_s: float) -> CrowdVerdict:
    """Let visitors ask again and again.

    Args:
        page: that is loaded.
        count: visitors.
        seconds: how long they stay.
        pause_s: mean of the seconds between an answer and the next question of a visitor.
    """
    draw = random.Random(7)
    pictures = sorted((REPOSITORY / "assets" / "examples").glob("*.png"))
    visitors = [LoadVisitor(page.address) for _ in range(count)]
    for number, visitor in enumerate(visitors):
        await visitor.enter(pictures[number % len(pictures)])
    end = time.monotonic() + seconds
    memory: list[float] = []
    answers: list[tuple[float, VisitorAnswer]] = []  # with the second of the question

    async def visit(visitor: LoadVisitor) -> None:
        await asyncio.sleep(draw.uniform(0, 2 * pause_s))
        while time.monotonic() < end:
            second = seconds - (end - time.monotonic())
            answer = await visitor.ask(draw.choice(QUESTIONS), seed=draw.randrange(1_000))
            answers.append((second, answer))
            await asyncio.sleep(draw.uniform(0.5, 1.5) * pause_s)

    async def measure() -> None:
        while time.monotonic() < end:
            memory.append(page.resident_mb())
            await asyncio.sleep(min(SAMPLE_S, seconds / 12))

    await asyncio.gather(measure(), *(visit(visitor) for visitor in visitors))
    for visitor in visitors:
        await visitor.close()
    return _judge(count, seconds, answers, memory)


def _judge(
    count: int, seconds: float, asked: list[tuple[float, VisitorAnswer]], memory: list[float]
) -> CrowdVerdict:
    answers = [one for _, one in asked]
    begun = [(second, one.first_token_s or 0.0) for second, one in asked if not one.problem]
    firsts = [first for _, first in begun if first]
    minutes = range(math.ceil(seconds / 60))
    by_minute = [[first for second, first in begun if second // 60 == one] for one in minutes]
    busy = sum(one.is_busy for one in answers)
    failed = Counter(one.problem[:200] for one in answers if one.problem and not one.is_busy)
    third = max(len(memory) // 3, 1)
    return CrowdVerdict(
        visitors=count,
        seconds=seconds,
        answered=sum(not one.problem for one in answers),
        busy=busy,
        failed=failed.total(),
        first_token_median_s=round(median(firsts), 2) if firsts else 0.0,
        first_token_p95_s=round(quantiles(firsts, n=20)[-1], 2) if len(firsts) > 1 else 0.0,
        first_token_by_minute_s=tuple(round(median(one), 2) if one else 0.0 for one in by_minute),
        resident_mb=tuple(round(one) for one in memory[:: max(len(memory) // 10, 1)]),
        growth=round(fmean(memory[-third:]) / fmean(memory[third : 2 * third] or memory), 3),
        problems=tuple(failed.most_common(5)),
    )
