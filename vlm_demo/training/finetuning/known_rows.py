"""Finds out what a model knows already, so that steps go to what is new to it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from vlm_demo.training.data import TrainingTurn
from vlm_demo.training.rows import TrainingCollator, TrainingRow

KNOWN_LOSS, KNOWN_LOSS_OF_BOXES = 0.5, 1.5
"""Mean losses of a token below which an answer is known: of words, and of an answer with boxes,
whose last digits nobody knows. The embedded LLaVA has up to 0.5 and 1.2 for things that it knows,
and 4 to 6 for those that it has never seen."""

KNOWN_SHARE = 0.25
"""Share of the rows about known things that are learned from all the same."""

_TRIED = 2
"""Rows of each question and answer that are tried."""

_MOST_GROUPS = 500
"""With more different questions than these, each is rare, and all are learned from."""


def choose_rows(
    model: Any, collator: TrainingCollator, rows: Sequence[TrainingRow], seed: int
) -> list[int]:
    """Return the numbers of the rows that are learned from: all but most of what is known.

    A question is known only where all of its answers are: "no" to something that the model has
    never seen comes easily, and belongs beside the "yes".

    Args:
        model: before it is trained.
        collator: of these rows.
        rows: of the new data; the collator may have others behind them.
        seed: draws what is tried, and what is left out.
    """
    groups: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, row in enumerate(rows):
        turn = row.turns[-1]
        groups[turn.task, turn.text][_kind_of_answer(turn)].append(number)
    if len(groups) > _MOST_GROUPS:
        return list(range(len(rows)))
    rng = random.Random(seed)
    chosen: list[int] = []
    model.eval()
    for answers in groups.values():
        known = all(_is_known(model, collator, rows, own, rng) for own in answers.values())
        for numbers in answers.values():
            count = max(1, round(KNOWN_SHARE * len(numbers))) if known else len(numbers)
            chosen += rng.sample(numbers, count)
    return sorted(chosen)


def _kind_of_answer(turn: TrainingTurn) -> str:
    """Return what tells yes from no, and found from absent; other answers are of one kind."""
    if turn.phrases:
        return "found" if any(phrase.boxes for phrase in turn.phrases) else "absent"
    return turn.answer_text if turn.answer_text.casefold() in ("yes", "no") else ""


def _is_known(
    model: Any,
    collator: TrainingCollator,
    rows: Sequence[TrainingRow],
    numbers: Sequence[int],
    rng: random.Random,
) -> bool:
    tried = rng.sample(numbers, min(_TRIED, len(numbers)))
    batch = {
        name: value.to(model.device) if isinstance(value, torch.Tensor) else value
        for name, value in collator([{"images": number} for number in tried]).items()
    }
    has_boxes = any(phrase.boxes for phrase in rows[numbers[0]].turns[-1].phrases)
    with torch.no_grad():
        loss = float(model(**batch).loss)
    return loss < (KNOWN_LOSS_OF_BOXES if has_boxes else KNOWN_LOSS)
