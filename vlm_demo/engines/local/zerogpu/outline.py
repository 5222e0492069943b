"""Reads what a checkpoint is without its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig

from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.folders import read_json
from vlm_demo.engines.local.checkpoints.own_code import load_own_class
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.engines.local.checkpoints.runnable import check_trust
from vlm_demo.errors import LoadError


@dataclass(frozen=True, slots=True)
class Outline:
    """A model without its weights, as far as an `Encoder` needs it."""

    processor: Any
    config: Any
    generation_config: GenerationConfig
    forward: Callable[..., Any]
    prepare_inputs_for_generation: Callable[..., Any]
    generate: Callable[..., Any]


def load_outline(folder: Path, options: LoadOptions) -> Outline:
    """Read all of a checkpoint but its weights.

    Raises:
        LoadError: it cannot be read.
    """
    stored = read_json(folder / "config.json")
    brings_code = check_trust(folder, stored, options)
    try:
        config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=brings_code)
        model_class: Any = (
            load_own_class(folder, stored)
            if brings_code
            else AutoModelForImageTextToText._model_mapping[type(config)]
        )
        return Outline(
            load_processor(folder, trust_remote_code=brings_code),
            config,
            (
                GenerationConfig.from_pretrained(folder)
                if (folder / "generation_config.json").is_file()
                else GenerationConfig.from_model_config(config)
            ),
            model_class.forward,
            model_class.prepare_inputs_for_generation,
            model_class.generate,
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(
            "The model in {folder} could not be loaded: {problem}", folder=folder, problem=error
        ) from error
