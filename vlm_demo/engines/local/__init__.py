"""Checkpoints that run on this machine, with transformers."""
