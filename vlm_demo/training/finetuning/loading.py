"""Loads a model of the menu to be trained, or says why it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import CacheBudget, NumberFormat, ignore_progress
from vlm_demo.engines.local.checkpoints.loading import load
from vlm_demo.engines.local.checkpoints.placement import pick_device
from vlm_demo.engines.local.checkpoints.runnable import fetch_runnable
from vlm_demo.engines.local.inputs.encoding import PromptEncoder
from vlm_demo.setting_declarations import Device
from vlm_demo.training.finetuning.options import Method

_IMAGE_CACHE = 1 << 30
"""Bytes of prepared pictures that are kept from one step to the next."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory that can be trained and saved."""

    folder: Path  # of the base
    model: Any
    processor: Any
    device: str

    @cached_property
    def encoder(self) -> PromptEncoder:
        """What encodes prompts as the engine does; from then on the processor keeps pictures."""
        return PromptEncoder(self.processor, self.model, CacheBudget(_IMAGE_CACHE))

    @property
    def parameters(self) -> int:
        """Number of all its parameters; those in 4 bits are counted as what they stand for."""
        return int(self.model.num_parameters())


def load_trainable(spec: ModelSpec, method: Method, device: Device) -> LoadedModel:
    """Load a model with all of its layers, fetching it first if need be.

    Raises:
        LoadError: it cannot be fetched or loaded.
        OutOfMemoryError: it does not fit into memory.
    """
    target = pick_device(device)
    options = spec.in_format(_number_format(method, target)).load_options(device)
    folder = fetch_runnable(options, ignore_progress)
    checkpoint = load(folder, options, ignore_progress, whole=True)
    return LoadedModel(folder, checkpoint.model, checkpoint.processor, target)


def _number_format(method: Method, device: str) -> NumberFormat:
    """Return the format of the base: what is trained itself needs 32 bits for its small changes."""
    if method is Method.QLORA:
        return NumberFormat.FOUR_BIT
    if method is Method.FULL or device == "cpu":
        return NumberFormat.FLOAT32
    return NumberFormat.BFLOAT16 if torch.cuda.is_available() else NumberFormat.FLOAT32
