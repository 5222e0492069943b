"""What the remedies below an error do.

Those that only move about on the page are done by view.js. The others come here as the event
`select` of the answer, and the button that asks is pressed when they are done.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.engines import NumberFormat
from vlm_demo.errors import InputError
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer.remedies import RemedyAction, problem_value
from vlm_demo.ui.components.answer.view import waiting_value
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.image_input import ImageInput
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.components.uploaded_images import UploadedImage, store_image
from vlm_demo.ui.events import QUEUED, QUICK, event_data
from vlm_demo.values import Task

_ASK_AGAIN = browser_files.read("components/answer/ask_again.js")


def wire_remedies(
    result: gr.HTML,
    controls: Controls,
    task: Task,
    own: ImageInput | None = None,
    model_input: gr.Dropdown | None = None,
) -> None:
    """Do what a person chooses below an error in `result`, and ask again.

    Args:
        result: the answer.
        controls: what every request depends on.
        task: what is asked for there.
        own: the picture of the tab; None: it has none that could be halved.
        model_input: where the tab chooses its model; None: where the page does.
    """
    backend = controls.backend

    def act(event: gr.EventData, model: str, *values: Any) -> dict[Any, Any]:
        changed: dict[Any, Any]
        sent = event_data(event)
        choice = str(sent.get("choice"))
        try:
            match sent.get("action"):
                case RemedyAction.MODEL if model_input is not None:
                    changed = {model_input: choice}
                case RemedyAction.MODEL:
                    changed = controls.select_model(choice, values[0])
                case RemedyAction.FORMAT:
                    start_loading(backend, model, choice)
                    changed = {}
                case RemedyAction.SHORTER:
                    changed = {controls.max_new_tokens: max(int(choice), 1)}
                case RemedyAction.HALVE if own is not None and isinstance(values[1], UploadedImage):
                    half = halve_image(values[1])
                    changed = {own.image: half, own.canvas: canvas_value(half, regions=values[2])}
                case _:
                    return {result: gr.skip()}
            return {result: waiting_value(), **changed}
        except Exception as error:  # whatever it is, people are told
            return {result: problem_value(error, backend, model, task)}

    image_inputs = [own.image, own.regions] if own else []
    image_outputs = [own.image, own.canvas] if own else []
    ask_again = browser_files.fill(_ASK_AGAIN, elem_id=str(result.elem_id))
    # When this is done, its changes have reached the components, and so the next request.
    result.select(
        act,
        [model_input or controls.model, controls.changed, *image_inputs],
        [result, *([model_input] if model_input else []), *controls.outputs, *image_outputs],
        **QUEUED,
    ).success(None, None, None, js=ask_again, **QUICK)


def start_loading(backend: Backend, model: str, number_format: str) -> None:
    """Let a model be loaded in a number format; the next answer waits for it.

    Raises:
        VlmDemoError: as `Backend.load` does, where that is known at once.
    """
    if number_format not in list(NumberFormat):
        raise InputError("There is no such number format.")
    loading = backend.load(model, NumberFormat(number_format))
    next(loading, None)  # it goes on when nobody reads its progress
    loading.close()


def halve_image(image: UploadedImage) -> UploadedImage:
    """Return a picture half as wide and high.

    Raises:
        ImageError: the file has been cleaned away meanwhile.
    """
    half = image.open().reduce(2)
    file = store_image(half)
    return UploadedImage(file, file, half.size, image.name)
