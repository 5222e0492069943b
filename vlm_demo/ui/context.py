"""What every tab is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer_actions.actions import SharedActions
from vlm_demo.ui.components.answer_actions.permalinks import PermalinkCard
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.tabs import Tab
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
    newest_image: gr.State  # UploadedImage | None: the one that came in last, on any tab
    newest_answers: Mapping[Tab, gr.State]  # AnsweredRequest | None: the newest of each tab
    ask_again_buttons: Mapping[Tab, gr.Button]  # "Ask another model the same"
    check_buttons: Mapping[Tab, gr.Button]  # "Check this answer", where there is something to check
    examples: Sequence[Example]
    answer_actions: SharedActions  # what the bars below all answers share
    permalink_card: PermalinkCard  # what the link asks that opened this page

    def render_follow_ups(self, tab: Tab) -> None:
        """Place the buttons that take the newest answer of a tab to another one."""
        with gr.Row(elem_classes="again", elem_id=f"{tab.slug}-after"):
            for buttons in (self.ask_again_buttons, self.check_buttons):
                if tab in buttons:
                    buttons[tab].render()  # type: ignore[no-untyped-call]

    def examples_for(self, *tasks: Task) -> tuple[Example, ...]:
        """Return the examples for some tasks, in the order of the list."""
        return tuple(example for example in self.examples if example.task in tasks)
