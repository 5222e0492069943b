"""Links that are opened: the tab is filled, and asked again when its picture is there.

Nothing of anybody else comes through a link: the picture is an example of ours, or the person who
opens it adds the same file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from vlm_demo.arena.votes.fingerprints import of_weights
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, UnknownModelError
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer_actions import permalink_format as permalink
from vlm_demo.ui.components.answer_actions.permalink_format import Link, sha256_of
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.picture_input.examples import Example
from vlm_demo.ui.components.picture_input.pictures import Picture, take
from vlm_demo.ui.events import QUEUED
from vlm_demo.ui.html_values import Said, as_value
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.values import Sampling, Task

if TYPE_CHECKING:
    from vlm_demo.ui.components.picture_input.input import PictureInput
    from vlm_demo.ui.context import PageContext

_SCRIPT = browser_files.read("components/answer_actions/permalinks.js")

_TEMPLATE = '<section class="link-card" aria-live="polite" hidden></section>'

NO_CARD = as_value({})

PRESS = """() => {
  const card = document.querySelector('.link-card');
  const button = card && document.getElementById(card.dataset.run);
  if (button) { card.dataset.run = ''; button.click(); }
}"""
"""Presses the button that asks, where the card says which."""


@dataclass(frozen=True, slots=True)
class Links:
    """What a link asks, until it is asked, and where the page says so."""

    card: gr.HTML
    pending: gr.State  # Link | None

    @property
    def outputs(self) -> list[Component]:
        """The components, for events that change them."""
        return [self.card, self.pending]


def build_links() -> Links:
    """Lay out the card of a link; it is hidden where the page was opened without one."""
    card = gr.HTML(
        NO_CARD,
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id="link-card",
        apply_default_css=False,
    )
    return Links(card, gr.State(None))


def wire_links(page: gr.Blocks, around: PageContext) -> None:
    """Read the page's address, and ask when the picture comes in."""
    backend, controls, links = around.backend, around.controls, around.links

    def opened(request: gr.Request) -> dict[Any, Any]:
        code = request.query_params.get(permalink.PARAMETER)
        if not code:
            return {links.card: gr.skip()}
        try:
            link = permalink.read(code)
        except InputError as error:
            return {links.card: as_value({"problem": str(error), "closes": True})}
        new: dict[Any, Any] = {links.pending: link, links.card: told(link, backend)}
        if _is_here(link.model, backend):
            new[controls.model] = link.model
        return new

    def arrived(link: Link | None, picture: Picture | None) -> dict[Any, Any]:
        """Ask when the picture of the link has come in; say so when it is another one."""
        if link is None or picture is None:
            return {links.card: gr.skip()}
        with errors_shown():
            if sha256_of(picture.source) != link.sha256:
                return {links.card: told(link, backend, other=picture)}
            if doubts(link, backend):
                return {links.card: told(link, backend, there=True)}
            return asked(link)
        return {links.card: gr.skip()}

    def asked(link: Link | None) -> dict[Any, Any]:
        """Set what the link asks with, and let the browser press the button."""
        if link is None:
            return {links.card: NO_CARD}
        run = as_value({"run": run_button(link), "id": time.monotonic_ns()})
        sampling = link.request.sampling
        values = dict(zip(controls.settings, _values(sampling), strict=False)) if sampling else {}
        return {links.card: run, links.pending: None, **values}

    outputs = [*links.outputs, *controls.settings]
    page.load(opened, None, [*links.outputs, controls.model], **QUEUED)
    for event in (
        around.newest.change(arrived, [links.pending, around.newest], outputs, **QUEUED),
        links.card.submit(asked, links.pending, outputs, **QUEUED),
    ):
        event.success(None, None, None, js=PRESS)
    links.card.clear(
        lambda: {links.card: NO_CARD, links.pending: None}, None, links.outputs, **QUEUED
    )


def wire_link(
    tab: str,
    around: PageContext,
    own: PictureInput,
    filled: Callable[[Link], Mapping[Component, Any]],
    components: Sequence[Component],
) -> None:
    """Fill a tab from a link to it.

    Args:
        tab: its name.
        around: the page around it.
        own: the tab's picture.
        filled: values of the tab's components for a link.
        components: all that `filled` gives values for.
    """

    def fill(link: Link | None) -> dict[Any, Any]:
        if link is None or link.tab != tab:
            return {own.board: gr.skip()}
        with errors_shown():
            new: dict[Any, Any] = dict(filled(link))
            example = example_of(link, around.examples)
            if example:
                picture = take(example.picture, around.settings, example.title)
                regions = link.request.regions
                new[own.board] = shown(picture, regions=regions)
                new |= {own.picture: picture, own.regions: regions, around.newest: picture}
            return new
        return {own.board: gr.skip()}

    outputs = [own.board, own.picture, own.regions, around.newest, *components]
    around.links.pending.change(fill, around.links.pending, outputs, **QUEUED)


def wire_chat_link(around: PageContext, box: gr.MultimodalTextbox) -> None:
    """Put what a link asks the chat into the message box; the person sends it."""

    def fill(link: Link | None) -> dict[Any, Any]:
        if link is None or link.tab != "Chat":
            return {box: gr.skip()}
        example = example_of(link, around.examples)
        files = [str(example.picture)] if example else []
        return {box: {"text": link.request.text, "files": files}}

    around.links.pending.change(fill, around.links.pending, box, **QUEUED)


def example_of(link: Link, examples: Sequence[Example]) -> Example | None:
    """Return the example whose picture a link is about, where it is one."""
    return next((e for e in examples if link.sha256 and sha256_of(e.picture) == link.sha256), None)


def run_button(link: Link) -> str:
    """Return the elem_id of the button that asks what a link asks."""
    describes = link.tab == "Locate" and link.request.task is Task.DESCRIBE_REGION
    return "describe-run" if describes else f"{link.tab.lower()}-run"


def doubts(link: Link, backend: Backend) -> list[Said]:
    """Say why the answer may not be the same here."""
    if not _is_here(link.model, backend):
        return [
            Said(
                "Its model {model} is not on this page. Please choose another at the top.",
                {"model": link.model},
            )
        ]
    here = of_weights(backend.spec(link.model))
    if link.revision and here and link.revision != here:
        return [
            Said(
                "It was asked of revision {then} of the model; here it is {now}, so the answer may "
                "differ.",
                {"then": link.revision[:12], "now": here[:12]},
            )
        ]
    return []


def told(link: Link, backend: Backend, *, other: Picture | None = None, there: bool = False) -> str:
    """Value of the card: what the link asks, what is missing for it, and what can be done.

    Args:
        link: what was opened.
        backend: what can answer.
        other: a picture that came in and is not the link's.
        there: whether the link's picture has come in.
    """
    notes = doubts(link, backend)
    if link.earlier:
        notes.append(
            Said(
                "Before it, {count} turns had been said, which are not part of the link.",
                {"count": link.earlier},
            )
        )
    sha256: dict[str, str | int] = {
        "sha": f"{link.sha256[:12]}…",
        "width": link.size[0],
        "height": link.size[1],
    }
    if link.tab == "Chat":
        notes.append(Said("It is in the message box: add its picture, and send it."))
    elif other is not None:
        new = {**sha256, "other": f"{sha256_of(other.source)[:12]}…"}
        notes.append(
            Said("This is another picture (sha256 {other}) than that of the link ({sha}).", new)
        )
    elif not there:
        notes.append(
            Said(
                "Please add the picture that this link is about ({width} × {height}, sha256 "  # noqa: RUF001
                "{sha}): then it is asked again.",
                sha256,
            )
        )
    return as_value(
        {
            "tab": link.tab.lower(),
            "words": " ".join(link.request.text.split()) or link.request.task.replace("_", " "),
            "model": link.model,
            "notes": notes,
            "ask": link.tab != "Chat" and (other is not None or there),
            "closes": True,
        }
    )


def _is_here(model: str, backend: Backend) -> bool:
    try:
        return backend.spec(model).runs_here
    except UnknownModelError:
        return False


def _values(sampling: Sampling) -> tuple[float | int | None, ...]:
    """Return a sampling as the values of the controls, in their order (`Controls.settings`)."""
    return (
        sampling.temperature,
        sampling.top_p,
        sampling.max_new_tokens,
        sampling.repetition_penalty,
        sampling.seed,
    )
