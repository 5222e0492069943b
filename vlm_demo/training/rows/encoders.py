"""What encodes prompts for a model, made of its small files: its weights are not read."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import CacheBudget
from vlm_demo.engines.local.checkpoints.loading import BUILDING
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.engines.local.inputs.encoding import PromptEncoder
from vlm_demo.errors import LoadError

_IMAGE_CACHE = 1 << 26
"""Bytes of prepared pictures that are kept."""

_GENERATION_FILE = "generation_config.json"


def open_encoder(spec: ModelSpec) -> PromptEncoder:
    """Return what encodes prompts for a model of this computer.

    Raises:
        LoadError: its files are not here, or cannot be used.
    """
    folder = spec.folder
    if folder is None:
        raise LoadError(
            "The files of {name} are not on this computer. Load it once first.",
            name=spec.name,
        )
    try:
        config = AutoConfig.from_pretrained(folder)
        processor = load_processor(folder, trust_remote_code=False)
        with BUILDING, torch.device("meta"):
            model: Any = AutoModelForImageTextToText.from_config(config)  # type: ignore[no-untyped-call]  # of transformers
        if (folder / _GENERATION_FILE).is_file():
            model.generation_config = GenerationConfig.from_pretrained(folder)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise LoadError(
            "The model in {folder} could not be loaded: {reason}", folder=folder, reason=error
        ) from error
    return PromptEncoder(processor, model, CacheBudget(_IMAGE_CACHE))
