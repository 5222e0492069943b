"""The second half of the Inspector: what a model was given, token by token and tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr

from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.uploaded_images import store_image
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.ui.i18n import say
from vlm_demo.ui.inspector.diagnosis_html import (
    hint_html,
    prompt_facts_html,
    tiles_html,
)
from vlm_demo.ui.streaming import show_errors

RENDERING = TranslatableText("Rendering the prompt again…")
NO_ANSWER = TranslatableText(
    "Nothing has been answered on this page yet. Ask something on another tab first."
)


def build_prompt_view(tab: gr.Tab, half: gr.Tab, page: PageContext) -> tuple[gr.Radio, gr.Button]:
    """Lay out the prompts of the newest answers; return the choice of one, and the button."""
    build_text = partial(
        gr.Code,
        language=None,
        wrap_lines=True,
        lines=3,
        show_line_numbers=False,
        interactive=False,
    )
    nothing = gr.HTML(hint_html(NO_ANSWER), elem_id="inspector-nothing", apply_default_css=False)
    with gr.Column(visible=False) as column:
        chosen = gr.Radio([], label=say("Answer, the newest first"), elem_id="inspector-which")
        with gr.Row(elem_classes="inspector-line"):
            facts = gr.HTML(elem_id="inspector-facts", apply_default_css=False)
            take_over = gr.Button(
                say("Inspect this answer"),
                size="sm",
                scale=0,
                min_width=180,
                elem_id="inspector-take",
            )
        with gr.Row(equal_height=False):
            with gr.Column(scale=7, min_width=300):
                tokens = build_text(
                    label=say("The prompt, token by token"), elem_id="inspector-prompt"
                )
                with gr.Accordion(say("Before the processor"), open=False):
                    rendered = build_text(
                        label=say("As the template writes it"), elem_id="inspector-rendered"
                    )
            with gr.Column(scale=4, min_width=280):
                tiles = gr.HTML(elem_id="inspector-tiles", apply_default_css=False)

    def offer_answers(*answers: AnsweredRequest | None) -> dict[Any, Any]:
        choices = _answer_choices(page, answers)
        names = [name for _, name in choices]
        return {
            nothing: gr.HTML(visible=not choices),
            column: gr.Column(visible=bool(choices)),
            chosen: gr.Radio(choices, value=names[0] if names else None),
        }

    def show_prompt(name: str | None, *answers: AnsweredRequest | None) -> Iterator[Any]:
        yield gr.skip()
        last = find_answer(page, name, answers)
        if last is None:
            return
        with show_errors():
            yield {facts: hint_html(RENDERING), tokens: "", rendered: "", tiles: ""}
            prompt = page.backend.inspect(last.model, last.reopen_request())
            files = [store_image(tile) for tile in prompt.images]
            yield {
                facts: prompt_facts_html(prompt, page.backend.spec(last.model).family_reason),
                tokens: prompt.token_text,
                rendered: prompt.text,
                tiles: tiles_html(files, prompt),
            }

    states = list(page.newest_answers.values())
    outputs = [facts, tokens, rendered, tiles]
    for select in (tab.select, half.select):
        select(offer_answers, states, [nothing, column, chosen], **QUICK).then(
            show_prompt, [chosen, *states], outputs, **ANSWERS
        )
    chosen.input(show_prompt, [chosen, *states], outputs, **ANSWERS)
    return chosen, take_over


def find_answer(
    page: PageContext, name: str | None, answers: Sequence[AnsweredRequest | None]
) -> AnsweredRequest | None:
    """Return the newest answer of the tab of this name, if there is one.

    Args:
        page: what the page shares with its tabs.
        name: what the browser says; it can be anything.
        answers: the values of `page.newest_answers`, in that order.
    """
    tabs = zip(page.newest_answers, answers, strict=True)
    return next((answer for tab, answer in tabs if tab == name), None)


def _answer_choices(
    page: PageContext, answers: Sequence[AnsweredRequest | None]
) -> list[tuple[str, str]]:
    """Return a label and the tab of each answer, newest first."""
    tabs = zip(page.newest_answers, answers, strict=True)
    complete = [(tab, answer) for tab, answer in tabs if answer]
    newest_first = sorted(complete, key=lambda entry: entry[1].recorded_s, reverse=True)
    return [(f"{say(tab.value)}: {answer.title}", tab.value) for tab, answer in newest_first]
