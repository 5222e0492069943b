"""OFA: a small sequence-to-sequence model for captions, questions, regions and grounding.

Prompts: https://github.com/OFA-Sys/OFA, tasks/mm_tasks/*.py and data/ (read at a36b91c); the blanks
at their beginning belong to them. Coordinates: utils/eval_utils.py there. Markup:

    <bin_100><bin_200><bin_300><bin_400>                      which region does the text ...
    <bin_10><bin_20><bin_300><bin_400> person <bin_5>...      what are the objects ...

A question about a region holds "region:" and its bins (grounded questions in
https://arxiv.org/abs/2202.03052). Four bins, x1, y1, x2, y2, in 999ths of the image; in a list the
label *follows* its box. The checkpoints need fairseq or OFA's own fork of transformers, so they are
asked on a server.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.coordinate_spaces import N999, CoordinateSpace
from vlm_demo.markup.location_tokens import LocationToken, split_runs, token_numbers, token_span
from vlm_demo.markup.written_answers import write_boxes_first
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.request_checks import MAX_CHARACTERS
from vlm_demo.prompting.targets import TargetList, read_targets
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.translatable_text import message
from vlm_demo.values import Box, Frame, Region, Request, Task, bounding_box

LAST = 999
"""The largest number of a bin."""

_TOKEN = re.compile(r"<(?P<name>bin)_(?:(?P<number>[0-9]{1,15})(?=>)|[^<>\s]*)>")
_ALL_OBJECTS = message("This model looks for every object that it knows, whatever the text says.")


def read_bins(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read `<bin_N>` four times, then a label up to the next box.

    Boxes with nothing between them share a label. After the last label, bins may be cut off.
    """
    builder, boxes = ParsedOutputBuilder(), list[Box]()
    pieces = list(split_runs(raw, _TOKEN))
    for piece, following in zip(pieces, (*pieces[1:], None), strict=True):
        builder.add_mention(boxes, span=builder.add_text(piece.words))
        labelled = following is not None and bool(following.words.strip())
        boxes = _boxes(piece.tokens, frame, space, builder, cut_off=not labelled)
    return builder.build()


def write_bins(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_bins` reads them."""
    return "".join(
        f"<bin_{min(max(round(number), 0), LAST)}>"
        for region in regions
        for number in space.to_numbers(bounding_box(region), frame)
    )


def _boxes(
    tokens: Sequence[LocationToken],
    frame: Frame,
    space: CoordinateSpace,
    builder: ParsedOutputBuilder,
    *,
    cut_off: bool,
) -> list[Box]:
    """Return the boxes of a run, or none if one is incomplete, unless the output ends there."""
    builder.has_markup = builder.has_markup or bool(tokens)
    if len(tokens) % 4 and not cut_off:
        builder.is_damaged = True
        return []
    boxes = []
    for at in range(0, len(tokens) - 3, 4):
        if numbers := token_numbers(tokens[at : at + 4]):
            boxes.append(space.to_box(numbers, frame))
            builder.add_parsed_place(token_span(tokens[at : at + 4]), numbers, boxes[-1])
    return boxes


class Ofa(Family):
    """Needs no words for detection."""

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        if request.task is Task.DETECT and not read_targets(request.text):
            request = replace(request, text="every object")
        super().check(request, max_characters=max_characters)


FAMILY = Ofa(
    name="ofa",
    title="OFA",
    model_types={"ofa": ONE_AT_A_TIME},
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
    target_lists={Task.DETECT: TargetList(" what are the objects in the image?")},
    notes={Task.DETECT: _ALL_OBJECTS},
    markup_signature=r"<bin_[0-9]",
    markup=Markup(
        read_bins,
        write_bins,
        N999,
        answer_writer=write_boxes_first(
            lambda box, frame, space: write_bins([box], frame, space), " "
        ),
    ),
    region_template="region:{region}",
    chat_template=BARE_TEXT,
    keep_special_tokens=True,
    end_markers=("</s>",),
    prefix_separator=None,
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("<s>", "</s>", "<pad>", "<unk>", "<mask>"),
        *(f"<bin_{number}>" for number in range(LAST + 1)),
    ),
)
