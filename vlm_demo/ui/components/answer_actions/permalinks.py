"""Links that are opened: the tab is filled, and asked again when its picture is there.

Nothing of another person's comes through a link: the picture is one of the examples, or whoever
opens it adds the same file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.conversations.permalink import QUERY_PARAMETER, Permalink, decode_link, sha256_of
from vlm_demo.errors import InputError
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer_actions.permalink_values import (
    HIDDEN_CARD,
    card_value,
    find_doubts,
    runs_here,
)
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.image_input import ImageInput
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.components.settings.sampling_values import setting_values
from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_image
from vlm_demo.ui.events import QUEUED
from vlm_demo.ui.html_values import encode_value
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import Task

_SCRIPT = browser_files.read("components/answer_actions/permalinks.js")
_PRESS_RUN = browser_files.read("components/answer_actions/press_run.js")

_TEMPLATE = '<section class="link-card" aria-live="polite" hidden></section>'


@dataclass(frozen=True, slots=True)
class PermalinkCard:
    """The card that shows what a link asks, until it is asked."""

    card: gr.HTML
    pending: gr.State  # Permalink | None
    examples: Sequence[Example]  # a link to one of them brings its picture

    @property
    def outputs(self) -> list[Component]:
        """The components, for events that change them."""
        return [self.card, self.pending]


def build_permalink_card(examples: Sequence[Example]) -> PermalinkCard:
    """Lay out the card of a link; it is hidden where the page was opened without one."""
    card = build_html_component(HIDDEN_CARD, _TEMPLATE, _SCRIPT, "link-card")
    return PermalinkCard(card, gr.State(None), examples)


def wire_permalink_card(
    blocks: gr.Blocks, links: PermalinkCard, controls: Controls, newest_image: gr.State
) -> None:
    """Read the page's address, and ask when the picture comes in."""
    backend = controls.backend

    def open_link(request: gr.Request) -> dict[Any, Any]:
        code = request.query_params.get(QUERY_PARAMETER)
        if not code:
            return {links.card: gr.skip()}
        try:
            link = decode_link(code)
        except InputError as error:
            return {links.card: encode_value({"problem": str(error), "closes": True})}
        values: dict[Any, Any] = {links.pending: link, links.card: card_value(link, backend)}
        if runs_here(link.model, backend):
            values[controls.model] = link.model
        return values

    def check_image(link: Permalink | None, image: UploadedImage | None) -> dict[Any, Any]:
        """Ask when the picture of the link has come in; say so when it is another one."""
        if link is None or image is None:
            return {links.card: gr.skip()}
        with show_errors():
            if sha256_of(image.source) != link.sha256:
                return {links.card: card_value(link, backend, other=image)}
            if find_doubts(link, backend):
                return {links.card: card_value(link, backend, has_image=True)}
            return ask(link)
        return {links.card: gr.skip()}

    def ask(link: Permalink | None) -> dict[Any, Any]:
        """Set the link's generation settings, and let the browser press the button."""
        if link is None:
            return {links.card: HIDDEN_CARD}
        run = encode_value({"run": run_button_id(link), "id": time.monotonic_ns()})
        values: dict[Any, Any] = {links.card: run, links.pending: None}
        if sampling := link.request.sampling:
            values |= dict(zip(controls.sampling_inputs, setting_values(sampling), strict=True))
        return values

    outputs = [*links.outputs, *controls.sampling_inputs]
    blocks.load(open_link, None, [*links.outputs, controls.model], **QUEUED)
    for event in (
        newest_image.change(check_image, [links.pending, newest_image], outputs, **QUEUED),
        links.card.submit(ask, links.pending, outputs, **QUEUED),
    ):
        event.success(None, None, None, js=_PRESS_RUN)
    links.card.clear(
        lambda: {links.card: HIDDEN_CARD, links.pending: None}, None, links.outputs, **QUEUED
    )


def wire_tab_permalink(
    tab: Tab,
    links: PermalinkCard,
    own: ImageInput,
    fill: Callable[[Permalink], Mapping[Component, Any]],
    components: Sequence[Component],
) -> None:
    """Fill a tab from a link to it.

    Args:
        tab: the tab.
        links: holds the link.
        own: the tab's picture.
        fill: returns values for the tab's components.
        components: all components that `fill` gives values for.
    """

    def fill_tab(link: Permalink | None) -> dict[Any, Any]:
        if link is None or link.tab != tab:
            return {own.canvas: gr.skip()}
        with show_errors():
            values: dict[Any, Any] = dict(fill(link))
            if example := find_example(link, links.examples):
                image = accept_image(example.image, own.settings, example.title)
                regions = link.request.regions
                values |= {
                    own.canvas: canvas_value(image, regions=regions),
                    own.image: image,
                    own.regions: regions,
                    own.newest_image: image,
                }
            return values
        return {own.canvas: gr.skip()}

    links.pending.change(fill_tab, links.pending, [*own.outputs, *components], **QUEUED)


def wire_chat_permalink(links: PermalinkCard, box: gr.MultimodalTextbox) -> None:
    """Put what a link asks the chat into the message box; the person sends it."""

    def fill_box(link: Permalink | None) -> dict[Any, Any]:
        if link is None or link.tab != Tab.CHAT:
            return {box: gr.skip()}
        example = find_example(link, links.examples)
        files = [str(example.image)] if example else []
        return {box: {"text": link.request.text, "files": files}}

    links.pending.change(fill_box, links.pending, box, **QUEUED)


def find_example(link: Permalink, examples: Sequence[Example]) -> Example | None:
    """Return the example whose picture a link is about, where it is one."""
    if not link.sha256:
        return None
    return next((one for one in examples if sha256_of(one.image) == link.sha256), None)


def run_button_id(link: Permalink) -> str:
    """Return the elem_id of the button that asks what a link asks."""
    if link.tab == Tab.LOCATE and link.request.task is Task.DESCRIBE_REGION:
        return "describe-run"
    return f"{link.tab.lower()}-run"
