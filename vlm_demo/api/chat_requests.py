"""Turns the body of a chat completion request into what a model is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.api.chat_body import (
    AssistantMessage,
    ChatBody,
    ChatMessage,
    RegionField,
    SystemMessage,
    TextPart,
    UserMessage,
)
from vlm_demo.api.failures import refuse_value
from vlm_demo.api.request_images import ImageReader
from vlm_demo.backend import Backend
from vlm_demo.families import get_family
from vlm_demo.markup.region_json import RegionsInPixelsModel
from vlm_demo.prompting.images.visible_images import visible_images
from vlm_demo.settings import Settings
from vlm_demo.values import Box, Message, Region, RegionForm, Request, Sampling, Size, Task

ANY_OBJECT = '{"type": "object"}'
"""The schema of `response_format` "json_object"."""

PROGRAMS = "programs"
"""Who asks, in a model's queue: all programs together take turns with each visitor of the page."""


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A request, and what its answer should hold."""

    model: str
    request: Request
    image_sizes: tuple[Size, ...]  # of the pictures that the model is shown, oldest first
    streams: bool = False
    includes_usage: bool = False  # in a stream
    wants_logprobs: bool = False
    keeps_special_tokens: bool = False
    outlined_images: tuple[Image, ...] = ()  # on which what is found is outlined; (): it is not


def read_chat_call(backend: Backend, settings: Settings, body: ChatBody) -> ChatCall:
    """Read a request, with all its pictures.

    Raises:
        ApiError: it contradicts itself, or asks for what there is not.
        VlmDemoError: the model is unknown, or cannot be asked this.
    """
    family = get_family(backend.spec(body.model).family)
    images = ImageReader(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    turns, system = _read_messages(body.messages, images)
    *history, last = turns
    regions = last.regions
    if body.vlm_demo and body.vlm_demo.regions:
        newest = [image for turn in turns for image in turn.images][-1:]
        regions = read_regions(body.vlm_demo.regions, newest[0].size if newest else None)
    choices, pattern, schema = _read_constraint(body)
    request = Request(
        _read_task(body),
        last.text,
        last.images,
        regions=regions,
        region_form=RegionForm(body.vlm_demo.region_form) if body.vlm_demo else RegionForm.AUTO,
        history=tuple(history),
        choices=choices,
        pattern=pattern,
        schema=schema,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        sampling=_read_sampling(body, family.sampling),
        system=system,
        visitor=PROGRAMS,
    )
    backend.check(body.model, request)
    if body.vlm_demo and body.vlm_demo.outlines:
        backend.outliner.find_model()
    shown = visible_images(family.limits, [turn.images for turn in turns])
    options = body.stream_options
    return ChatCall(
        body.model,
        request,
        tuple(image.size for image in shown),
        streams=bool(body.stream),
        includes_usage=bool(options and options.include_usage),
        wants_logprobs=bool(body.logprobs),
        keeps_special_tokens=body.skip_special_tokens is False,
        outlined_images=tuple(shown) if body.vlm_demo and body.vlm_demo.outlines else (),
    )


def read_regions(fields: Sequence[RegionField], size: Size | None) -> tuple[Region, ...]:
    """Read regions in pixels of a picture of `size`; None: there is no picture.

    Raises:
        ApiError: they cannot be read.
    """
    if size is None:
        raise refuse_value("The regions need an image.", "vlm_demo")
    regions: list[Region] = []
    for field in fields:
        if isinstance(field, RegionsInPixelsModel):
            found = field.to_regions(size)
        else:
            found = (Box.normalize(*field, by=size),)
        if not found or any(isinstance(one, Box) and not one.area for one in found):
            raise refuse_value(
                "A region is a box in the image, [x1, y1, x2, y2] in pixels, or an object with "
                "boxes_xyxy_px, points_px or polygons_px.",
                "vlm_demo",
            )
        regions += found
    return tuple(regions)


def _read_messages(
    messages: Sequence[ChatMessage], images: ImageReader
) -> tuple[list[Message], str]:
    """Return the turns, of which the last is the question, and the system prompt.

    Messages of one side that follow each other are one turn, as templates want it.

    Raises:
        ApiError: there is no question at the end.
        ImageError: a picture cannot be read.
    """
    turns: list[Message] = []
    system: list[str] = []
    for message in messages:
        match message:
            case SystemMessage():
                system.append(_join_text(message.content))
            case AssistantMessage():
                _add_turn(turns, Message("assistant", _join_text(message.content)))
            case UserMessage():
                _add_turn(turns, _read_question(message, turns, images))
    if not turns or turns[-1].role != "user":
        raise refuse_value("The last message must be one of the user.", "messages")
    if turns[0].role != "user":
        raise refuse_value("A conversation begins with a message of the user.", "messages")
    return turns, "\n".join(system)


def _read_question(
    message: UserMessage, earlier: Sequence[Message], images: ImageReader
) -> Message:
    content, text = message.content, ""
    own: tuple[Image, ...] = ()
    if isinstance(content, str):
        text = content
    else:
        addresses = [part.image_url.url for part in content if not isinstance(part, TextPart)]
        own = tuple(images.read(address) for address in addresses)
        text = _join_text([part for part in content if isinstance(part, TextPart)])
    regions: tuple[Region, ...] = ()
    if message.vlm_demo and message.vlm_demo.regions:
        newest = [image for turn in earlier for image in turn.images] + list(own)
        regions = read_regions(message.vlm_demo.regions, newest[-1].size if newest else None)
    return Message("user", text, own, regions)


def _add_turn(turns: list[Message], turn: Message) -> None:
    if not turns or turns[-1].role != turn.role:
        turns.append(turn)
        return
    before = turns[-1]
    turns[-1] = Message(
        turn.role,
        "\n".join(filter(None, (before.text, turn.text))),
        (*before.images, *turn.images),
        (*before.regions, *turn.regions),
    )


def _join_text(content: str | Sequence[TextPart]) -> str:
    return content if isinstance(content, str) else "\n".join(part.text for part in content)


def _read_task(body: ChatBody) -> Task:
    tasks = {task for task in (body.task, body.vlm_demo and body.vlm_demo.task) if task}
    if len(tasks) > 1:
        raise refuse_value("task and vlm_demo.task name two different tasks.", "task")
    return tasks.pop() if tasks else Task.CHAT


def _read_constraint(body: ChatBody) -> tuple[tuple[str, ...], str, str]:
    """Return choices, pattern and schema; families refuse more than one of them.

    Raises:
        ApiError: one is given in two ways, or cannot be read.
    """
    outputs, form = body.structured_outputs, body.response_format
    choices = [found for found in (body.guided_choice, outputs and outputs.choice) if found]
    patterns = [found for found in (body.guided_regex, outputs and outputs.regex) if found]
    schemas = [
        found for found in (body.guided_json, outputs and outputs.json_) if found is not None
    ]
    if form and form.type == "json_schema":
        if form.json_schema is None:
            raise refuse_value(
                "A response_format of type json_schema needs one.", "response_format"
            )
        schemas.append(form.json_schema.schema_)
    elif form and form.type == "json_object":
        schemas.append(ANY_OBJECT)
    if max(len(choices), len(patterns), len(schemas)) > 1:
        raise refuse_value("The form of the answer is given in two ways.", "response_format")
    schema = schemas[0] if schemas else ""
    return (
        tuple(choices[0]) if choices else (),
        patterns[0] if patterns else "",
        schema if isinstance(schema, str) else json.dumps(schema, ensure_ascii=False),
    )


def _read_sampling(body: ChatBody, own: Sampling) -> Sampling:
    """Return the family's sampling with what the request says.

    Raises:
        ApiError: it contradicts itself.
    """
    given = {
        "max_new_tokens": body.max_completion_tokens or body.max_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "top_k": 0 if body.top_k == -1 else body.top_k,  # vLLM's sign for all
        "repetition_penalty": body.repetition_penalty,
        "seed": body.seed,
        "thinking": _read_thinking(body),
    }
    known = {name: value for name, value in given.items() if value is not None}
    return replace(own, **known)  # type: ignore[arg-type]  # each has its field's type


def _read_thinking(body: ChatBody) -> bool | None:
    wishes = set()
    if body.reasoning_effort is not None:
        wishes.add(body.reasoning_effort != "none")
    if arguments := body.chat_template_kwargs:
        wishes |= {
            one for one in (arguments.enable_thinking, arguments.thinking) if one is not None
        }
    if len(wishes) > 1:
        raise refuse_value("Reasoning is turned on and off in one request.", "reasoning_effort")
    return wishes.pop() if wishes else None
