"""Finds where an answer begins and ends in raw output that may still be growing."""

from __future__ import annotations

_OPENING, _CLOSING = "<think>", "</think>"


def split_reasoning(raw: str, *, is_open: bool = False) -> tuple[str, int]:
    """Return the reasoning before an answer, and the index in `raw` where the answer begins.

    `is_open` says that the prompt already ended with `<think>`: all is reasoning until `</think>`.
    """
    closing = raw.rfind(_CLOSING)
    if closing >= 0:
        return raw[:closing].replace(_OPENING, "", 1).strip(), closing + len(_CLOSING)
    begun = raw.lstrip()
    if begun.startswith(_OPENING):
        begun = begun.removeprefix(_OPENING)
    elif not is_open:
        return "", 0
    return cut_at(_CLOSING, begun).strip(), len(raw)


def cut_at(marker: str, text: str) -> str:
    """Return the text before a marker, also where only the marker's beginning is written yet."""
    text = text.split(marker, 1)[0]
    for length in range(len(marker) - 1, 1, -1):
        if text.endswith(marker[:length]):
            return text[:-length]
    return text
