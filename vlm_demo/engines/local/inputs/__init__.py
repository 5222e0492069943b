"""Turns prompts and images into tensors, with a cache, and checks that requests fit."""
