"""Vision towers: what nobody reads is not computed, and what was computed is kept.

It is kept for the next question about a picture, for models whose prompts cannot be taken over in
part. The tower is the dear part of a picture; it does not read the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.inputs.pictures import Digests, Remembered
from vlm_demo.engines.local.statistics import Statistics

TOWERS = ("vision_tower", "vision_model", "image_encoder")
"""How models of transformers call the module that sees pixels."""


class RememberingTower:
    """Stands in for the `forward` of a model's tower."""

    def __init__(self, model: Any, budget: CacheBudget, statistics: Statistics) -> None:
        self._statistics = statistics
        self._remembered = Remembered(budget)
        tower = _tower_of(model)
        if tower is not None:
            self._compute = tower.forward
            tower.forward = self._forward

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._remembered.size

    @contextmanager
    def showing(self, pictures: Digests) -> Iterator[None]:
        """Say which pictures the tower is about to see."""
        self._remembered.show(pictures)
        try:
            yield
        finally:
            self._remembered.show(())

    def clear(self) -> None:
        """Forget everything."""
        self._remembered.clear()

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        output, reused = self._remembered.result(self._compute, *args, **kwargs)
        if self._remembered.pictures:
            self._statistics.picture(reused=reused)
        return output


def drop_unread_layers(model: Any) -> None:
    """Remove the last layers of a tower whose hidden states are read before its end.

    LLaVA and its relatives read the last but one (`vision_feature_layer`, of which 0 is what goes
    into the first layer); transformers would compute the rest all the same.
    """
    chosen = getattr(model.config, "vision_feature_layer", None)
    layers = getattr(getattr(_tower_of(model), "encoder", None), "layers", None)
    if chosen is None or layers is None:
        return
    places = [
        place % (len(layers) + 1) for place in ([chosen] if isinstance(chosen, int) else chosen)
    ]
    if max(places) == len(layers):
        return
    del layers[max(places) :]
    model.config.vision_feature_layer = places[0] if isinstance(chosen, int) else places


def _tower_of(model: Any) -> Any | None:
    modules = dict(model.named_modules())
    paths = (path for path in modules if path.rpartition(".")[2] in TOWERS)
    found = min(paths, key=len, default=None)  # the outermost
    return None if found is None else modules[found]
