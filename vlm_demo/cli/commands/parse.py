"""The command that reads raw model output without a model: one JSON object a line, in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.rendering.export import AnswerData, reply_to_data
from vlm_demo.values import Frame, Message, Prompt, Size

MAX_SIDE = 1_000_000
"""Largest width or height of a picture, in pixels; more is a mistake."""


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


def _parse_line(line: bytes) -> AnswerData | dict[str, str]:
    try:
        return parse_record(json.loads(line))
    except VlmDemoError as error:
        return {"error": str(error)}
    except RecursionError:
        return {"error": "This line is nested too deeply."}
    except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
        return {"error": f"This line is not JSON: {error}."}


def parse_record(record: Any) -> AnswerData:
    """Read the output of one record.

    Keys: `family`, `image_size` [w, h] and `raw`; where the format needs them `prompt_task` (the
    task token of the prompt), `input_size` [w, h] (the picture as the model saw it),
    `coordinate_space` (a name in `markup.coordinate_spaces.SPACES`) and `raw_tokens` (the output as
    a list of tokens, in place of `raw`).

    Raises:
        InputError: a key is missing or cannot be used.
        UnknownModelError: there is no such family.
    """
    if not isinstance(record, dict):
        raise InputError("A line must be a JSON object with family, image_size and raw.")
    name = record.get("family")
    if not isinstance(name, str):
        raise InputError('The key "family" is missing: the name of a model family.')
    family = get_family(name)
    original = _read_size(record, "image_size")
    seen = _read_size(record, "input_size") if record.get("input_size") is not None else original
    space = _read_space(str(record.get("coordinate_space") or ""))
    raw = record.get("raw")
    if raw is None and isinstance(tokens := record.get("raw_tokens"), list):
        raw = family.join_tokens(list(map(str, tokens)))
    if not isinstance(raw, str):
        raise InputError('The key "raw" is missing: the text that the model wrote.')
    question = Message("user", str(record.get("prompt_task") or ""))
    prompt = Prompt((question,), frame=Frame(original, seen, space))
    return reply_to_data(family.reply(raw, prompt), original)


def _read_space(name: str) -> str:
    """Return the full name of a coordinate space; without an order, x comes first."""
    for full in (name, f"{name}_xyxy", name.replace("normalized_", "normalized_1_")):
        if full in ("", *SPACES):
            return full
    raise InputError(f"There is no coordinate_space {name!r}. Known: {', '.join(SPACES)}.")


def _read_size(record: dict[str, Any], key: str) -> Size:
    value = record.get(key)
    match value:
        case [int(width), int(height)] if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
            return width, height
    raise InputError(f"{key} must be [width, height] in pixels, not {json.dumps(value)}.")
