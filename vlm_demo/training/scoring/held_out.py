"""Which examples of the user's data are held out, and which are learned from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.training.data import (
    TrainingExample,
    add_negatives,
    count_balance,
    describe_refusals,
    picture_key,
    read_training_data,
)
from vlm_demo.training.finetuning.options import FinetuneOptions


@dataclass(frozen=True, slots=True)
class Split:
    """Examples of a data set in two parts that share no picture."""

    learned: tuple[TrainingExample, ...]
    held_out: tuple[TrainingExample, ...]


def split_examples(examples: Sequence[TrainingExample], share: float, seed: int) -> Split:
    """Hold out a share of the pictures with all their examples; the same seed holds out the same.

    At least one picture is held out where the share is not 0, and at least one is learned from.
    """
    keys = list(dict.fromkeys(picture_key(example) for example in examples))
    count = min(max(1, round(share * len(keys))), len(keys) - 1) if share else 0
    chosen = set(random.Random(seed).sample(range(len(keys)), count))
    held = {key for number, key in enumerate(keys) if number in chosen}
    return Split(
        tuple(example for example in examples if picture_key(example) not in held),
        tuple(example for example in examples if picture_key(example) in held),
    )


@dataclass(frozen=True, slots=True)
class NewExamples:
    """What the user's data says."""

    learned: tuple[TrainingExample, ...]
    """Examples that are learned from, with the negatives that were added."""

    held_out: tuple[TrainingExample, ...]
    refused: int
    """Number of rows that could not be used."""

    notes: tuple[str, ...]
    """What people should know, in sentences."""


def read_new_examples(options: FinetuneOptions) -> NewExamples:
    """Read the data, hold a part of it out, and add negatives.

    Raises:
        InputError: nothing in the data can be used; the message says why.
    """
    data = read_training_data(options.data, form=options.form or None, limit=options.most)
    split = split_examples(data.examples, options.held_out, options.seed)
    notes = list(data.notes)
    if data.refused:
        notes.append(describe_refusals(data.refused))
    learned, held_out = split.learned, split.held_out
    if options.negatives:
        learned = _with_negatives(learned, options.seed)
        held_out = _with_negatives(held_out, options.seed)
    if added := len(learned) - len(split.learned):
        notes.append(f"{added} questions about absent things were added.")
    notes += count_balance(learned).warnings
    refused = sum(one.count for one in data.refused)
    return NewExamples(learned, held_out, refused, tuple(notes))


def _with_negatives(examples: Sequence[TrainingExample], seed: int) -> tuple[TrainingExample, ...]:
    return tuple(add_negatives(examples, seed)) if examples else ()
