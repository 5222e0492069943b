"""What endpoints take and return: plain data, which Gradio describes to programs by its types."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

import math
from dataclasses import replace
from typing import Literal, TypedDict

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import ImageError, InputError
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_upload
from vlm_demo.ui.endpoints.signatures import SamplingArguments
from vlm_demo.ui.streaming import stream_replies
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Box, Reply, Request, Sampling


class FileMeta(TypedDict):
    """What marks a file for Gradio: https://www.gradio.app/docs/gradio/filedata."""

    _type: Literal["gradio.FileData"]


class Upload(TypedDict):
    """A file that was uploaded; `gradio_client.handle_file` uploads one."""

    path: str
    meta: FileMeta


def open_upload(sent: object, settings: Settings, request: gr.Request) -> UploadedImage:
    """Return the picture that was sent with a request.

    Raises:
        ImageError: it is not an uploaded picture.
    """
    path = sent.get("path") if isinstance(sent, dict) else None
    if not isinstance(path, str):
        raise ImageError("Send an image: an uploaded file.")
    return accept_upload(path, settings, read_owner(request))


def read_boxes(image: UploadedImage | None, sent: object) -> tuple[Box, ...]:
    """Read boxes, each x1, y1, x2, y2 in pixels of the picture.

    Raises:
        InputError: the boxes cannot be read, or there is no picture for them.
    """
    if not sent:
        return ()
    if image is None or not isinstance(sent, list | tuple):
        raise InputError("Boxes are a list of [x1, y1, x2, y2] in pixels of the image.")
    return tuple(_read_box(numbers, image) for numbers in sent)


def _read_box(numbers: object, image: UploadedImage) -> Box:
    if isinstance(numbers, list | tuple) and len(numbers) == 4 and all(map(_is_number, numbers)):
        box = Box.normalize(*map(float, numbers), by=image.size)
        if box.area > 0:
            return box
    raise InputError("Give a box in the image: x1, y1, x2, y2 in pixels.")


def _is_number(value: object) -> bool:
    # To Python, True is a number.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_sampling(backend: Backend, model: str, given: SamplingArguments) -> Sampling:
    """Return the sampling of the model, with the values that were given.

    Raises:
        InputError: a value cannot be used.
        UnknownModelError: there is no such model.
    """
    own = get_family(backend.spec(model).family).sampling
    tokens = _read_number("max_new_tokens", given.max_new_tokens, own.max_new_tokens, least=1)
    return replace(
        own,
        max_new_tokens=int(tokens),
        temperature=_read_number("temperature", given.temperature, own.temperature),
        seed=own.seed if given.seed is None else int(_read_number("seed", given.seed, 0)),
    )


def _read_number(name: str, value: float | None, own: float, *, least: int = 0) -> float:
    if value is None:
        return own
    if not _is_number(value) or value < least:
        raise InputError("{name} must be a number, {least} or more.", name=name, least=least)
    return value


def wait_for_reply(backend: Backend, model: str, request: Request) -> Reply:
    """Wait for the complete reply.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    newest = Reply("", "")
    for reply in stream_replies(backend, model, request):
        newest = reply or newest
    return newest
