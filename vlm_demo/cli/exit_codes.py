"""What a command returns to the shell, where it is not 0."""

PARTIAL = 1
"""Something was left out or is wrong; the output says what."""

BAD_INPUT = 2
"""The input cannot be used, or the model failed."""

INTERRUPTED = 130
"""Ctrl+C was pressed: 128 and the number of the signal, as in shells."""
