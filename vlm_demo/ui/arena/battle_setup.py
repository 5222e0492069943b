"""The form that begins a battle, and the row in which people delete their votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.ui.arena.request_form import TASKS, build_task_fields
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.image_input import (
    ExampleButtons,
    ImageInput,
    build_example_buttons,
    build_image_input,
)
from vlm_demo.ui.components.task_form import TASK_LABELS, TEXT_FIELDS
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say

EXAMPLES_PER_TASK = 2
"""Number of examples offered for each task that takes a text."""


@dataclass(frozen=True, slots=True)
class BattleSetup:
    """The components that say what two models are asked."""

    column: gr.Column
    image: ImageInput
    task: gr.Radio
    text: gr.Textbox
    run: gr.Button
    examples: ExampleButtons
    random: gr.Button
    pool: tuple[Example, ...]  # from which `random` takes one

    def fill_example(self, example: Example) -> Mapping[Component, Any]:
        """Return the values of an example."""
        return {self.task: TASK_LABELS[example.task], self.text: example.text}

    def hide(self) -> dict[Any, Any]:
        """Make room for the battle."""
        return {self.column: gr.Column(visible=False)}

    def show(self) -> dict[Any, Any]:
        """Let the person begin a battle."""
        return {self.column: gr.Column(visible=True)}


def build_battle_setup(page: PageContext) -> BattleSetup:
    """Lay out the form."""
    with gr.Column(elem_id="battle-setup") as column, gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            image = build_image_input("battle-picture", page.newest_image, page.settings)
        with gr.Column(scale=5, min_width=300):
            task, text = build_task_fields("battle")
            run = gr.Button(say("Ask two models"), variant="primary", elem_id="battle-run")
            gr.HTML(
                "<p class='told' data-say>Two models answer side by side. Model names are revealed "
                "after you vote.</p>",
                apply_default_css=False,
            )
            examples = build_example_buttons(_choose_examples(page))
            random = gr.Button(say("Random example"), size="sm", elem_id="battle-random")
    return BattleSetup(column, image, task, text, run, examples, random, _pool(page))


def _choose_examples(page: PageContext) -> tuple[Example, ...]:
    """Return a few examples of each task."""
    pool = _pool(page)
    return tuple(
        example
        for task in TEXT_FIELDS
        for example in [one for one in pool if one.task is task][:EXAMPLES_PER_TASK]
    )


def _pool(page: PageContext) -> tuple[Example, ...]:
    """Return the examples that two models can be given, and know such pictures."""
    asked = [one for one in page.examples_for(*TASKS.values()) if "|" not in one.text]
    return tuple(one for one in asked if _count_able(page, one) > 1)


def _count_able(page: PageContext, example: Example) -> int:
    """Return how many models of the arena can do an example's task and know such pictures."""
    models = map(page.backend.spec, page.arena.contenders(example.task))
    return sum(spec.made_for in (None, example.picture.kind) for spec in models)


@dataclass(frozen=True, slots=True)
class VoteDeletion:
    """The buttons with which a person deletes all of their votes, after a question."""

    ask: gr.Button
    question: gr.Row
    confirm: gr.Button

    @property
    def components(self) -> list[Any]:
        """The components that `show_question` gives values for."""
        return [self.question, self.ask]

    def show_question(self, visible: bool) -> dict[Any, Any]:
        """Show the question in place of the first button, or the other way round."""
        return {self.question: gr.Row(visible=visible), self.ask: gr.Button(visible=not visible)}


def build_vote_deletion() -> VoteDeletion:
    """Lay out the buttons, and wire all but the one that deletes."""
    with gr.Row(elem_id="battle-data"):
        ask = gr.Button(say("Delete my data"), size="sm", elem_id="battle-delete")
        with gr.Row(visible=False, elem_id="battle-sure") as question:
            gr.HTML("<p data-say>Delete all your votes for good?</p>", apply_default_css=False)
            confirm = gr.Button(say("Delete"), variant="stop", size="sm", elem_id="battle-really")
            cancel = gr.Button(say("Keep them"), size="sm", elem_id="battle-rather-not")
    deletion = VoteDeletion(ask, question, confirm)
    for button, visible in ((ask, True), (cancel, False)):
        button.click(partial(deletion.show_question, visible), None, deletion.components, **QUICK)
    return deletion
