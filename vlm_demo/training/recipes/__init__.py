"""Trains the embedded models: `vlm-demo train --recipe embedded-llava15`."""

import vlm_demo.engines.local  # noqa: F401  # it checks torchvision, before transformers is imported
from vlm_demo.training.recipes.run import RECIPES, train

__all__ = ["RECIPES", "train"]
