"""Which votes a board is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlm_demo.arena.votes.vote import Origin

if TYPE_CHECKING:
    from vlm_demo.arena.votes.vote_counts import Cell


@dataclass(frozen=True, slots=True)
class Selection:
    """A choice among the votes; without one, all that people cast on whole answers."""

    task: str = ""  # "": all tasks
    language: str = ""  # "": all languages
    boxes: bool = False  # the votes on the boxes alone, instead of those on whole answers
    automatic: bool = False  # what the program judged, instead of what people did
    voter: str = ""  # of one person, by the keyed hash; "": of all

    def covers(self, cell: Cell) -> bool:
        """Whether votes belong to it; who cast them, a sum does not know."""
        return (
            self.boxes == cell.boxes
            and self.automatic == (cell.origin == Origin.AUTOMATIC)
            and self.task in ("", cell.task)
            and self.language in ("", cell.language)
        )
