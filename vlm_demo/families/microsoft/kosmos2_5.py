"""KOSMOS-2.5: reads the text of documents, line by line with boxes, or as Markdown.

    <ocr><bbox><x_53><y_573><x_69><y_606></bbox>1
    <bbox><x_79><y_573><x_464><y_612></bbox>BLACK SAKURA

A box stands before its line, x0, y0, x1, y1 in pixels of the picture as the processor resizes it
(ocr.py of https://huggingface.co/microsoft/kosmos-2.5 and docs/source/en/model_doc/kosmos2_5.md of
https://github.com/huggingface/transformers). As there, a box is left out whose second corner is not
to the right of the first and below it; its line stays here. `<md>` asks for Markdown without
places.

The picture is resized here to a size that the processor leaves as it is: the largest number of
16 x 16 patches up to 4096 with about its ratio (`extract_flattened_patches` of
transformers/models/kosmos2_5/image_processing_kosmos2_5.py, 5.23).

There is no chat template: the processor puts the picture's tokens before the text. The chat
checkpoint is asked with the sentence of the same page of transformers, one question at a time;
wordings of captions are ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from PIL.Image import Image, Resampling

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder, parse_numbers
from vlm_demo.markup.coordinate_spaces import SEEN_PIXELS, CoordinateSpace
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Frame, Region, Sampling, Size, Task, bounding_box

PATCH = 16
"""Side of a patch in pixels."""

MAX_PATCHES = 4096
"""Largest number of patches of a picture."""

MAX_STEPS = 64
"""Largest number of steps in which a size is made to fit; real pictures take about five."""

_BOX = re.compile(r"<bbox>((?:\s*<[xy]_[^<>]{0,40}>)*)\s*(</bbox>)?", re.IGNORECASE)
_CORNER = re.compile(r"<([xy])_([^<>]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:ocr|md|s|pad|unk|image|bbox|[xy]_[^<>]{0,40})>", re.IGNORECASE)
_PARTIAL = re.compile(r"<(?:/?\w*|bbox>(?:\s*<[xy]_[^<>]*>)*\s*(?:<[\w/]*)?)", re.IGNORECASE)
_PARTIAL_LENGTH = 200
"""Characters at the end of an output in which a box may be incomplete."""


def read_lines(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read lines with the box before each; a line whose box is damaged has none."""
    body = _strip_partial_box(raw)
    builder, at, region = ParsedOutputBuilder(), 0, None
    for box in _BOX.finditer(body):
        _add_line(builder, body[at : box.start()].rstrip() + "\n", region)
        builder.has_markup = True
        region = _read_box(builder, box, frame, space)
        at = box.end()
    _add_line(builder, body[at:], region)
    return builder.build()


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes, at least one pixel wide and high."""
    return "".join(_box(space.to_numbers(bounding_box(region), frame)) for region in regions)


def _strip_partial_box(raw: str) -> str:
    start = raw.rfind("<bbox>", max(0, len(raw) - _PARTIAL_LENGTH))
    for at in (start, raw.rfind("<")):
        if at >= 0 and _PARTIAL.fullmatch(raw, at) and not raw.endswith(">", at, len(raw)):
            return raw[:at]
    return raw


def _read_box(
    builder: ParsedOutputBuilder, box: re.Match[str], frame: Frame, space: CoordinateSpace
) -> Region | None:
    corners = list(_CORNER.finditer(box[1]))
    numbers = parse_numbers([corner[2] for corner in corners])
    if numbers is None or [corner[1].lower() for corner in corners] != ["x", "y", "x", "y"]:
        return None
    x1, y1, x2, y2 = numbers
    if x1 >= x2 or y1 >= y2:
        return None
    return builder.add_parsed_place(box.span(1), numbers, space.to_box(numbers, frame))


def _add_line(builder: ParsedOutputBuilder, words: str, region: Region | None) -> None:
    """Add what follows a box: its line, and whatever more."""
    words = _TAG.sub("", words).lstrip()
    line, end, rest = words.partition("\n")
    span = builder.add_text(line)
    if region:
        builder.add_mention([region], span=span)
    builder.add_text(end + rest)


def _box(numbers: Sequence[float]) -> str:
    x1, y1, x2, y2 = map(round, numbers)
    return f"<bbox><x_{x1}><y_{y1}><x_{max(x2, x1 + 1)}><y_{max(y2, y1 + 1)}></bbox>"


def seen_size(size: Size) -> Size:
    """Return the size (width, height) at which the model sees a picture."""
    for _ in range(MAX_STEPS):
        width, height = size
        scale = math.sqrt(MAX_PATCHES * (PATCH / height) * (PATCH / width))
        fitted = (_whole_patches(scale * width), _whole_patches(scale * height))
        if fitted == size:
            break
        size = fitted
    return size


def _whole_patches(length: float) -> int:
    return max(min(math.floor(length / PATCH), MAX_PATCHES), 1) * PATCH


def resize(image: Image) -> Image:
    """Resize the image to the size at which its pixels are counted."""
    return image.convert("RGB").resize(seen_size(image.size), Resampling.BILINEAR)


FAMILY = Family(
    name="kosmos2_5",
    title="KOSMOS-2.5",
    model_types={"kosmos-2.5": ONE_AT_A_TIME},
    checkpoints=("microsoft/kosmos-2.5",),
    instructions={Task.READ: "<ocr>"},
    markup=Markup(read_lines, write_boxes, SEEN_PIXELS),
    markup_signature=r"<bbox><x_[0-9]",
    prepare_image=resize,
    seen_size=seen_size,
    chat_template=BARE_TEXT,
    end_markers=("</s>",),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=2048),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("<s>", "</s>", "<pad>", "<unk>", "<image>", "</image>", "<ocr>", "<md>", "<bbox>"),
        "</bbox>",
    ),
)

_QUESTION = (
    "<md>A chat between a curious user and an artificial intelligence assistant. The assistant "
    "gives helpful, detailed, and polite answers to the user's questions. USER: {text} ASSISTANT:"
)

RELATIVES = (
    replace(
        FAMILY,
        name="kosmos2_5_chat",
        title="KOSMOS-2.5 Chat",
        checkpoints=("microsoft/kosmos-2.5-chat",),
        instructions={
            Task.CHAT: _QUESTION,
            Task.CAPTION: _QUESTION.replace("{text}", "Describe this image in one sentence."),
            Task.DETAILED_CAPTION: _QUESTION.replace("{text}", "Describe this image in detail."),
            Task.VQA: _QUESTION.replace(
                "{text}", "{text}\nAnswer the question using a single word or phrase."
            ),
            Task.READ: "<ocr>",
        },
    ),
)
