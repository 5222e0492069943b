"""PaliGemma and PaliGemma 2: no chat, but short commands such as "detect cat ; dog".

Commands, the order of the numbers and the authors' reader:
https://github.com/google-research/big_vision, big_vision/configs/proj/paligemma/README.md, and the
Space https://huggingface.co/spaces/google/paligemma (app.py). What the processor puts around a
command: transformers/models/paligemma/processing_paligemma.py (5.23). Markup:

    <loc0256><loc0256><loc0768><loc0768> cat ; <loc0100><loc0200><loc0300><loc0400> dog

Four tokens, top, left, bottom, right, each 1024ths of the image; the label follows its box. A box
with another number of tokens is skipped, as supervision does (supervision/detection/vlm.py).
Contested: eight tokens before a label, which are read as two boxes that share it.

After "segment cat", 16 codes `<seg000>` to `<seg127>` follow a box. They stand for a mask, in the
code book of an autoencoder whose weights (vae-oid.npz) are not part of this program. Where a menu
names that file (`mask_decoder`), objects are looked for with "segment" and come back as outlines;
without it the box is read, the mask is not decoded, and the answer's note says so.

PaLI, PaLI-X and PaLI-3, after which it is named, were never released.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Self

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.coordinate_spaces import N1024, CoordinateSpace, with_y_first
from vlm_demo.markup.location_tokens import LocationToken, split_runs, token_numbers, token_span
from vlm_demo.markup.written_answers import write_boxes_first
from vlm_demo.masks import trace_mask
from vlm_demo.masks.code_decoder import CODES_PER_MASK, MaskDecoder, load_mask_decoder
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.targets import TargetList
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.translatable_text import TranslatableText, join_texts, message
from vlm_demo.values import (
    Box,
    Frame,
    Mention,
    ParsedPlace,
    Point,
    Polygon,
    Prompt,
    Region,
    Reply,
    Task,
    bounding_box,
)

LAST = 1023
"""The largest number of a location token."""

CODES = 128
"""How many codes there are for a part of a mask."""

_TOKEN = re.compile(
    r"<(?P<name>loc|seg)(?:(?P<number>(?<=loc)[0-9]{4}|(?<=seg)[0-9]{3})(?=>)|[^<>\s]*)>"
)

_CODE = re.compile(r"<seg([0-9]{3})>")


def read_locations(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read `<loc0256>` four times, then a label up to ";" or the next box."""
    builder, boxes, is_lost = ParsedOutputBuilder(), list[Box](), False
    for run in split_runs(raw, _TOKEN):
        builder.is_damaged |= is_lost and bool(run.words.strip() or run.tokens)
        if boxes:
            label, semicolon, rest = run.words.partition(";")
            builder.add_mention(boxes, span=builder.add_text(label))
            builder.add_text(semicolon + rest)
        else:
            builder.add_text(run.words)
        boxes = _boxes(run.tokens, frame, space, builder) if run.tokens else []
        is_lost = bool(run.tokens) and not boxes
    return builder.build()


def write_locations(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_locations` reads them."""
    return " ; ".join(
        "".join(
            f"<loc{min(max(round(number), 0), LAST):04}>"
            for number in space.to_numbers(bounding_box(region), frame)
        )
        for region in regions
    )


def _boxes(
    tokens: Sequence[LocationToken],
    frame: Frame,
    space: CoordinateSpace,
    builder: ParsedOutputBuilder,
) -> list[Box]:
    """Read the boxes before a label: one, or several of four tokens each."""
    builder.has_markup = True
    corners = [token for token in tokens if token.name == "loc"]
    codes = [token for token in tokens if token.name != "loc"]
    if not corners or len(corners) % 4 or (codes and tokens[4:] != tuple(codes)):
        return []
    boxes = []
    for at in range(0, len(corners), 4):
        numbers = token_numbers(corners[at : at + 4])
        if numbers is None:
            return []
        places = tokens if codes else corners[at : at + 4]
        boxes.append(space.to_box(numbers, frame))
        builder.add_parsed_place(token_span(places), numbers, boxes[-1])
    return boxes


KINDS = ("mix-224", "mix-448", "pt-224", "pt-448", "pt-896")
SIZES = ("paligemma-3b", "paligemma2-3b", "paligemma2-10b", "paligemma2-28b")

CLASSES = TargetList("detect {text}", separator=" ; ")

UNREAD_MASKS = message(
    "The masks of this answer need a decoder of their own, so their boxes are shown. Press "
    "Outline to outline them."
)
"""The note of an answer with codes for masks."""


MASK_SIDE = 256
"""Pixels of a side of the mask in its box, as it is traced."""


@dataclass(frozen=True, kw_only=True)
class PaliGemma(Family):
    """Decodes masks where it has the decoder, and else says that they are not decoded."""

    mask_decoder: MaskDecoder | None = None

    def with_mask_decoder(self, path: Path) -> Self:
        """Return the family with a decoder, which then asks for masks: one thing at a time."""
        return replace(
            self,
            mask_decoder=load_mask_decoder(path),
            instructions={**self.instructions, Task.GROUNDING: "segment {text}"},
            target_lists={Task.DETECT: CLASSES},
        )

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        if not _CODE.search(raw):
            return reply
        if self.mask_decoder:
            return outline_masks(reply, self.mask_decoder)
        return replace(reply, note=join_texts(reply.note, TranslatableText(UNREAD_MASKS)))


def outline_masks(reply: Reply, decoder: MaskDecoder) -> Reply:
    """Put outlines in the place of the boxes that are followed by the codes of a mask."""
    places = tuple(_outline(place, reply.raw, decoder) for place in reply.parsed_places)
    regions = iter([place.region for place in places])
    mentions = tuple(_take_regions(mention, regions) for mention in reply.mentions)
    return replace(reply, mentions=mentions, parsed_places=places)


def _outline(place: ParsedPlace, raw: str, decoder: MaskDecoder) -> ParsedPlace:
    """Return a place with its mask, where there is one and it is not empty."""
    codes = tuple(map(int, _CODE.findall(raw[slice(*place.span)])))
    if len(codes) != CODES_PER_MASK or max(codes) >= decoder.codes:
        return place
    polygon = _trace(codes, decoder)
    if polygon is None:
        return place
    box = bounding_box(place.region)
    width, height = box.x2 - box.x1, box.y2 - box.y1
    moved = polygon.move_points(lambda one: Point(box.x1 + one.x * width, box.y1 + one.y * height))
    return replace(place, region=moved)


@lru_cache(maxsize=256)
def _trace(codes: tuple[int, ...], decoder: MaskDecoder) -> Polygon | None:
    """Return a mask in fractions of its box; an answer that grows has the same ones again."""
    return trace_mask(decoder.decode_mask(codes, MASK_SIDE, MASK_SIDE))


def _take_regions(mention: Mention, regions: Iterator[Region]) -> Mention:
    return replace(mention, regions=tuple(islice(regions, len(mention.regions))))


FAMILY = PaliGemma(
    name="paligemma",
    title="PaliGemma",
    model_types={"paligemma": ONE_AT_A_TIME},
    checkpoints=tuple(f"google/{size}-{kind}" for size in SIZES for kind in KINDS),
    instructions={
        Task.CAPTION: "caption en",
        Task.DETAILED_CAPTION: "describe en",
        Task.VQA: "answer en {text}",
        Task.GROUNDING: "detect {text}",
        Task.DESCRIBE_REGION: "caption {region}",
        Task.DETECT: "detect {text}",
        Task.READ: "ocr",
    },
    markup_signature=r"<loc[0-9]{4}>",
    target_lists={Task.GROUNDING: CLASSES, Task.DETECT: CLASSES},
    markup=Markup(
        read_locations,
        write_locations,
        with_y_first(N1024),
        answer_writer=write_boxes_first(
            lambda box, frame, space: write_locations([box], frame, space), " ; "
        ),
    ),
    chat_template=BARE_TEXT,
    documented_template="{% for part in messages[-1]['content'] if part['type'] == 'image' %}"
    "<image>{% endfor %}<bos>" + BARE_TEXT + "{{ '\n' }}",
    end_markers=("<eos>",),
    prefix_separator=None,
    limits=FamilyLimits(history="none", longest_side=1_024, chats_without_image=False),
    control_tokens=(
        *("<image>", "<bos>", "<eos>", "<pad>", "<unk>"),
        *(f"<loc{number:04}>" for number in range(LAST + 1)),
        *(f"<seg{code:03}>" for code in range(CODES)),
    ),
)
