"""One visitor tries whatever takes much work; the others are answered as fast as before."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import httpx2
from PIL import Image

from vlm_demo.bench.load.page import MODEL, LoadedPage
from vlm_demo.bench.load.visitor import LoadVisitor
from vlm_demo.catalog.menu import REPOSITORY

MAX_SLOWDOWN = 2.0
"""Largest ratio of others' first token during a bomb to that before."""

MAX_PAGE_S = 1.0
"""Longest time in which the page itself must answer, in seconds."""

FEWEST = 5
"""Smallest number of questions that others ask during a bomb."""

Bomb = Callable[[LoadVisitor], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class BombFigures:
    """What others saw while one bomb was thrown again and again."""

    first_token_s: float  # median
    slowest_page_s: float  # of GET /
    thrown: int
    failed: int  # questions of others that were not answered


@dataclass(frozen=True, slots=True)
class BombsVerdict:
    """What others saw before, and during each bomb."""

    before_s: float  # median of the first token
    bombs: Mapping[str, BombFigures]

    @property
    def passed(self) -> bool:
        """Whether others were answered nearly as fast as before, and the page at once."""
        return all(
            not one.failed
            and one.first_token_s <= MAX_SLOWDOWN * self.before_s
            and one.slowest_page_s <= MAX_PAGE_S
            for one in self.bombs.values()
        )


async def run(page: LoadedPage, seconds: float) -> BombsVerdict:
    """Throw each bomb for some seconds, and measure what others see.

    Args:
        page: that is loaded.
        seconds: how long each bomb is thrown, again and again.
    """
    other, attacker = LoadVisitor(page.address), LoadVisitor(page.address)
    picture = REPOSITORY / "assets" / "examples" / "animals.png"
    await other.enter(picture)
    await attacker.enter(picture)
    await other.ask("What do you see?")  # loads the model
    alone = [await other.ask("What is it?") for _ in range(2 * FEWEST)]
    before = median(one.first_token_s or 0.0 for one in alone)
    figures = {
        name: await _measure(other, attacker, bomb, seconds) for name, bomb in _BOMBS.items()
    }
    await other.close()
    await attacker.close()
    return BombsVerdict(round(before, 3), figures)


async def _measure(
    other: LoadVisitor, attacker: LoadVisitor, bomb: Bomb, seconds: float
) -> BombFigures:
    end = time.monotonic() + seconds
    thrown = failed = 0
    firsts: list[float] = []
    slowest = 0.0

    async def throw() -> None:
        nonlocal thrown
        while True:
            with suppress(httpx2.HTTPError, ValueError):
                await bomb(attacker)
            thrown += 1

    async def look() -> None:
        nonlocal slowest
        while True:
            begin = time.monotonic()
            await other.http.get("")
            slowest = max(slowest, time.monotonic() - begin)
            await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(throw()), asyncio.create_task(look())]
    await asyncio.sleep(min(2.0, seconds / 4))  # until the work has begun
    while time.monotonic() < end or len(firsts) + failed < FEWEST:
        answer = await other.ask("What is it?")
        if answer.first_token_s is None or answer.problem:
            failed += 1
        else:
            firsts.append(answer.first_token_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return BombFigures(
        round(median(firsts), 3) if firsts else 0.0, round(slowest, 3), thrown, failed
    )


# The bombs


async def _throw_scans(visitor: LoadVisitor) -> None:
    """Send a progressive JPEG whose last scan is repeated, just below the limit."""
    file = io.BytesIO()
    Image.new("RGB", (6_300, 6_300), "red").save(file, "JPEG", progressive=True, quality=1)
    plain = file.getvalue()
    last = plain.rindex(b"\xff\xda")
    content = plain[:last] + 80 * plain[last:-2] + b"\xff\xd9"
    await visitor.call("studio_image", await visitor.upload(content, "a.jpg"), "a.jpg")


async def _throw_pixels(visitor: LoadVisitor) -> None:
    """Send a picture of as many pixels as are taken, in a few bytes."""
    file = io.BytesIO()
    Image.new("L", (40_000, 1_000)).save(file, "PNG")
    await visitor.call("studio_image", await visitor.upload(file.getvalue()), "a.png")


async def _throw_archive(visitor: LoadVisitor) -> None:
    """Send a ZIP whose pictures have many bytes when they are unpacked."""
    bitmap, file = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (2_500, 2_500)).save(bitmap, "BMP")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(40):
            archive.writestr(f"{number}.bmp", bitmap.getvalue())
    await visitor.call("studio_benchmark", "upload", await visitor.upload(file.getvalue(), "b.zip"))


async def _throw_history(visitor: LoadVisitor) -> None:
    await visitor.call("chat", "x", visitor.file, [["a", "b"]] * 800, "", None, 8, 0, 1)


async def _throw_choices(visitor: LoadVisitor) -> None:
    await _ask(visitor, choices=[f"c{number}" for number in range(20_000)])


async def _throw_pattern(visitor: LoadVisitor) -> None:
    await _ask(visitor, pattern="((a{1,500}){1,500}){1,500}")


async def _throw_schema(visitor: LoadVisitor) -> None:
    await _ask(visitor, schema='{"items":' * 300 + "{}" + "}" * 300)


async def _ask(
    visitor: LoadVisitor, choices: list[str] | None = None, pattern: str = "", schema: str = ""
) -> None:
    asked = "q", choices, "", pattern, schema
    await visitor.call("ask", visitor.file, *asked, None, 8, 0, 1)


async def _throw_nesting(visitor: LoadVisitor) -> None:
    headers = {"Content-Type": "application/json"}
    await visitor.http.post("gradio_api/queue/join", content=b"[" * 5_000_000, headers=headers)


async def _throw_text(visitor: LoadVisitor) -> None:
    turn = {"turn": "t", "model": MODEL, "task": "chat", "text": "x" * 5_000_000}
    await visitor.call("studio_answer", turn)


async def _throw_conversation(visitor: LoadVisitor) -> None:
    turns = [{"role": "user", "text": "x"}] * 200_000
    saved = json.dumps({"format": "vlm_demo conversation", "version": 1, "turns": turns})
    await visitor.call("studio_conversation", "import", saved)


_BOMBS: Mapping[str, Bomb] = {
    "scans": _throw_scans,
    "pixels": _throw_pixels,
    "archive": _throw_archive,
    "history": _throw_history,
    "choices": _throw_choices,
    "pattern": _throw_pattern,
    "schema": _throw_schema,
    "nesting": _throw_nesting,
    "text": _throw_text,
    "conversation": _throw_conversation,
}
