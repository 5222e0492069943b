"""Votes that were never cast, in a real database."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vlm_demo.arena import Contender, Vote, Winner
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.values import Task


def make_votes(
    models: list[str], count: int, *, seed: int = 0, tag: str = "vote", **facts: Any
) -> Iterator[Vote]:
    """Yield votes in which a model wins more often the earlier it is in the list, over ten days."""
    rng = random.Random(seed)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(count):
        a, b = rng.sample(models, 2)
        better = Winner.A if models.index(a) < models.index(b) else Winner.B
        other = rng.choice([Winner.TIE, Winner.BOTH_BAD, Winner.A, Winner.B])
        moment = start + timedelta(days=10 * number / count)
        yield Vote(
            **{
                "battle": f"{tag}-{number}",
                "a": Contender(model=a),
                "b": Contender(model=b),
                "winner": better if rng.random() < 0.6 else other,
                "task": Task.CHAT,
                "language": "en",
                "parameters": {},
                "began_at": moment,
                "ended_at": moment,
                "voted_at": moment,
            }
            | facts
        )


def store_votes(path: Path, votes: Iterable[Vote]) -> None:
    store = VoteStore(str(path))
    store.add_all(votes)
    store.close()
