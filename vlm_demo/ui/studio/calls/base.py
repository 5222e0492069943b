"""What the calls of Studio's browser application share."""

MAX_CALLS = 32
"""Largest number of calls, other than answers, that are served at the same time."""
