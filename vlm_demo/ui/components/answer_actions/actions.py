"""The bar under an answer: take it along, number its boxes, link to it, score it.

It works from the newest answer of its tab, and makes files only when they are asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.arena.votes.fingerprints import of_weights
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.prompting.confidence import above
from vlm_demo.rendering.export import FILE_FORMATS
from vlm_demo.rendering.set_of_mark import numbered
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.components.answer.answered_request import Asked, there
from vlm_demo.ui.components.answer_actions import permalink_format as permalink
from vlm_demo.ui.components.answer_actions.exports import Seen, exported, sheets
from vlm_demo.ui.components.answer_actions.own_benchmark import once, refused, wire_own_benchmark
from vlm_demo.ui.components.answer_actions.permalink_format import Link, linked
from vlm_demo.ui.components.picture_input.pictures import Picture, file_url, keep, take
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED
from vlm_demo.ui.html_values import as_value
from vlm_demo.values import Region, Reply

_SCRIPT = browser_files.read("components/answer_actions/actions.js")

_TEMPLATE = """
<div class="keeping" data-tab="%TAB%" data-scores="%SCORES%" data-turns="%TURNS%"></div>
"""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The bar of a tab, and what it looks at beside the newest answer."""

    tab: str
    bar: gr.HTML
    least: Component | None  # confidence below which places are hidden
    turns: gr.State | None  # Conversation


def build_keeping(
    tab: str,
    around: PageContext,
    *,
    regions: gr.State | None = None,
    drawn: Callable[[Any], tuple[Region, ...]] = tuple,
    least: Component | None = None,
    turns: gr.State | None = None,
) -> None:
    """Lay out the bar below a tab's answer and wire it; page.css hides it until there is one.

    Args:
        tab: the tab's name.
        around: the page around it.
        regions: holds what is drawn on the tab's picture; with it, answers can be scored.
        drawn: takes the places out of what `regions` holds.
        least: confidence below which places are hidden, so that they stay out of files too.
        turns: the whole conversation, so that it can be taken along.
    """
    words = {
        "TAB": tab.lower(),
        "SCORES": "yes" if regions else "",
        "TURNS": "yes" if turns else "",
    }
    template = _TEMPLATE
    for name, word in words.items():
        template = template.replace(f"%{name}%", word)
    bar = gr.HTML(
        as_value({}),
        html_template=template,
        js_on_load=_SCRIPT,
        elem_id=f"{tab.lower()}-keeping",
        elem_classes="after-answer",
        apply_default_css=False,
    )
    keeping = Keeping(tab, bar, least, turns)
    _wire(keeping, around)
    if regions is not None:
        wire_own_benchmark(bar, around, around.asked[tab], (regions, drawn), least)


def with_numbers(reply: Reply, pictures: Sequence[Picture], around: PageContext) -> Picture:
    """Make the set-of-mark picture of an answer: its newest picture with every place numbered.

    Raises:
        InputError: the answer names no place.
        ImageError: the picture is no longer there.
    """
    placed = [sheet for sheet in sheets([(reply, pictures)]) if sheet.mentions]
    if not placed:
        raise InputError("This answer names no place: there is nothing to number.")
    drawn = numbered(placed[-1].open(), placed[-1].mentions)
    name = f"{placed[-1].stem}-numbered"
    return take(keep(drawn, name), around.settings, name)


def link_to(tab: str, last: Asked, backend: Backend) -> Link:
    """Return the link that asks again what a tab asked last.

    Raises:
        ImageError: the picture is no longer there.
    """
    revision = of_weights(backend.spec(last.model))
    return linked(tab, last.model, revision, last.request, last.picture)


def _wire(keeping: Keeping, around: PageContext) -> None:
    bar, asked = keeping.bar, around.asked[keeping.tab]
    nothing = gr.State(None)
    inputs = [asked, keeping.least or nothing, keeping.turns or nothing]

    def save(
        event: gr.EventData, last: Asked | None, least: float | None, turns: Conversation | None
    ) -> dict[Any, Any]:
        try:
            sent = event._data if isinstance(event._data, dict) else {}
            form = next((form for form in FILE_FORMATS if form == sent.get("form")), None)
            if form is None:
                raise InputError("There is no such format.")
            answers = _of(turns or ()) if sent.get("all") else [_newest(last, least, turns)]
            file = exported(answers, form)
            return {bar: once(url=file_url(file), name=file.name)}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    def number(
        last: Asked | None, least: float | None, turns: Conversation | None
    ) -> dict[Any, Any]:
        try:
            picture = with_numbers(*_newest(last, least, turns), around)
            # The moment makes it another value, also where the picture is the same as before.
            return {bar: once(go="chat"), around.numbered: (picture, time.monotonic_ns())}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    def link(last: Asked | None) -> dict[Any, Any]:
        try:
            code = permalink.written(link_to(keeping.tab, there(last), around.backend))
            return {bar: once(link=f"?{permalink.PARAMETER}={code}")}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    bar.download(save, inputs, bar, **QUEUED)
    bar.apply(number, inputs, [bar, around.numbered], **QUEUED)
    bar.copy(link, asked, bar, **QUEUED)


def _newest(last: Asked | None, least: float | None, turns: Conversation | None) -> Seen:
    """Return the newest answer as the page shows it: without places that are hidden there."""
    last = there(last)
    seen = turns[-1].seen if turns else last.seen
    return above(last.reply, least or 0), seen


def _of(turns: Conversation) -> list[Seen]:
    return [(turn.reply, turn.seen) for turn in turns if turn.reply is not None]
