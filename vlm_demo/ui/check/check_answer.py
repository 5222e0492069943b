"""Check an answer: is each thing that it names in the picture, and where?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.analysis.checking import check_against_image, grounding_models
from vlm_demo.analysis.verdicts import AnswerCheck
from vlm_demo.errors import InputError
from vlm_demo.ui import browser_files
from vlm_demo.ui.check.findings_view import NO_FINDINGS, findings_value, findings_view
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer.remedies import problem_value
from vlm_demo.ui.components.answer.remedy_events import wire_remedies
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER as NO_PROBLEM
from vlm_demo.ui.components.answer.view import build_answer
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.examples import ASSETS, Example
from vlm_demo.ui.components.image_input import (
    build_example_buttons,
    build_image_input,
    require_image,
    wire_examples,
    wire_image_input,
)
from vlm_demo.ui.components.run_buttons import build_run_buttons
from vlm_demo.ui.components.side_by_side import AnswerProgress, stream_side_by_side
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.ui.i18n import say
from vlm_demo.values import Task

_EXAMPLES = (
    ("animals.png", "A true answer", "A lion, an elephant and a bee. There is no car."),
    ("animals.png", "One with mistakes", "A lion stands beside two elephants and a zebra."),
)

_SHOW_AND_RUN = browser_files.read(
    "components/open_view.js", tab="check", view="check-answer", button="check-run"
)


def build_check_answer(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the view and wire it to the backend."""
    backend = page.backend
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_image_input("check-picture", page.newest_image, page.settings)
        with gr.Column(scale=6, min_width=300):
            text = gr.Textbox(
                label=say("Answer to check"),
                info=say("Everything it names is searched for in the picture"),
                placeholder=say("A dog sits beside a red chair. There is no cat."),
                lines=3,
                max_lines=8,
                elem_id="check-text",
            )
            model = gr.Dropdown(
                grounding_models(backend),
                value=next(iter(grounding_models(backend)), None),
                label=say("Checked by"),
                info=say("A model that can locate things"),
                elem_id="check-model",
            )
            buttons = build_run_buttons("Check", "check")
            trouble = build_answer(
                "check-problem", run="#check-run", field="#check-text", image_input="#check-picture"
            )
            result = findings_view("check-findings", canvas="check-picture")
            tries = build_example_buttons(_examples())

    def run(image: UploadedImage | None, words: str, chosen: str | None) -> Iterator[Any]:
        yield gr.skip()
        try:
            image = require_image(image)
            if not chosen:
                raise InputError(
                    "No model here can locate things. Please add one on the Models tab."
                )
            yield {trouble: NO_PROBLEM, result: NO_FINDINGS, own.canvas: canvas_value(image)}
            waiting = None if backend.is_loaded(chosen) else _loading(chosen)
            source = partial(check_against_image, backend, chosen, image.open(), words)
            last: AnswerProgress[AnswerCheck] | None = None
            with closing(stream_side_by_side([source])) as updates:
                for (progress,) in updates:
                    if progress is last:
                        yield {result: gr.skip()}
                        continue
                    last = progress
                    if (newest := progress.newest) is not None:
                        yield show_check(image, newest, busy=not progress.done, waiting=waiting)
                        waiting = None if newest.count(None) == 0 else waiting
                    if progress.error is not None:
                        raise progress.error
        except Exception as error:  # every error is shown on the page
            yield {trouble: problem_value(error, backend, chosen or "", Task.GROUNDING)}

    def show_check(
        image: UploadedImage, so_far: AnswerCheck, *, busy: bool, waiting: TranslatableText | None
    ) -> dict[Any, Any]:
        if so_far.count(None) == len(so_far.findings):  # nothing has been judged yet
            value = findings_value(so_far, busy=busy, waiting=waiting if busy else None)
            return {result: value, own.canvas: canvas_value(image)}
        return {
            result: findings_value(so_far, busy=busy),
            own.canvas: canvas_value(image, so_far.mentions, so_far.confidences),
        }

    def carry(asked: AnsweredRequest | None) -> dict[Any, Any]:
        """Take over the answer of another tab, and let another model check it if there is one."""
        if asked is None:
            return {result: gr.skip()}
        words = asked.reply.text.strip()
        names = grounding_models(
            backend,
            words,
            other_than=asked.reply.model or asked.model,
            image=asked.image.open() if asked.image else None,
        )
        # Without a picture or words, the check itself says what is missing.
        return {
            own.image: asked.image,
            own.canvas: canvas_value(asked.image),
            text: words,
            model: gr.Dropdown(choices=names, value=next(iter(names), None)),
            result: NO_FINDINGS,
            trouble: NO_PROBLEM,
        }

    def fill_example(example: Example) -> Mapping[Component, Any]:
        return {text: example.text, **cleared}

    def offer_models(chosen: str | None) -> gr.Dropdown:
        """Offer the models that are on the menu now."""
        names = grounding_models(backend)
        return gr.Dropdown(choices=names, value=chosen or next(iter(names), None))

    cleared: dict[Component, Any] = {result: NO_FINDINGS, trouble: NO_PROBLEM}
    checking = buttons.wire(
        [buttons.run.click, text.submit],
        run,
        [own.image, text, model],
        [trouble, result, own.canvas],
        [result],
    )
    wire_remedies(trouble, page.controls, Task.GROUNDING, own, model)
    tab.select(offer_models, model, model, **QUICK)
    wire_image_input(tab, own, cleared, cancels=[checking])
    wire_examples(tries, own, fill_example, [text, *cleared], run=buttons.run, cancels=[checking])
    for name, button in page.check_buttons.items():
        button.click(
            carry,
            page.newest_answers[name],
            [own.image, own.canvas, text, model, result, trouble],
            cancels=[checking],
            **QUEUED,
        ).success(None, None, None, js=_SHOW_AND_RUN)


def _loading(model: str) -> TranslatableText:
    return TranslatableText("Loading {model}…", {"model": model})


def _examples() -> tuple[Example, ...]:
    return tuple(
        Example(
            image=ASSETS / "examples" / name,
            title=title,
            task=Task.GROUNDING,
            source="",
            licence="",
            text=words,
        )
        for name, title, words in _EXAMPLES
    )
