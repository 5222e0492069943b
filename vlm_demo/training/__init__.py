"""Trains the embedded models: `vlm-demo train --recipe embedded-llava15`."""

from vlm_demo.training.run import RECIPES, train

__all__ = ["RECIPES", "train"]
