"""What endpoints take and give: plain data, which Gradio describes to programs by these types.

Gradio reads the annotations itself, so nothing here may be put off as text.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict

from vlm_demo.backend import Backend
from vlm_demo.errors import ImageError, InputError
from vlm_demo.families import get_family
from vlm_demo.rendering.export import Answer
from vlm_demo.settings import Settings
from vlm_demo.ui.components.picture_input.pictures import Picture, take_upload
from vlm_demo.ui.streaming import answers
from vlm_demo.values import Box, Reply, Request, Sampling


class FileMeta(TypedDict):
    """How Gradio knows a file: https://www.gradio.app/docs/gradio/filedata."""

    _type: Literal["gradio.FileData"]


class Upload(TypedDict):
    """A file that was uploaded; `gradio_client.handle_file` uploads one."""

    path: str
    meta: FileMeta


class ChatAnswer(Answer):
    """An answer, and what to send back as history."""

    raw: str


def opened(sent: object, settings: Settings) -> Picture:
    """Return the picture that was sent.

    Raises:
        ImageError: it is not an uploaded picture.
    """
    path = sent.get("path") if isinstance(sent, dict) else None
    if not isinstance(path, str):
        raise ImageError("Please send a picture: an uploaded file.")
    return take_upload(path, settings)


def boxes_on(picture: Picture | None, sent: object) -> tuple[Box, ...]:
    """Read boxes, each x1, y1, x2, y2 in pixels of the picture.

    Raises:
        InputError: they are no boxes, or there is no picture for them.
    """
    if not sent:
        return ()
    if picture is None or not isinstance(sent, list | tuple):
        raise InputError("Boxes are a list of [x1, y1, x2, y2] in pixels of the picture.")
    return tuple(_box(numbers, picture) for numbers in sent)


def _box(numbers: object, picture: Picture) -> Box:
    fine = isinstance(numbers, list | tuple) and len(numbers) == 4
    if fine and all(_is_number(number) for number in _items(numbers)):
        box = Box.normalize(*map(float, _items(numbers)), by=picture.size)
        if box.area > 0:
            return box
    raise InputError("Please give a box in the picture: x1, y1, x2, y2 in pixels.")


def _items(numbers: Any) -> Sequence[Any]:
    return tuple(numbers)


def _is_number(value: object) -> bool:
    # True is a whole number to Python, and no coordinate.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def sampling_of(
    backend: Backend,
    model: str,
    max_new_tokens: int | None,
    temperature: float | None,
    seed: int | None,
) -> Sampling:
    """Return the model's own sampling with what was given instead.

    Raises:
        InputError: a value cannot be used.
        UnknownModelError: there is no such model.
    """
    own = get_family(backend.spec(model).family).sampling
    return replace(
        own,
        max_new_tokens=int(_given("max_new_tokens", max_new_tokens, own.max_new_tokens, least=1)),
        temperature=_given("temperature", temperature, own.temperature),
        seed=own.seed if seed is None else int(_given("seed", seed, 0)),
    )


def _given(name: str, value: float | None, own: float, *, least: int = 0) -> float:
    if value is None:
        return own
    if not _is_number(value) or value < least:
        raise InputError(f"{name} must be a number, {least} or more.")
    return value


def whole_reply(backend: Backend, model: str, request: Request) -> Reply:
    """Wait for the complete reply.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    newest = Reply("", "")
    for reply in answers(backend, model, request):
        newest = reply or newest
    return newest
