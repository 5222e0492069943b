"""The views of the page."""

from __future__ import annotations

from enum import StrEnum


class View(StrEnum):
    """A view, in the order of the header; the value is its English title."""

    STUDIO = "Studio"
    ARENA = "Arena"
    BATCH = "Batch"
    MODELS = "Models"

    @property
    def slug(self) -> str:
        """The beginning of the ids of its elements."""
        return self.value.lower()
