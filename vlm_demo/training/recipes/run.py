"""Runs a recipe from the start to the folder that is shipped."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import torch

from vlm_demo.errors import SettingsError, quote_name, suggest_names
from vlm_demo.training.recipes import kosmos2, llava15
from vlm_demo.training.recipes.loop import fit
from vlm_demo.training.recipes.published_weights import publish_weights
from vlm_demo.training.recipes.vision_tower import train_tower

RECIPES: dict[str, ModuleType] = {module.NAME: module for module in (llava15, kosmos2)}
RUNS = Path("runs")


def train(recipe: str, out: Path | None = None, fresh: bool = False) -> Path:
    """Train a recipe and export the model; an interrupted run is resumed.

    Args:
        recipe: name of an embedded model.
        out: folder for the finished model; by default "runs/<recipe>/model".
        fresh: delete earlier checkpoints of this recipe and of the shared vision tower.

    Returns:
        The folder of the finished model.

    Raises:
        SettingsError: there is no such recipe.
    """
    if recipe not in RECIPES:
        suggestion = suggest_names(recipe, RECIPES)
        raise SettingsError(f"There is no recipe {quote_name(recipe)}. {suggestion}".strip())
    module, folder = RECIPES[recipe], RUNS / recipe
    tower_checkpoint = RUNS / "scenes-tower" / "checkpoint.pt"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(tower_checkpoint.parent, ignore_errors=True)
    torch.set_num_threads(1)  # more threads are slower for models this small
    tower = train_tower(tower_checkpoint)
    torch.manual_seed(1)
    tokenizer = module.build_tokenizer()
    model = module.build_trainable(tokenizer, tower)
    fit(
        model,
        module.batches(tokenizer),
        model.loss,
        module.SCHEDULE,
        folder / "checkpoint.pt",
        title=recipe,
    )
    finished = out or folder / "model"
    module.export(model, tokenizer, finished)
    publish_weights(finished / "model.safetensors", module.HUB_PREFIXES)
    return finished
