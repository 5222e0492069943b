"""Runs checkpoints on this machine with transformers."""
