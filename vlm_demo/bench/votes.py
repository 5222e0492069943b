"""What a vote costs when there are many already."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from statistics import median

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Vote, Winner
from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.rows import Row, row_of
from vlm_demo.values import Task

CAST = 100
"""Votes whose cost is measured in each repeat, one after the other."""

MODELS, VOTERS = 60, 5_000
TINY = 1_000
FIRST_VOTE = datetime(2026, 1, 1, tzinfo=UTC)


def made_up_votes(count: int, seed: int) -> Iterator[Vote]:
    """Return votes as an arena gets them: each of another battle, most on another question."""
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
            picture_hash=draw.randbytes(32).hex(),
            began_at=moment,
            ended_at=moment,
            voted_at=moment,
            voter=f"{draw.randrange(VOTERS):032x}",
        )


def cast_ms(store: VoteStore, repeat: int) -> float:
    """Return the median cost of votes that are cast one by one."""
    costs = []
    for vote in made_up_votes(CAST, seed=repeat + 1):
        start = time.perf_counter()
        store.add(vote)
        costs.append(time.perf_counter() - start)
    return median(costs) * 1000


def _sqlite(workshop: BenchContext) -> Iterator[Row]:
    yield _row("vote_ms_sqlite", str(workshop.folder / "votes.db"), workshop)


def _postgresql(workshop: BenchContext) -> Iterator[Row]:
    if not workshop.options.postgresql:
        raise UnavailableError("Give the URL of an empty database with --postgresql.")
    yield _row("vote_ms_postgresql", workshop.options.postgresql, workshop)


def _row(id: str, url: str, workshop: BenchContext) -> Row:
    count = TINY if workshop.options.tiny else workshop.options.votes
    with closing(VoteStore(url)) as store:
        if store.head().seq:
            raise UnavailableError("There are votes in this database: give an empty one.")
        workshop.say(f"writing {count:,} votes")
        start = time.perf_counter()
        store.add_all(made_up_votes(count, seed=0))
        note = f"{count:,} votes were written in {time.perf_counter() - start:.0f} s"
        return row_of(id, [cast_ms(store, n) for n in workshop.repeats("casting votes")], note)


def _contender(number: int) -> Contender:
    said = "An answer of ordinary length, which says in a sentence or two what is to be seen. " * 2
    return Contender(
        model=f"model-{number:02}", revision=f"{number:040x}", engine="local bf16", outputs=(said,)
    )


GROUPS = (Group(("vote_ms_sqlite",), _sqlite), Group(("vote_ms_postgresql",), _postgresql))
