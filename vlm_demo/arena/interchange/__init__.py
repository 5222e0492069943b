"""Votes in the formats of others: exported, imported, and as preference pairs for training."""
