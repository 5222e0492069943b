"""Text as every database can hold it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Replace NUL, which PostgreSQL refuses, and halves of surrogate pairs, which are no UTF-8."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
