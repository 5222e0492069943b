"""The views of the page."""

from __future__ import annotations

from enum import StrEnum

from vlm_demo.translatable_text import message


class View(StrEnum):
    """A view, in the order of the header; the value is its English title."""

    STUDIO = message("Studio")
    ARENA = message("Arena")
    LEADERBOARD = message("Leaderboard")
    BATCH = message("Batch")
    MODELS = message("Models")

    @property
    def slug(self) -> str:
        """The beginning of the ids of its elements."""
        return self.value.lower()
