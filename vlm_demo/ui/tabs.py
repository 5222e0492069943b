"""The views of the page, and the tabs that hold them."""

from __future__ import annotations

from enum import StrEnum


class Tab(StrEnum):
    """A tab; the value is its English label, and names the tab in permalinks too."""

    STUDIO = "Studio"
    CHAT = "Chat"
    CAPTION = "Caption"
    ASK = "Ask"
    LOCATE = "Locate"
    CHECK = "Check"
    BATCH = "Batch"
    ARENA = "Arena"
    INSPECTOR = "Inspector"
    MODELS = "Models"

    @property
    def slug(self) -> str:
        """The beginning of the ids of its elements."""
        return self.value.lower()


VIEWS = (Tab.STUDIO, Tab.ARENA, Tab.BATCH, Tab.MODELS)
"""What the header offers, in its order."""
