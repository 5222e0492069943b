"""Teaches models: the recipes of the embedded ones, and fine-tuning on labelled pictures."""
