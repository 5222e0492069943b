"""OFA: one small sequence-to-sequence model for captions, questions, regions and places.

Prompts: https://github.com/OFA-Sys/OFA, tasks/mm_tasks/*.py and data/ (read at a36b91c); the blanks
at their beginning belong to them. Coordinates: utils/eval_utils.py there. Markup:

    <bin_100><bin_200><bin_300><bin_400>                      which region does the text ...
    <bin_10><bin_20><bin_300><bin_400> person <bin_5>...      what are the objects ...

A question about a region holds "region:" and its bins (grounded questions in
https://arxiv.org/abs/2202.03052). Four bins, x1, y1, x2, y2, in 999ths of the picture; in a list
the label *follows* its box. The checkpoints need fairseq or OFA's own fork of transformers, so they
are asked on a server.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.markup.base import Markup, Reading, ReadingBuilder
from vlm_demo.markup.coordinate_spaces import N999, CoordinateSpace
from vlm_demo.markup.location_tokens import Token, numbers_of, runs, span_of
from vlm_demo.prompting.family import MAX_CHARACTERS, Family, Limits
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Box, Frame, Region, Request, Task, bounding_box

LAST = 999
"""The largest number of a bin."""

_TOKEN = re.compile(r"<(?P<name>bin)_(?:(?P<number>[0-9]{1,15})(?=>)|[^<>\s]*)>")
_ALL_OBJECTS = "This model looks for every object that it knows, whatever the words say."


def read_bins(raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
    """Read `<bin_N>` four times, then a label up to the next box.

    Boxes with nothing between them have one label. Behind the last label bins may be cut off.
    """
    reading, boxes = ReadingBuilder(), list[Box]()
    pieces = list(runs(raw, _TOKEN))
    for piece, following in zip(pieces, (*pieces[1:], None), strict=True):
        reading.add_mention(boxes, span=reading.add_text(piece.words))
        labelled = following is not None and bool(following.words.strip())
        boxes = _boxes(piece.tokens, frame, space, reading, cut_off=not labelled)
    return reading.reading()


def write_bins(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write places as `read_bins` reads them."""
    return "".join(
        f"<bin_{min(max(round(number), 0), LAST)}>"
        for region in regions
        for number in space.numbers(bounding_box(region), frame)
    )


def _boxes(
    tokens: Sequence[Token],
    frame: Frame,
    space: CoordinateSpace,
    reading: ReadingBuilder,
    *,
    cut_off: bool,
) -> list[Box]:
    """Return the boxes of a run; where one is incomplete, all are, but at the end of the output."""
    reading.has_markup = reading.has_markup or bool(tokens)
    if len(tokens) % 4 and not cut_off:
        return []
    boxes = []
    for at in range(0, len(tokens) - 3, 4):
        if numbers := numbers_of(tokens[at : at + 4]):
            boxes.append(space.box(numbers, frame))
            reading.add_parsed_place(span_of(tokens[at : at + 4]), numbers, boxes[-1])
    return boxes


class Ofa(Family):
    """Its detection takes no words."""

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        if request.task is Task.DETECT and not request.text.strip():
            request = replace(request, text="every object")
        super().check(request, max_characters=max_characters)


FAMILY = Ofa(
    name="ofa",
    title="OFA",
    model_types=("ofa",),
    checkpoints=tuple(
        f"OFA-Sys/ofa-{size}" for size in ("tiny", "medium", "base", "large", "huge")
    ),
    instructions={
        Task.CAPTION: " what does the image describe?",
        Task.VQA: " {text}",
        Task.GROUNDING: ' which region does the text " {text} " describe?',
        Task.DESCRIBE_REGION: "  what does the region describe? region:{region}",
        Task.DETECT: " what are the objects in the image?",
    },
    notes={Task.DETECT: _ALL_OBJECTS},
    markup=Markup(read_bins, write_bins, N999),
    region_template="region:{region}",
    chat_template=BARE_TEXT,
    keep_special_tokens=True,
    end_markers=("</s>",),
    prefix_separator=None,
    limits=Limits(history="none", chats_without_picture=False),
    control_tokens=(
        *("<s>", "</s>", "<pad>", "<unk>", "<mask>"),
        *(f"<bin_{number}>" for number in range(LAST + 1)),
    ),
)
