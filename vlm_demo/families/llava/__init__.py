"""LLaVA and the models built on it."""
