"""What every tab is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.types import Task
from vlm_demo.ui.answer import settled
from vlm_demo.ui.examples import Example
from vlm_demo.ui.generation import Controls

if TYPE_CHECKING:  # they load the database, and what rates
    from vlm_demo.arena.battles import Arena
    from vlm_demo.arena.boards import Boards

MOST_ANSWERS = 64
"""Answers at a time, those that wait for their model included.

More than a model lets wait (`Serving.waiting`): it tells people their place, Gradio would not.
"""

ANSWERS: dict[str, Any] = {
    "concurrency_id": "answers",
    "concurrency_limit": MOST_ANSWERS,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Settings of every event that asks a model."""

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Settings of every event that computes nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The page around a tab."""

    backend: Backend
    settings: Settings
    controls: Controls
    arena: Arena
    boards: Boards
    newest: gr.State  # Picture | None: the one that came in last, on any tab
    asked: Mapping[str, gr.State]  # Asked | None, by tab: its newest answer
    again: Mapping[str, gr.Button]  # "Ask another model the same", by tab
    examples: Sequence[Example]
    card: gr.HTML  # of the chosen model, at the top of the page

    def place_again(self, tab: str) -> None:
        """Put the button "Ask another model the same" of a tab here."""
        self.again[tab].render()  # type: ignore[no-untyped-call]

    def examples_for(self, *tasks: Task) -> tuple[Example, ...]:
        """Return the examples for some tasks, in the order of the list."""
        return tuple(example for example in self.examples if example.task in tasks)


@dataclass(frozen=True, slots=True)
class RunButtons:
    """The button that asks, and the one that takes its place while an answer is written."""

    run: gr.Button
    stop: gr.Button

    @property
    def asking(self) -> dict[Component, Any]:
        """How they look while an answer is written."""
        return {self.run: gr.Button(visible="hidden"), self.stop: gr.Button(visible=True)}

    @property
    def idle(self) -> dict[Component, Any]:
        """How they look otherwise."""
        return {self.run: gr.Button(visible=True), self.stop: gr.Button(visible="hidden")}

    def wire(self, event: Any, result: gr.HTML) -> None:
        """Let Stop end the event, and settle the page however the event ends."""

        def settle(value: object) -> dict[Any, Any]:
            return {result: settled(value), **self.idle}

        event.then(settle, result, [result, self.run, self.stop], **QUICK)
        self.stop.click(None, None, None, cancels=[event], **QUICK)


def build_run_buttons(
    words: str, elem_id: str, variant: Literal["primary", "secondary"] = "primary"
) -> RunButtons:
    """Lay out the two buttons, one of them hidden, in the same place."""
    with gr.Row(elem_classes="run"):
        return RunButtons(
            gr.Button(words, variant=variant, elem_id=f"{elem_id}-run"),
            gr.Button("Stop", variant="stop", visible="hidden", elem_id=f"{elem_id}-stop"),
        )


def build_again_button(tab: str) -> gr.Button:
    """Make the button of a tab that takes its newest request to other models.

    The tab places it below its answer; page.css hides it until there is one.
    """
    return gr.Button(
        "Ask another model the same",
        size="sm",
        variant="secondary",
        elem_id=f"{tab.lower()}-again",
        elem_classes="again",
        render=False,
    )
