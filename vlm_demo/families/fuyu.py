"""Fuyu-8B: no chat, but captions, questions, and text to box and back.

Prompts: the card of https://huggingface.co/adept/fuyu-8b and the tests of transformers' Fuyu; the
box prompt holds a backslash and an n, not a new line. Markup: transformers/models/fuyu/
processing_fuyu.py (5.23).

    <box>388, 426, 404, 488</box>       top, left, bottom, right in pixels of the image
    <point>426, 388</point>             but x before y here
    <0x00>194 213 202 244<0x01>         the same box as the model writes it
    <0x02>213 194<0x03>                 and the point

The model's own numbers count steps of two pixels of the image as the model sees it, scaled down to
fit 1920 x 1080. Each is a token, and plain decoding would glue them together: `join_tokens` keeps
them apart. An answer begins after `<0x04>`. Byte tokens may also come as the characters they stand
for.

The processor takes boxes and points in any prompt, but no question about one is documented. Fuyu
was trained to read the text in a region; that is how it describes one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder, Span, parse_numbers
from vlm_demo.markup.coordinate_spaces import PIXELS, CoordinateSpace, with_y_first
from vlm_demo.markup.location_tokens import strip_tags
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.translatable_text import message
from vlm_demo.values import Frame, Point, Prompt, Region, Task, bounding_box

LARGEST = (1920, 1080)
"""Width and height in pixels that larger images are scaled down to fit."""

ANSWER = "<0x04>"
"""What the processor puts after a prompt; the answer begins there."""


def half_pixel_extent(frame: Frame) -> tuple[float, float]:
    """Return half the size of the image as the model sees it."""
    width, height = frame.original
    scale = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
    return width * scale / 2, height * scale / 2


HALVES = with_y_first(
    CoordinateSpace(
        name="half_pixel_xyxy",
        title="steps of two pixels of the picture scaled down to fit 1920 x 1080",
        extent=half_pixel_extent,
    )
)

_TEXT_OR_BOX = (
    "When presented with a box, perform OCR to extract text contained within it. If provided with "
    r"text, generate the corresponding bounding box.\n"
)
_READS = message(
    "This model reads the text in the region; it does not describe what else is there."
)

_TAG = re.compile(r"<(?P<closes>/?)(?P<kind>box|point)>|<0x0(?P<code>[0-4])>|(?P<byte>[\x00-\x04])")
_PARTIAL_TAG = re.compile(r"<(?:/?(?:b(?:ox?)?|p(?:o(?:i(?:nt?)?)?)?)?|0(?:x(?:0[0-4]?)?)?)")
_BEGUN = re.compile(r"(?:[\s0-9.,+-]|nan|inf|null)*", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]+")
_ANSWER = re.compile(f"{ANSWER}|\x04")
_OTHER_BYTES = re.compile(r"(?:<0x(?:0[5-9A-F]|[1-9A-F][0-9A-F])>)+")
_WORD_START = "\N{LOWER ONE EIGHTH BLOCK}"


@dataclass(frozen=True, slots=True)
class _Tag:
    """An opening or closing tag, in either notation."""

    kind: str  # "box", "point", or "" for the beginning of the answer
    closes: bool
    is_token: bool

    @classmethod
    def of(cls, match: re.Match[str]) -> _Tag:
        if match["kind"]:
            return cls(match["kind"], bool(match["closes"]), is_token=False)
        code = int(match["code"]) if match["code"] else ord(match["byte"])
        return cls(("box", "point", "")[code // 2], bool(code % 2), is_token=True)


def read_boxes(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read boxes of four and points of two numbers, in both notations; nothing names them."""
    body = _strip_partial_tag(raw)
    builder, opened, at = ParsedOutputBuilder(), None, 0
    for match in _TAG.finditer(body):
        tag = _Tag.of(match)
        if opened and tag == replace(opened, closes=True):
            _add_place(builder, opened, body[at : match.start()], at, frame, space)
        else:
            _add_words(builder, body[at : match.start()], opened)
        opened = tag if tag.kind and not tag.closes else None
        at = match.end()
    _add_words(builder, body[at:], opened)
    return builder.build()


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_boxes` reads them, in whole pixels."""
    boxes = (space.to_numbers(bounding_box(region), frame) for region in regions)
    return "".join(f"<box>{', '.join(str(round(number)) for number in box)}</box>" for box in boxes)


def write_point(point: Point, frame: Frame, space: CoordinateSpace) -> str:
    """Write a point as `read_boxes` reads it: x before y."""
    x, y = map(round, replace(space, y_first=False).to_numbers(point, frame))
    return f"<point>{x}, {y}</point>"


def _add_place(
    builder: ParsedOutputBuilder,
    tag: _Tag,
    written: str,
    at: int,
    frame: Frame,
    space: CoordinateSpace,
) -> None:
    builder.has_markup = True
    found = parse_numbers(_BETWEEN.split(written.strip()))
    if found is None or len(found) != (4 if tag.kind == "box" else 2):
        builder.is_damaged |= any(map(str.isdigit, written))
        return
    if tag.is_token and not frame.space:
        space = HALVES
    region = (
        space.to_box(found, frame)
        if tag.kind == "box"
        else replace(space, y_first=False).to_point(found, frame)
    )
    builder.add_mention([builder.add_parsed_place((at, at + len(written)), found, region)])


def _add_words(builder: ParsedOutputBuilder, words: str, opened: _Tag | None) -> None:
    """Add words to the text, without the numbers after a tag that is not closed."""
    if opened:
        builder.has_markup = True
        words = _BEGUN.sub("", words, count=1)
    builder.add_text(strip_tags(words))


def _strip_partial_tag(text: str) -> str:
    at = text.rfind("<")
    return text[:at] if at >= 0 and _PARTIAL_TAG.fullmatch(text, at) else text


def _decode_bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(re.sub(r"<0x|>", "", match[0])).decode("utf-8", "replace")


class Fuyu(Family):
    """Reads tokens that are numbers."""

    def join_tokens(self, tokens: Sequence[str]) -> str:
        """Put a blank between the numbers of a region, and turn other bytes into characters."""
        pieces: list[str] = []
        numbers_so_far: int | None = None  # in the place that is open
        for token in tokens:
            tag = _TAG.fullmatch(token)
            if tag:
                numbers_so_far = 0 if _Tag.of(tag).kind and not _Tag.of(tag).closes else None
            elif numbers_so_far is not None:
                token = f"{' ' if numbers_so_far else ''}{token.strip(_WORD_START)}"
                numbers_so_far += 1
            pieces.append(token.replace(_WORD_START, " "))
        return _OTHER_BYTES.sub(_decode_bytes, "".join(pieces))

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        """Return the span after the last sign that an answer begins."""
        _, end = super()._answer_span(raw, prompt)
        start = max((match.end() for match in _ANSWER.finditer(raw)), default=0)
        return start, max(start, end)


FAMILY = Fuyu(
    name="fuyu",
    title="Fuyu",
    model_types={"fuyu": Architecture(position_ids="plain")},
    checkpoints=("adept/fuyu-8b",),
    instructions={
        Task.CAPTION: "Generate a coco-style caption.\n",
        Task.VQA: "{text}\n",
        Task.GROUNDING: _TEXT_OR_BOX + "{text}",
        Task.DESCRIBE_REGION: _TEXT_OR_BOX + "{region}",
    },
    notes={Task.DESCRIBE_REGION: _READS},
    markup=Markup(read_boxes, write_boxes, with_y_first(PIXELS), write_point, json_space=PIXELS),
    region_template="{region}",
    chat_template=BARE_TEXT,
    documented_template=BARE_TEXT + ANSWER,
    keep_special_tokens=True,
    end_markers=("|ENDOFTEXT|",),
    prefix_separator=None,
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("|SPEAKER|", "|NEWLINE|", "|ENDOFTEXT|", "<s>", "</s>", "<unk>"),
        *("<box>", "</box>", "<point>", "</point>"),
        *(f"<0x0{code}>" for code in range(5)),
    ),
)
