"""Fits a processor's output to what a model takes."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import torch

TOKEN_TYPES = "mm_token_type_ids"
"""Name of the input that says which tokens stand for pictures: 1, for words: 0."""

_VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def list_input_names(model: Any) -> frozenset[str]:
    """Return the names of the inputs that a model takes; empty where it does not name them.

    They are those of its `forward`, and of what `generate` does before it
    (`_validate_model_kwargs` in transformers/generation/utils.py, 5.23).
    """
    forward = _list_parameters(model.forward)
    if not forward:
        return frozenset()
    return (
        forward
        | _list_parameters(model.prepare_inputs_for_generation)
        | _list_parameters(model.generate)
    )


def drop_unknown_inputs(inputs: Any, accepted: frozenset[str]) -> None:
    """Remove what a model does not take; with nothing `accepted`, it is taken to take everything.

    Processors return more than their models use: sizes of the picture (KOSMOS-2.5), token types,
    `labels`, and the empty sound and video of models that take those, too.
    """
    inputs.pop("labels", None)  # a model that is given them computes a loss
    if accepted:
        for name in [name for name in inputs if name not in accepted]:
            inputs.pop(name)


def add_token_types(inputs: Any, processor: Any, accepted: frozenset[str]) -> None:
    """Say which tokens stand for pictures, where M-RoPE asks and the processor has not said it."""
    has_grids = "image_grid_thw" in inputs or "video_grid_thw" in inputs
    if TOKEN_TYPES in accepted and TOKEN_TYPES not in inputs and has_grids:
        types = processor.create_mm_token_type_ids(inputs["input_ids"].tolist())
        inputs[TOKEN_TYPES] = torch.tensor(types)


def _list_parameters(function: Any) -> frozenset[str]:
    parameters = signature(function).parameters.values()
    return frozenset(one.name for one in parameters if one.kind not in _VARIABLE)
