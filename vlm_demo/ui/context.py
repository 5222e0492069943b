"""What every tab is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer.view import settled
from vlm_demo.ui.components.answer_actions.permalinks import Links
from vlm_demo.ui.components.picture_input.examples import Example
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.values import Task

if TYPE_CHECKING:  # they load the database, and what rates
    from vlm_demo.arena.battles.arena import Arena
    from vlm_demo.arena.ratings.leaderboards import Boards

ASKING = """() => [{__type__: 'update', visible: 'hidden'}, {__type__: 'update', visible: true}]"""
"""What the button that asks and the one that stops become in the browser."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """The page around a tab."""

    backend: Backend
    settings: Settings
    controls: Controls
    arena: Arena
    boards: Boards
    newest: gr.State  # Picture | None: the one that came in last, on any tab
    asked: Mapping[str, gr.State]  # Asked | None, by tab: its newest answer
    again: Mapping[str, gr.Button]  # "Ask another model the same", by tab
    check: Mapping[str, gr.Button]  # "Check this answer", by tab where there is something to check
    examples: Sequence[Example]
    card: gr.HTML  # of the chosen model, at the top of the page
    numbered: gr.State  # (Picture, moment) | None: goes with the next message of the chat
    benchmark: gr.State  # tuple[Known, ...]: the visitor's own
    links: Links  # what a link to this page asks

    def place_again(self, tab: str) -> None:
        """Put what takes the newest answer of a tab elsewhere here."""
        with gr.Row(elem_classes="again", elem_id=f"{tab.lower()}-after"):
            for buttons in (self.again, self.check):
                if tab in buttons:
                    buttons[tab].render()  # type: ignore[no-untyped-call]

    def examples_for(self, *tasks: Task) -> tuple[Example, ...]:
        """Return the examples for some tasks, in the order of the list."""
        return tuple(example for example in self.examples if example.task in tasks)


@dataclass(frozen=True, slots=True)
class RunButtons:
    """The button that asks, and the one that takes its place while an answer is written."""

    run: gr.Button
    stop: gr.Button

    def ask(
        self,
        triggers: Sequence[Any],
        compute: Callable[..., Any],
        inputs: Sequence[Component],
        outputs: Sequence[Component],
        results: Sequence[gr.HTML],
    ) -> Any:
        """Let something ask a model, and return the event.

        Run gives way to Stop in the browser, before the answer begins: every step of a stream makes
        Gradio build anew each component that might have changed and has not.

        Args:
            triggers: what asks.
            compute: streams values for `outputs`.
            inputs: what `compute` is given.
            outputs: what `compute` changes.
            results: what shows the answer; however the event ends, they no longer look unfinished.
        """
        gr.on([*triggers], None, None, [self.run, self.stop], js=ASKING, **QUICK)
        event = gr.on([*triggers], compute, [*inputs], [*outputs], **ANSWERS)

        def settle(*values: object) -> dict[Any, Any]:
            return {
                self.run: gr.Button(visible=True),
                self.stop: gr.Button(visible="hidden"),
                **dict(zip(results, map(settled, values), strict=True)),
            }

        event.then(settle, [*results], [*results, self.run, self.stop], **QUICK)
        self.stop.click(None, None, None, cancels=[event], **QUICK)
        return event


def build_run_buttons(
    words: str, elem_id: str, variant: Literal["primary", "secondary"] = "primary"
) -> RunButtons:
    """Lay out the two buttons, one of them hidden, in the same place."""
    with gr.Row(elem_classes="run"):
        return RunButtons(
            gr.Button(say(words), variant=variant, elem_id=f"{elem_id}-run"),
            gr.Button(say("Stop"), variant="stop", visible="hidden", elem_id=f"{elem_id}-stop"),
        )


def build_again_button(tab: str) -> gr.Button:
    """Make the button of a tab that takes its newest request to other models.

    The tab places it below its answer; page.css hides it until there is one.
    """
    return gr.Button(
        say("Ask another model the same"),
        size="sm",
        variant="secondary",
        elem_id=f"{tab.lower()}-again",
        render=False,
    )


def build_check_button(tab: str) -> gr.Button:
    """Make the button of a tab that takes its newest answer to be checked."""
    return gr.Button(
        say("Check this answer"),
        size="sm",
        variant="secondary",
        elem_id=f"{tab.lower()}-check",
        render=False,
    )
