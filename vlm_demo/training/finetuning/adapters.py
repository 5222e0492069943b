"""Adapters of low rank: where in a model they go."""

from __future__ import annotations

import re
from typing import Any

from peft import LoraConfig

TOWER_NAMES = ("vision_tower", "vision_model", "visual", "vision_encoder", "image_encoder")
"""Names that models of transformers give to the module that sees pixels."""


def make_adapter(rank: int, *, tower: bool) -> LoraConfig:
    """Return the settings of an adapter on all linear layers but the last.

    Its scale is twice its rank, as in the paper's code and most recipes.

    Args:
        rank: of its matrices.
        tower: whether the part that sees the picture gets one as well.
    """
    excluded = None if tower else rf".*\b({'|'.join(map(re.escape, TOWER_NAMES))})\b.*"
    return LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        exclude_modules=excluded,
        task_type="CAUSAL_LM",
    )


def freeze_tower(model: Any) -> None:
    """Leave the part of a model that sees the picture as it is."""
    for name, parameter in model.named_parameters():
        if not set(name.split(".")).isdisjoint(TOWER_NAMES):
            parameter.requires_grad_(False)
