"""BLIP-2 and the models built on it."""
