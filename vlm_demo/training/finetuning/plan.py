"""What a run does that its options leave open: how many steps, how fast, and which rows."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.training.finetuning.options import FinetuneOptions, Method

MIN_ROWS = 4800
"""Fewest rows that a run takes if --steps does not say: small data is seen more often."""

MIN_STEPS_DPO = 40
"""Fewest steps of a run on pairs, of which a few steps more do harm."""

BATCH, BATCH_DPO = 8, 10
"""Rows and pairs of a step, unless --batch says otherwise: what docs/fine-tuning.md measures."""

AT_ONCE_CPU = 8
"""Most rows that a CPU computes at a time: more do not make it faster, and rows of one length, of
which there are as many, need no padding (the embedded LLaVA: 2.7 seconds a step instead of 3.6)."""

WARMUP_SHARE = 0.1
"""Share of the steps in which the learning rate rises to its highest value."""

_RATES = {Method.LORA: (3e-3, 2e-4), Method.FULL: (7e-4, 1e-5), Method.DPO: (5e-4, 5e-6)}
"""Highest learning rates for models of 5 million and of 7 billion parameters: the former were
measured with the embedded models, the latter are those of LLaVA-1.5's recipes
(https://github.com/haotian-liu/LLaVA/tree/main/scripts/v1_5) and, for DPO, of TRL's examples."""

_SMALL, _LARGE = 5e6, 7e9


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does."""

    steps: int
    learning_rate: float
    warmup_steps: int
    checkpoint_every: int


def make_plan(options: FinetuneOptions, *, new_rows: int, parameters: int) -> Plan:
    """Fill in what the options leave open.

    Args:
        options: of the run.
        new_rows: number of training rows without the old questions.
        parameters: of the whole model.
    """
    is_dpo = options.method is Method.DPO
    seen = options.epochs * new_rows / (1 if is_dpo else 1 - options.replay)
    fewest = MIN_STEPS_DPO if is_dpo else math.ceil(MIN_ROWS / batch_size(options))
    steps = options.steps or max(fewest, math.ceil(seen / batch_size(options)))
    return Plan(
        steps=steps,
        learning_rate=options.learning_rate or default_rate(options.method, parameters),
        warmup_steps=max(1, round(WARMUP_SHARE * steps)),
        checkpoint_every=options.checkpoint_every or max(1, steps // 10),
    )


def batch_size(options: FinetuneOptions) -> int:
    """Return how many rows, or pairs, each step learns from."""
    return options.batch or (BATCH_DPO if options.method is Method.DPO else BATCH)


def default_at_once(batch: int, device: str) -> int:
    """Return how many rows of a step are best computed at a time, if memory allows."""
    return math.gcd(batch, AT_ONCE_CPU) if device == "cpu" else batch


def default_rate(method: Method, parameters: int) -> float:
    """Return a learning rate for a size of model: a power law through two known points."""
    small, large = _RATES[Method.LORA if method is Method.QLORA else method]
    place = math.log(parameters / _SMALL) / math.log(_LARGE / _SMALL)
    return float(f"{small * (large / small) ** min(max(place, 0.0), 1.0):.1e}")


def order_rows(
    new: Sequence[int], old: Sequence[int], *, count: int, replay: float, seed: int
) -> list[int]:
    """Return which rows are learned from, in order: old ones are spread evenly among the new.

    Each is seen about equally often; a resumed run gets the same order.

    Args:
        new: numbers of the rows of the new data.
        old: of the old questions; there may be none.
        count: how many rows the run takes.
        replay: share of old questions.
        seed: of the order.
    """
    rng = random.Random(seed)
    fresh, known = _Deck(new, rng), _Deck(old, rng)
    share = replay if old else 0.0
    order, owed = [], 0.0
    for _ in range(count):
        owed += share
        if owed >= 1:
            owed -= 1
            order.append(known.draw())
        else:
            order.append(fresh.draw())
    return order


def sort_steps(order: Sequence[int], batch: int, lengths: Sequence[int]) -> list[int]:
    """Return the rows of each step from the shortest to the longest, for the sake of padding.

    Args:
        order: numbers of rows.
        batch: rows of a step.
        lengths: of all rows, by their number.
    """
    steps = (order[at : at + batch] for at in range(0, len(order), batch))
    return [row for step in steps for row in sorted(step, key=lengths.__getitem__)]


class _Deck:
    """Deals all of its cards before it is shuffled again."""

    def __init__(self, cards: Sequence[int], rng: random.Random) -> None:
        self._cards, self._rng, self._left = list(cards), rng, list[int]()

    def draw(self) -> int:
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()
