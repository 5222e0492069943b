"""A tab's picture: its canvas, what happens when a picture comes in or goes, and the examples."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.errors import InputError, MissingImageError
from vlm_demo.settings import Settings
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.canvas.canvas import build_canvas
from vlm_demo.ui.components.canvas.canvas_values import canvas_value, read_regions
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_image, accept_upload
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.events import EACH, QUEUED, QUICK, event_data
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.visitors import read_owner
from vlm_demo.units import format_bytes
from vlm_demo.values import Region

_PRESS_BUTTON = browser_files.read("components/press_button.js")


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The picture of a tab: its components, and what they share with the page."""

    canvas: gr.HTML
    image: gr.State  # UploadedImage | None; on the server, so that no browser can name a file
    regions: gr.State  # tuple[Region, ...], that a person has marked on it
    newest_image: gr.State  # UploadedImage | None: the page's newest, on any tab
    settings: Settings  # limits for pictures

    @property
    def outputs(self) -> list[Component]:
        """The components that `show` gives values for."""
        return [self.canvas, self.image, self.regions, self.newest_image]

    def show(
        self,
        image: UploadedImage,
        before: UploadedImage | None = None,
        regions: tuple[Region, ...] = (),
    ) -> dict[Any, Any]:
        """Show a picture; `regions` were marked on the one before, and stay if it is the same."""
        is_same = before is not None and before.fingerprint == image.fingerprint
        return {
            self.canvas: canvas_value(image),
            self.image: image,
            self.regions: regions if is_same else (),
            self.newest_image: image,
        }


@dataclass(frozen=True, slots=True)
class ExampleButtons:
    """The examples of a tab, each with the button that tries it."""

    examples: tuple[Example, ...]
    buttons: tuple[gr.Button, ...]


def build_image_input(
    elem_id: str, newest_image: gr.State, settings: Settings, *, selectable: bool = False
) -> ImageInput:
    """Lay out the canvas of a tab; `wire_image_input` brings it to life."""
    canvas = build_canvas(elem_id, max_bytes=settings.max_upload_bytes, selectable=selectable)
    own = ImageInput(canvas, gr.State(None), gr.State(()), newest_image, settings)
    if selectable:
        wire_regions(own.canvas, own.image, own.regions)
    return own


def wire_regions(canvas: gr.HTML, image: gr.State, regions: gr.State) -> Any:
    """Keep the regions that people mark on a canvas; return the event."""

    def mark(image: UploadedImage | None, event: gr.EventData) -> tuple[Region, ...]:
        return read_regions(event._data, image)

    return canvas.select(mark, image, regions, **EACH)


def build_example_buttons(examples: Sequence[Example]) -> ExampleButtons:
    """Lay out the examples of a tab as a row of small pictures with titles."""
    if not examples:
        return ExampleButtons((), ())
    gr.HTML('<p class="examples-title" data-say>Examples</p>', apply_default_css=False)
    with gr.Row(elem_classes="examples"):
        buttons = tuple(
            gr.Button(
                say(example.title),
                icon=example.image,
                size="sm",
                variant="secondary",
                scale=0,
                min_width=0,
            )
            for example in examples
        )
    return ExampleButtons(tuple(examples), buttons)


def wire_image_input(
    opening: Opening, own: ImageInput, cleared: Mapping[Component, Any], *, cancels: list[Any]
) -> None:
    """Take pictures in, remove them, and carry the newest one to a view that has none.

    Args:
        opening: of the view that has the picture.
        own: the view's picture.
        cleared: values of the components that belong to the old picture.
        cancels: running answers about the old picture.
    """

    def accept(
        before: UploadedImage | None,
        regions: tuple[Region, ...],
        event: gr.EventData,
        request: gr.Request,
    ) -> dict[Any, Any]:
        with show_errors():
            image = accept_event(event_data(event), own.settings, read_owner(request))
            return {**own.show(image, before, regions), **cleared}
        return {own.canvas: gr.skip()}

    def remove() -> dict[Any, Any]:
        removed = {own.image: None, own.regions: (), own.newest_image: None}
        return {own.canvas: canvas_value(None), **removed, **cleared}

    def carry(image: UploadedImage | None, newest: UploadedImage | None) -> dict[Any, Any]:
        if image is not None or newest is None:
            return {own.canvas: gr.skip(), own.image: gr.skip()}
        return {own.canvas: canvas_value(newest), own.image: newest}

    outputs = [*own.outputs, *cleared]
    own.canvas.upload(accept, [own.image, own.regions], outputs, cancels=cancels, **QUEUED)
    own.canvas.clear(remove, None, outputs, cancels=cancels, **QUICK)
    opening.select(carry, [own.image, own.newest_image], [own.canvas, own.image], **QUICK)


def accept_event(sent: Mapping[str, Any], settings: Settings, owner: str) -> UploadedImage:
    """Take the picture of a canvas's event `upload`, which a visitor has uploaded.

    Raises:
        InputError: it is too large, did not arrive, or is not a picture.
    """
    if "too_large" in sent:
        most = format_bytes(settings.max_upload_bytes)
        raise InputError("This file is too large. The limit is {most}.", most=most)
    if not isinstance(sent.get("path"), str):
        raise InputError("The image did not arrive. Try again.")
    return accept_upload(sent["path"], settings, owner)


def wire_examples(
    examples: ExampleButtons,
    own: ImageInput,
    fill: Callable[[Example], Mapping[Component, Any]],
    components: Sequence[Component],
    run: gr.Button,
    cancels: list[Any],
) -> None:
    """Fill the tab from an example at a click, and run it.

    Args:
        examples: the examples and their buttons.
        own: the tab's picture.
        fill: returns values for the tab's components.
        components: all components that `fill` gives values for.
        run: the button that asks the model.
        cancels: running answers about the old picture.
    """
    for example, button in zip(examples.examples, examples.buttons, strict=True):

        def try_example(
            before: UploadedImage | None, regions: tuple[Region, ...], example: Example = example
        ) -> dict[Any, Any]:
            with show_errors():
                image = accept_image(example.image, own.settings, example.title)
                return {**own.show(image, before, regions), **fill(example)}
            return {own.canvas: gr.skip()}

        button.click(
            try_example,
            [own.image, own.regions],
            [*own.outputs, *components],
            cancels=cancels,
            **QUICK,
        ).success(None, None, None, js=browser_files.fill(_PRESS_BUTTON, elem_id=str(run.elem_id)))


def wire_random_example(
    button: gr.Button,
    pool: Sequence[Example],
    own: ImageInput,
    fill: Callable[[Example], Mapping[Component, Any]],
    components: Sequence[Component],
    run: gr.Button,
) -> None:
    """Fill the view from an example that is drawn at random, and run it; see `wire_examples`."""

    def try_any(before: UploadedImage | None, regions: tuple[Region, ...]) -> dict[Any, Any]:
        with show_errors():
            example = random.choice(pool)
            image = accept_image(example.image, own.settings, example.title)
            return {**own.show(image, before, regions), **fill(example)}
        return {own.canvas: gr.skip()}

    button.click(try_any, [own.image, own.regions], [*own.outputs, *components], **QUICK).success(
        None, None, None, js=browser_files.fill(_PRESS_BUTTON, elem_id=str(run.elem_id))
    )


def require_image(image: UploadedImage | None) -> UploadedImage:
    """Return the picture, or say that one is needed.

    Raises:
        MissingImageError: there is none.
    """
    if image is None:
        raise MissingImageError("Add an image first.")
    return image
