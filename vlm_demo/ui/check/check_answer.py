"""Check an answer: is each thing that it names in the picture, and where?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.analysis.checking import check, grounding_models
from vlm_demo.analysis.verdicts import Check
from vlm_demo.errors import InputError
from vlm_demo.ui.arena.sides import Side, side_by_side
from vlm_demo.ui.check.findings import NOTHING, checked, findings
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.remedies import problem, wire_remedies
from vlm_demo.ui.components.answer.view import NOTHING as NOTHING_WRONG
from vlm_demo.ui.components.answer.view import answer
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.picture_input.examples import ASSETS, Example
from vlm_demo.ui.components.picture_input.input import (
    build_examples,
    build_picture_input,
    wanted,
    wire_examples,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.context import PageContext, build_run_buttons
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.i18n import say
from vlm_demo.values import Task

_EXAMPLES = (
    ("animals.png", "A true answer", "A lion, an elephant and a bee. There is no car."),
    ("animals.png", "One with mistakes", "A lion stands beside two elephants and a zebra."),
)

SHOW_AND_RUN = """() => {
  document.getElementById('check-tab-button').click();
  const open = () => {  // the inner tabs are there only when the outer one is shown
    const view = document.getElementById('check-answer-tab-button');
    const run = document.getElementById('check-run');
    if (view && view.offsetParent && run) { view.click(); run.click(); }
    else requestAnimationFrame(open);
  };
  open();
}"""


def build_check_answer(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the view and wire it to the backend."""
    backend = around.backend
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("check-picture", around)
        with gr.Column(scale=6, min_width=300):
            text = gr.Textbox(
                label=say("Answer to check"),
                info=say("Every thing that it names is looked for in the picture"),
                placeholder=say("A dog sits beside a red chair. There is no cat."),
                lines=3,
                max_lines=8,
                elem_id="check-text",
            )
            model = gr.Dropdown(
                grounding_models(backend),
                value=next(iter(grounding_models(backend)), None),
                label=say("Checked by"),
                info=say("A model that can say where things are"),
                elem_id="check-model",
            )
            buttons = build_run_buttons("Check", "check")
            trouble = answer(
                "check-problem", run="#check-run", field="#check-text", picture="#check-picture"
            )
            result = findings("check-findings", board="check-picture")
            tries = build_examples(_examples())

    def run(picture: Picture | None, words: str, chosen: str | None) -> Iterator[Any]:
        yield gr.skip()
        try:
            picture = wanted(picture)
            if not chosen:
                raise InputError(
                    "No model here can say where things are. Please add one on the Models tab."
                )
            yield {trouble: NOTHING_WRONG, result: NOTHING, own.board: shown(picture)}
            waiting = None if backend.is_loaded(chosen) else _loading(chosen)
            source = partial(check, backend, chosen, picture.open(), words)
            seen: Side[Check] | None = None
            with closing(side_by_side([source])) as rounds:
                for (side,) in rounds:
                    if side is seen:
                        yield {result: gr.skip()}
                        continue
                    seen = side
                    if side.newest is not None:
                        yield _shown(picture, side.newest, busy=not side.done, waiting=waiting)
                        waiting = None if side.newest.count(None) == 0 else waiting
                    if side.error is not None:
                        raise side.error
        except Exception as error:  # whatever it is, people are told
            yield {trouble: problem(error, backend, chosen or "", Task.GROUNDING)}

    def _shown(
        picture: Picture, so_far: Check, *, busy: bool, waiting: Said | None
    ) -> dict[Any, Any]:
        begun = so_far.count(None) < len(so_far.findings)
        return {
            result: checked(so_far, busy=busy, waiting=waiting if busy and not begun else None),
            own.board: shown(picture, so_far.mentions if begun else (), _sure(so_far, begun)),
        }

    def _sure(so_far: Check, begun: bool) -> tuple[tuple[float | None, ...], ...]:
        return so_far.confidences if begun else ()

    def carry(asked: Asked | None) -> dict[Any, Any]:
        """Take over the answer of another tab, to be checked by another model if there is one."""
        if asked is None:
            return {result: gr.skip()}
        words = asked.reply.text.strip()
        names = grounding_models(backend, words, other_than=asked.model)
        # Without a picture or words, the check itself says what is missing.
        return {
            own.picture: asked.picture,
            own.board: shown(asked.picture),
            text: words,
            model: gr.Dropdown(choices=names, value=next(iter(names), None)),
            result: NOTHING,
            trouble: NOTHING_WRONG,
        }

    def filled(example: Example) -> Mapping[Component, Any]:
        return {text: example.words, **cleared}

    def offered(chosen: str | None) -> gr.Dropdown:
        """Offer the models of the menu, which may have grown."""
        names = grounding_models(backend)
        return gr.Dropdown(choices=names, value=chosen or next(iter(names), None))

    cleared: dict[Component, Any] = {result: NOTHING, trouble: NOTHING_WRONG}
    checking = buttons.ask(
        [buttons.run.click, text.submit],
        run,
        [own.picture, text, model],
        [trouble, result, own.board],
        [result],
    )
    wire_remedies(trouble, around.controls, Task.GROUNDING, own, model)
    tab.select(offered, model, model, **QUICK)
    wire_picture_input(tab, around, own, cleared, cancels=[checking])
    wire_examples(tries, around, own, filled, [text, *cleared], run=buttons.run, cancels=[checking])
    for name, button in around.check.items():
        button.click(
            carry,
            around.asked[name],
            [own.picture, own.board, text, model, result, trouble],
            cancels=[checking],
            **QUEUED,
        ).success(None, None, None, js=SHOW_AND_RUN)


def _loading(model: str) -> Said:
    return Said("Loading {model}…", {"model": model})


def _examples() -> tuple[Example, ...]:
    return tuple(
        Example(
            picture=ASSETS / "examples" / picture,
            title=title,
            task=Task.GROUNDING,
            source="",
            licence="",
            words=words,
        )
        for picture, title, words in _EXAMPLES
    )
