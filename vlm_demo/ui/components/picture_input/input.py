"""A tab's picture: the board it is shown on, and what happens when one comes in or goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.errors import InputError, MissingImageError
from vlm_demo.ui.components.canvas.canvas import megabytes, read_regions, region_image, shown
from vlm_demo.ui.components.picture_input.examples import Example
from vlm_demo.ui.components.picture_input.pictures import Picture, take, take_upload
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import EACH, QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.values import Region


@dataclass(frozen=True, slots=True)
class PictureInput:
    """The components of a tab's picture."""

    board: gr.HTML
    picture: gr.State  # Picture | None; on the server, so that no browser can name a file
    regions: gr.State  # tuple[Region, ...], that a person has marked on it


@dataclass(frozen=True, slots=True)
class ExampleButtons:
    """The examples of a tab, each with the button that tries it."""

    examples: tuple[Example, ...]
    buttons: tuple[gr.Button, ...]


def build_picture_input(
    elem_id: str, around: PageContext, *, selectable: bool = False
) -> PictureInput:
    """Lay out the board of a tab; `wire_picture_input` brings it to life."""
    board = region_image(elem_id, max_bytes=around.settings.max_upload_bytes, selectable=selectable)
    own = PictureInput(board, gr.State(None), gr.State(()))
    if selectable:
        wire_regions(own.board, own.picture, own.regions)
    return own


def wire_regions(board: gr.HTML, picture: gr.State, regions: gr.State) -> Any:
    """Keep the regions that people mark on a board; return the event."""

    def mark(picture: Picture | None, event: gr.EventData) -> tuple[Region, ...]:
        return read_regions(event._data, picture)

    return board.select(mark, picture, regions, **EACH)


def build_examples(examples: Sequence[Example]) -> ExampleButtons:
    """Lay out the examples of a tab as a row of small pictures with titles."""
    if not examples:
        return ExampleButtons((), ())
    gr.HTML('<p class="examples-title" data-say>Examples</p>', apply_default_css=False)
    with gr.Row(elem_classes="examples"):
        buttons = tuple(
            gr.Button(
                say(example.title),
                icon=example.picture,
                size="sm",
                variant="secondary",
                scale=0,
                min_width=0,
            )
            for example in examples
        )
    return ExampleButtons(tuple(examples), buttons)


def wire_picture_input(
    tab: gr.Tab,
    around: PageContext,
    own: PictureInput,
    cleared: Mapping[Component, Any],
    *,
    cancels: list[Any],
) -> None:
    """Take pictures in, remove them, and carry the newest one to a tab that has none.

    Args:
        tab: the tab of the picture.
        around: the page around it.
        own: the tab's picture.
        cleared: values of the components that belong to the old picture.
        cancels: running answers about the old picture.
    """
    newest = around.newest
    outputs = [own.board, own.picture, own.regions, newest, *cleared]

    def come_in(
        mine: Picture | None, marked: tuple[Region, ...], event: gr.EventData
    ) -> dict[Any, Any]:
        with errors_shown():
            sent = event._data if isinstance(event._data, dict) else {}
            if "too_large" in sent:
                most = megabytes(around.settings.max_upload_bytes)
                raise InputError(f"This file is too large: at most {most} are taken.")
            if not isinstance(sent.get("path"), str):
                raise InputError("The picture did not arrive. Please try again.")
            picture = take_upload(sent["path"], around.settings)
            return {
                own.board: shown(picture),
                own.picture: picture,
                own.regions: still_on(picture, mine, marked),
                newest: picture,
                **cleared,
            }
        return {own.board: gr.skip()}

    def go() -> dict[Any, Any]:
        gone = {own.picture: None, own.regions: (), newest: None}
        return {own.board: shown(None), **gone, **cleared}

    def carry(mine: Picture | None, other: Picture | None) -> dict[Any, Any]:
        if mine is not None or other is None:
            return {own.board: gr.skip(), own.picture: gr.skip()}
        return {own.board: shown(other), own.picture: other}

    own.board.upload(
        come_in,
        [own.picture, own.regions],
        outputs,
        cancels=cancels,
        **QUEUED,
    )
    own.board.clear(
        go,
        None,
        outputs,
        **QUICK,
        cancels=cancels,
    )
    tab.select(
        carry,
        [own.picture, newest],
        [own.board, own.picture],
        **QUICK,
    )


def wire_examples(
    examples: ExampleButtons,
    around: PageContext,
    own: PictureInput,
    filled: Callable[[Example], Mapping[Component, Any]],
    components: Sequence[Component],
    run: gr.Button,
    cancels: list[Any],
) -> None:
    """Fill the tab from an example at a click, and run it.

    Args:
        examples: the examples and their buttons.
        around: the page around it.
        own: the tab's picture.
        filled: values for the tab's components.
        components: all components that `filled` gives values for.
        run: the button that asks the model.
        cancels: running answers about the old picture.
    """
    newest = around.newest
    for example, button in zip(examples.examples, examples.buttons, strict=True):

        def fill(
            mine: Picture | None, marked: tuple[Region, ...], example: Example = example
        ) -> dict[Any, Any]:
            with errors_shown():
                picture = take(example.picture, around.settings, example.title)
                return {
                    own.board: shown(picture),
                    own.picture: picture,
                    own.regions: still_on(picture, mine, marked),
                    newest: picture,
                    **filled(example),
                }
            return {own.board: gr.skip()}

        button.click(
            fill,
            [own.picture, own.regions],
            [own.board, own.picture, own.regions, newest, *components],
            cancels=cancels,
            **QUICK,
        ).success(None, None, None, js=f"() => document.getElementById('{run.elem_id}').click()")


def still_on(
    picture: Picture, before: Picture | None, regions: tuple[Region, ...]
) -> tuple[Region, ...]:
    """Return the regions that stay when a picture comes: those of the same one, as on the page."""
    return regions if before and before.fingerprint == picture.fingerprint else ()


def wanted(picture: Picture | None) -> Picture:
    """Return the picture, or say that one is needed.

    Raises:
        MissingImageError: there is none.
    """
    if picture is None:
        raise MissingImageError("Please add a picture first.")
    return picture
