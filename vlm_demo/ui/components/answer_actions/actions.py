"""The bar under an answer: download it, number its regions, link to it, score it.

It works on the newest answer of its tab, and makes files only when they are asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.conversations.permalink import QUERY_PARAMETER, Permalink, encode_link, link_request
from vlm_demo.errors import InputError
from vlm_demo.prompting.confidence import apply_confidence_threshold
from vlm_demo.rendering.export import FILE_FORMATS
from vlm_demo.rendering.set_of_mark import draw_numbers
from vlm_demo.settings import Settings
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest, require_answer
from vlm_demo.ui.components.answer_actions.bar_values import once_value, report_problem
from vlm_demo.ui.components.answer_actions.exports import (
    AnsweredTurn,
    AnswerWithImages,
    export_answers,
    group_by_image,
)
from vlm_demo.ui.components.answer_actions.own_benchmark import wire_own_benchmark
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.components.uploaded_images import (
    UploadedImage,
    accept_image,
    file_url,
    store_image,
)
from vlm_demo.ui.events import QUEUED, event_data
from vlm_demo.ui.html_values import encode_value
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import Region, Reply

_SCRIPT = browser_files.read("components/answer_actions/actions.js")

_TEMPLATE = """
<div class="answer-actions" data-tab="%TAB%" data-scores="%SCORES%" data-turns="%TURNS%"></div>
"""


@dataclass(frozen=True, slots=True)
class SharedActions:
    """What the bars of all tabs share."""

    settings: Settings
    controls: Controls
    numbered_image: gr.State  # (UploadedImage, moment) | None: for the next message of the chat
    benchmark: gr.State  # Benchmark: the visitor's own


@dataclass(frozen=True, slots=True)
class AnswerBar:
    """The bar of a tab, and the components whose values it needs beside the newest answer."""

    tab: Tab
    bar: gr.HTML
    newest_answer: gr.State  # AnsweredRequest | None
    threshold: Component | None  # confidence below which regions are hidden
    turns: gr.State | None  # the whole conversation

    @property
    def inputs(self) -> list[Component]:
        """The components whose values say which answers are meant, and what of them is shown."""
        nothing = gr.State(None)
        return [self.newest_answer, self.threshold or nothing, self.turns or nothing]


def build_answer_actions(
    tab: Tab,
    shared: SharedActions,
    newest_answer: gr.State,
    *,
    regions: gr.State | None = None,
    read_drawn: Callable[[Any], tuple[Region, ...]] = tuple,
    threshold: Component | None = None,
    turns: gr.State | None = None,
) -> None:
    """Lay out the bar below a tab's answer and wire it; page.css hides it until there is one.

    Args:
        tab: the tab.
        shared: what the bars of all tabs share.
        newest_answer: holds the newest answer of the tab.
        regions: holds what is drawn on the tab's picture; with it, answers can be scored.
        read_drawn: takes the regions out of what `regions` holds.
        threshold: confidence below which regions are hidden, so that they stay out of files too.
        turns: holds the whole conversation, so that it can be downloaded.
    """
    template = browser_files.fill(
        _TEMPLATE,
        tab=tab.slug,
        scores="yes" if regions else "",
        turns="yes" if turns else "",
    )
    bar = build_html_component(
        encode_value({}),
        template,
        _SCRIPT,
        f"{tab.slug}-answer-actions",
        elem_classes="after-answer",
    )
    _wire(AnswerBar(tab, bar, newest_answer, threshold, turns), shared)
    if regions is not None:
        wire_own_benchmark(
            bar,
            shared.controls,
            shared.settings,
            shared.benchmark,
            newest_answer,
            (regions, read_drawn),
            threshold,
        )


def number_regions(
    reply: Reply, images: Sequence[UploadedImage], settings: Settings
) -> UploadedImage:
    """Make the set-of-mark picture of an answer: its newest picture with every region numbered.

    Raises:
        InputError: the answer names no region.
        ImageError: the picture is no longer there.
    """
    with_regions = [image for image in group_by_image([(reply, images)]) if image.mentions]
    if not with_regions:
        raise InputError("This answer names no place: there is nothing to number.")
    newest = with_regions[-1]
    name = f"{newest.stem}-numbered"
    numbered = draw_numbers(newest.open(), newest.mentions)
    return accept_image(store_image(numbered, name), settings, name)


def build_link(tab: Tab, answer: AnsweredRequest, backend: Backend) -> Permalink:
    """Return the link that asks again what was answered on a tab.

    Raises:
        ImageError: the picture is no longer there.
    """
    revision = weights_revision(backend.spec(answer.model))
    file, size = (answer.image.source, answer.image.size) if answer.image else (None, (0, 0))
    return link_request(tab, answer.model, revision, answer.request, file, size)


def _wire(actions: AnswerBar, shared: SharedActions) -> None:
    bar = actions.bar
    backend, settings = shared.controls.backend, shared.settings

    def save(
        event: gr.EventData,
        newest: AnsweredRequest | None,
        threshold: float | None,
        turns: Sequence[AnsweredTurn] | None,
    ) -> dict[Any, Any]:
        try:
            sent = event_data(event)
            form = next((form for form in FILE_FORMATS if form == sent.get("form")), None)
            if form is None:
                raise InputError("There is no such format.")
            if sent.get("all"):
                answers = _all_answers(turns or ())
            else:
                answers = [_newest_answer(newest, threshold, turns)]
            file = export_answers(answers, form)
            return {bar: once_value(url=file_url(file), name=file.name)}
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    def number(
        newest: AnsweredRequest | None,
        threshold: float | None,
        turns: Sequence[AnsweredTurn] | None,
    ) -> dict[Any, Any]:
        try:
            image = number_regions(*_newest_answer(newest, threshold, turns), settings)
            # The moment makes it another value, also where the picture is the same as before.
            return {
                bar: once_value(go=Tab.CHAT.slug),
                shared.numbered_image: (image, time.monotonic_ns()),
            }
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    def link(newest: AnsweredRequest | None) -> dict[Any, Any]:
        try:
            code = encode_link(build_link(actions.tab, require_answer(newest), backend))
            return {bar: once_value(link=f"?{QUERY_PARAMETER}={code}")}
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    inputs = actions.inputs
    bar.download(save, inputs, bar, **QUEUED)
    bar.apply(number, inputs, [bar, shared.numbered_image], **QUEUED)
    bar.copy(link, actions.newest_answer, bar, **QUEUED)


def _newest_answer(
    newest: AnsweredRequest | None, threshold: float | None, turns: Sequence[AnsweredTurn] | None
) -> AnswerWithImages:
    """Return the newest answer as the page shows it: without regions that are hidden there."""
    newest = require_answer(newest)
    images = turns[-1].visible_images if turns else newest.visible_images
    return apply_confidence_threshold(newest.reply, threshold or 0), images


def _all_answers(turns: Sequence[AnsweredTurn]) -> list[AnswerWithImages]:
    return [(turn.reply, turn.visible_images) for turn in turns if turn.reply is not None]
