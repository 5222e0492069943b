"""What every tab is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.batch.manager import BatchManager
from vlm_demo.settings import Settings
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.values import Task

if TYPE_CHECKING:  # they load the database and the ratings
    from vlm_demo.arena.battles.arena import Arena
    from vlm_demo.arena.ratings.leaderboards import Leaderboards


@dataclass(frozen=True, slots=True)
class PageContext:
    """The services and components that the tabs of a page share."""

    backend: Backend
    settings: Settings
    controls: Controls
    arena: Arena
    leaderboards: Leaderboards
    batches: BatchManager
    newest_image: gr.State  # UploadedImage | None: the one that came in last, on any tab
    examples: Sequence[Example]

    def examples_for(self, *tasks: Task) -> tuple[Example, ...]:
        """Return the examples for some tasks, in the order of the list."""
        return tuple(example for example in self.examples if example.task in tasks)
