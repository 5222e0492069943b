"""The button that asks a model, and the one that stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from gradio.components import Component

from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer.view import finish_value
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.i18n import say

_SHOW_STOP = browser_files.read("components/run_buttons.js")


@dataclass(frozen=True, slots=True)
class RunButtons:
    """The button that asks, and the one that takes its place while an answer is written."""

    run: gr.Button
    stop: gr.Button

    def wire(
        self,
        triggers: Sequence[Any],
        compute: Callable[..., Any],
        inputs: Sequence[Component],
        outputs: Sequence[Component],
        results: Sequence[gr.HTML],
    ) -> Any:
        """Ask a model on each of some events, and return the event of the answer.

        Run gives way to Stop in the browser, before the answer begins: at every step of a stream,
        Gradio rebuilds each component that might have changed and has not.

        Args:
            triggers: the events.
            compute: streams values for `outputs`.
            inputs: the components whose values `compute` is given.
            outputs: the components that `compute` changes.
            results: the components that show the answer. They stop looking unfinished however the
                event ends.
        """
        gr.on([*triggers], None, None, [self.run, self.stop], js=_SHOW_STOP, **QUICK)
        event = gr.on([*triggers], compute, [*inputs], [*outputs], **ANSWERS)

        def finish(*values: object) -> dict[Any, Any]:
            return {
                self.run: gr.Button(visible=True),
                self.stop: gr.Button(visible="hidden"),
                **dict(zip(results, map(finish_value, values), strict=True)),
            }

        event.then(finish, [*results], [*results, self.run, self.stop], **QUICK)
        self.stop.click(None, None, None, cancels=[event], **QUICK)
        return event


def build_run_buttons(
    label: str, elem_id: str, variant: Literal["primary", "secondary"] = "primary"
) -> RunButtons:
    """Lay out the two buttons, one of them hidden, in the same place."""
    with gr.Row(elem_classes="run"):
        return RunButtons(
            gr.Button(say(label), variant=variant, elem_id=f"{elem_id}-run"),
            gr.Button(say("Stop"), variant="stop", visible="hidden", elem_id=f"{elem_id}-stop"),
        )
