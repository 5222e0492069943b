"""Reads what a checkpoint is without its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.errors import LoadError


@dataclass(frozen=True, slots=True)
class Outline:
    """A model without its weights, as far as an `Encoder` needs it."""

    processor: Any
    config: Any
    generation_config: GenerationConfig
    forward: Callable[..., Any]


def load_outline(folder: Path, *, trust_remote_code: bool) -> Outline:
    """Read all of a checkpoint but its weights.

    Raises:
        LoadError: it cannot be read.
    """
    try:
        config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        own_code = getattr(config, "auto_map", {}).get("AutoModelForImageTextToText")
        if own_code and trust_remote_code:
            model_class: Any = get_class_from_dynamic_module(own_code, folder)
        else:
            model_class = AutoModelForImageTextToText._model_mapping[type(config)]
        return Outline(
            load_processor(folder, trust_remote_code=trust_remote_code),
            config,
            (
                GenerationConfig.from_pretrained(folder)
                if (folder / "generation_config.json").is_file()
                else GenerationConfig.from_model_config(config)
            ),
            model_class.forward,
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"The model in {folder} could not be loaded: {error}") from error
