"""How long one vote takes when there are many already."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from statistics import median

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Vote, Winner
from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.results import BenchRow, median_row
from vlm_demo.values import Task

VOTES_A_REPEAT = 100
"""Number of votes that are cast and timed one by one in each repeat."""

MODELS, VOTERS = 60, 5_000
TINY_COUNT = 1_000
FIRST_VOTE = datetime(2026, 1, 1, tzinfo=UTC)


def make_votes(count: int, seed: int) -> Iterator[Vote]:
    """Yield votes as an arena gets them: each of another battle, most on another question."""
    draw = random.Random(seed)
    for number in range(count):
        a, b = draw.sample(range(MODELS), 2)
        moment = FIRST_VOTE + timedelta(seconds=number)
        yield Vote(
            battle=draw.randbytes(16).hex(),
            a=_contender(a),
            b=_contender(b),
            winner=draw.choice(list(Winner)),
            task=draw.choice(list(Task)),
            language=draw.choice(("en", "de", "ja")),
            parameters={"max_new_tokens": 512, "temperature": 0.7},
            seed=number,
            prompt_hash=draw.randbytes(32).hex(),
            image_hash=draw.randbytes(32).hex(),
            began_at=moment,
            ended_at=moment,
            voted_at=moment,
            voter=f"{draw.randrange(VOTERS):032x}",
        )


def cast_ms(store: VoteStore, repeat: int) -> float:
    """Return the median time of votes that are cast one by one, in milliseconds."""
    times = []
    for vote in make_votes(VOTES_A_REPEAT, seed=repeat + 1):
        start = time.perf_counter()
        store.add(vote)
        times.append(time.perf_counter() - start)
    return median(times) * 1000


def _measure_sqlite(context: BenchContext) -> Iterator[BenchRow]:
    yield _cast_votes("vote_ms_sqlite", str(context.folder / "votes.db"), context)


def _measure_postgresql(context: BenchContext) -> Iterator[BenchRow]:
    if not context.options.postgresql:
        raise UnavailableError("Give the URL of an empty database with --postgresql.")
    yield _cast_votes("vote_ms_postgresql", context.options.postgresql, context)


def _cast_votes(id: str, url: str, context: BenchContext) -> BenchRow:
    count = TINY_COUNT if context.options.tiny else context.options.votes
    with closing(VoteStore(url)) as store:
        if store.head().seq:
            raise UnavailableError("There are votes in this database: give an empty one.")
        context.report(f"writing {count:,} votes")
        start = time.perf_counter()
        store.add_all(make_votes(count, seed=0))
        note = f"{count:,} votes were written in {time.perf_counter() - start:.0f} s"
        return median_row(id, [cast_ms(store, n) for n in context.repeats("casting votes")], note)


def _contender(number: int) -> Contender:
    answer = (
        "An answer of ordinary length, which says in a sentence or two what is to be seen. " * 2
    )
    return Contender(
        model=f"model-{number:02}",
        revision=f"{number:040x}",
        engine="local bf16",
        outputs=(answer,),
    )


MEASUREMENTS = (
    Measurement(("vote_ms_sqlite",), _measure_sqlite),
    Measurement(("vote_ms_postgresql",), _measure_postgresql),
)
