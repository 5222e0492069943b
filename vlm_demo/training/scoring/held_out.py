"""Which examples are held out, and which are learned from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.training.data import TrainingExample, picture_key


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
