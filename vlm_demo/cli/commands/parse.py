"""The command that reads raw model output without a model: one JSON object a line, in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, NotRequired

from pydantic import BaseModel, Field, ValidationError

from vlm_demo.analysis.diagnosis import diagnose
from vlm_demo.errors import InputError, VlmDemoError, describe_validation_error, quote_name
from vlm_demo.families import get_family
from vlm_demo.markup.coordinate_spaces import KNOWN_SPACES, find_space
from vlm_demo.rendering.export import AnswerData, AnyText, reply_to_data
from vlm_demo.values import Message, Prompt, Reply, Size

MAX_SIDE = 1_000_000
"""Largest width or height of a picture, in pixels; more is a mistake."""

_Side = Annotated[int, Field(strict=True, gt=0, le=MAX_SIDE)]


def parse() -> None:
    """Read raw model output without a model.

    Each line of input is a JSON object with family, image_size [w, h] and raw, and where the format
    needs them prompt_task, input_size, coordinate_space and raw_tokens. Each gives one output line.
    """
    for line in parse_lines(sys.stdin.buffer):
        print(line, flush=True)


def parse_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Turn each line that is not blank into a line: an answer, or {"error": ...}."""
    for line in lines:
        if line.strip():
            text = json.dumps(_parse_line(line), ensure_ascii=False)
            # Half a character, which no encoding can hold, becomes an escape.
            yield text.encode("utf-8", "backslashreplace").decode("utf-8")


def _parse_line(line: bytes) -> ParsedAnswer | dict[str, str]:
    try:
        return parse_record(json.loads(line))
    except VlmDemoError as error:
        return {"error": str(error)}
    except RecursionError:
        return {"error": "This line is nested too deeply."}
    except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
        return {"error": f"This line is not JSON: {error}."}


class _RecordModel(BaseModel):
    family: AnyText
    image_size: tuple[_Side, _Side]
    input_size: tuple[_Side, _Side] | None = None  # the picture as the model saw it
    coordinate_space: AnyText | None = None  # as `find_space` takes it
    prompt_task: AnyText | None = None  # the task token of the prompt
    raw: AnyText | None = None
    raw_tokens: list[AnyText] | None = None  # the output as a list of tokens, in place of `raw`


class ParsedAnswer(AnswerData):
    """What is printed of an output: the answer, and how well it could be read."""

    state: str
    """A value of `ReplyState`."""

    reasoning: NotRequired[str]
    note: NotRequired[str]
    """How numbers were understood whose unit the model does not tell."""

    doubts: NotRequired[list[str]]
    """What speaks against the reading, in words."""


def parse_record(record: object) -> ParsedAnswer:
    """Read the output of one record, whose keys are those of `_RecordModel`.

    Raises:
        InputError: a key is missing or cannot be used.
        UnknownModelError: there is no such family.
    """
    if not isinstance(record, dict):
        raise InputError("A line must be a JSON object with family, image_size and raw.")
    try:
        model = _RecordModel.model_validate(record)
    except ValidationError as error:
        raise InputError(
            f"This line cannot be used: {describe_validation_error(error)}."
        ) from error
    family = get_family(model.family)
    raw = model.raw
    if raw is None and model.raw_tokens is not None:
        raw = family.join_tokens(model.raw_tokens)
    if raw is None:
        raise InputError('The key "raw" is missing: the text that the model wrote.')
    space = _read_space(model.coordinate_space or "")
    frame = family.default_frame(model.image_size, space=space)
    if model.input_size:
        frame = replace(frame, seen=model.input_size)
    prompt = Prompt((Message("user", model.prompt_task or ""),), frame=frame)
    diagnosis = diagnose(raw, family, frame, prompt)
    doubts = [str(warning.text) for warning in diagnosis.warnings]
    if not model.input_size and diagnosis.reply.mentions and frame.seen != frame.original:
        width, height = frame.seen
        doubts.append(
            "input_size is missing: the numbers were taken for pixels of the image as "
            f"{family.title} resizes it, {width} x {height}."
        )
    return _to_data(diagnosis.reply, model.image_size, doubts)


def _to_data(reply: Reply, size: Size, doubts: list[str]) -> ParsedAnswer:
    data = reply_to_data(reply, size)
    answer: ParsedAnswer = {"text": data["text"], "items": data["items"], "state": reply.state}
    if reply.space:
        answer["coordinate_space"] = reply.space
    if reply.reasoning:
        answer["reasoning"] = reply.reasoning
    if reply.note:
        answer["note"] = str(reply.note)
    if doubts:
        answer["doubts"] = doubts
    return answer


def _read_space(name: str) -> str:
    """Return the full name of a coordinate space; "" is the family's own."""
    if not name:
        return ""
    if space := find_space(name):
        return space.name
    raise InputError(f"There is no coordinate_space {quote_name(name)}. Known: {KNOWN_SPACES}.")
