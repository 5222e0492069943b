"""Finds a model's vision tower, and removes the layers whose output is never read."""

from __future__ import annotations

from typing import Any

TOWER_NAMES = ("vision_tower", "vision_model", "image_encoder")
"""Names that models of transformers give to the module that sees pixels."""


def find_vision_tower(model: Any) -> Any | None:
    """Return the outermost module of a model that sees pixels; None where there is none."""
    modules = dict(model.named_modules())
    paths = (path for path in modules if path.rpartition(".")[2] in TOWER_NAMES)
    outermost = min(paths, key=len, default=None)
    return None if outermost is None else modules[outermost]


def drop_unread_layers(model: Any) -> None:
    """Remove the last layers of a tower whose hidden states are read before its end.

    LLaVA and its relatives read the last but one (`vision_feature_layer`, where 0 is the input of
    the first layer); transformers would compute the rest all the same.
    """
    chosen = getattr(model.config, "vision_feature_layer", None)
    layers = getattr(getattr(find_vision_tower(model), "encoder", None), "layers", None)
    if chosen is None or layers is None:
        return
    indices = [
        index % (len(layers) + 1) for index in ([chosen] if isinstance(chosen, int) else chosen)
    ]
    if max(indices) == len(layers):
        return
    del layers[max(indices) :]
    model.config.vision_feature_layer = indices[0] if isinstance(chosen, int) else indices
