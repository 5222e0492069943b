"""KOSMOS-2: a captioner that ties its phrases to cells of a 32 x 32 grid.

Prompts and markup: https://huggingface.co/microsoft/kosmos-2-patch14-224 (card) and
transformers/models/kosmos2/processing_kosmos2.py (5.23). Markup:

    <phrase> a dog</phrase><object><patch_index_0044><patch_index_0863></object>

The two indices are the upper left and lower right cell (row * 32 + column); several boxes have
`</delimiter_of_multi_objects/>` between them. The paper (https://arxiv.org/abs/2306.14824) writes
the same indices as `<p> a dog </p><box><loc44><loc863></box>` and `<delim>`; both are read.

Contested: where a box begins and ends. The processor takes the *centres* of the cells, but their
outer edges when both lie in one row or column. We do the same, so that boxes agree with the
reference implementation; they are up to half a cell (1/64 of a side) tighter than the cells.

A question refers to a region by a phrase with its box, as in the paper; "it" is ours.

There is no chat template on the Hub and no training on dialogues: each question stands alone.
"""

import math
import re
from collections.abc import Sequence
from functools import cached_property

from vlm_demo.markup.base import Markup, ParsedOutput, Span
from vlm_demo.markup.coordinate_spaces import UNIT, CoordinateSpace
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.markup.tags import partial_tag_start
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.conversation_labels import ConversationLabels
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_overlays import box_around
from vlm_demo.values import Box, Frame, Prompt, Region, Request, Task, bounding_box

CELLS = 32
"""Cells on each side of the image."""

SPACE = CoordinateSpace(
    name="grid_32_xyxy",
    title="cells of a 32 x 32 grid over the picture, counted row by row",
    extent=lambda _: (float(CELLS), float(CELLS)),
)

DETAILED = "<grounding> Describe this image in detail:"

_TAG = re.compile(r"</?([A-Za-z]\w*)/?>", re.ASCII)
_INDEX = re.compile(r"(?:patch_index_|loc)([0-9]{1,9})")
_INDEX_LIKE = re.compile(r"patch_index_|loc[0-9]")
_PHRASES = ("phrase", "p")
_PLACES = ("object", "box")
_DELIMITERS = ("delimiter_of_multi_objects", "delim")


def read_cells(raw: str, _: Frame, __: CoordinateSpace) -> ParsedOutput:
    """Read `<phrase> words</phrase><object>indices</object>`, or the paper's notation.

    A box counts as soon as both its indices are there. Indices beyond the grid are clipped, and
    boxes with another number of indices are skipped. Other tags are left out of the text.
    """
    at = raw.rfind("</image>") + len("</image>") if "</image>" in raw else 0
    end, reader = partial_tag_start(raw), _CellReader()
    for tag in _TAG.finditer(raw, at, end):
        reader.add_words(raw[at : tag.start()])
        reader.add_tag(tag)
        at = tag.end()
    reader.add_words(raw[at:end])
    return reader.build()


def write_cells(regions: Sequence[Region], _: Frame, __: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes, as `read_cells` reads them."""
    boxes = "</delimiter_of_multi_objects/>".join(_indices(bounding_box(r)) for r in regions)
    return f"<object>{boxes}</object>"


class _CellReader:
    """Collects words and boxes while it is given the parts of an output in order."""

    def __init__(self) -> None:
        self._phrases = PhraseReader()
        self._cells: list[tuple[Span, int | None]] | None = None  # of a box; None: none is open

    def add_words(self, words: str) -> None:
        if self._cells is None:
            self._phrases.add_words(words)
        else:
            self._phrases.builder.add_text(words)  # words inside an object end no phrase

    def add_tag(self, tag: re.Match[str]) -> None:
        name, closes = tag[1], tag[0].startswith("</")
        if name in _PHRASES:
            self._end_box()
            self._cells = None
            if closes:
                self._phrases.close_phrase()
            else:
                self._phrases.open_phrase()
        elif name in _PLACES:
            self._end_box()
            self._cells = None if closes else []
            self._phrases.close_phrase()
            self._phrases.builder.has_markup = True
        elif name in _DELIMITERS and self._cells is not None:
            self._end_box()
            self._cells = []
        elif _INDEX_LIKE.match(name):
            self._phrases.builder.has_markup = True
            index = _INDEX.fullmatch(name)
            if self._cells is not None:
                self._cells.append((tag.span(), int(index[1]) if index else None))

    def build(self) -> ParsedOutput:
        self._end_box(is_last=True)
        return self._phrases.build()

    def _end_box(self, *, is_last: bool = False) -> None:
        match self._cells:
            case [((start, _), int(upper_left)), ((_, end), int(lower_right))]:
                written = (start, end), (float(upper_left), float(lower_right))
                self._phrases.add_place(written, _box(upper_left, lower_right))
            case [_, *_] if not is_last:
                self._phrases.builder.is_damaged = True


def _box(upper_left: int, lower_right: int) -> Box:
    """Return the box of two cells. Source: `patch_index_to_coordinate` of processing_kosmos2.py."""
    y1, x1 = divmod(upper_left, CELLS)
    y2, x2 = divmod(lower_right, CELLS)
    if x1 == x2 or y1 == y2:
        return Box.normalize(x1, y1, x2 + 1, y2 + 1, by=(CELLS, CELLS))
    return Box.normalize(x1 + 0.5, y1 + 0.5, x2 + 0.5, y2 + 0.5, by=(CELLS, CELLS))


def _indices(box: Box) -> str:
    """Write a box as two cells of the grid.

    Source: `coordinate_to_patch_index` of processing_kosmos2.py.
    """
    x1, y1 = (min(math.floor(v * CELLS), CELLS - 1) for v in (box.x1, box.y1))
    x2 = max(x1, math.ceil(box.x2 * CELLS - 1))
    y2 = max(y1, math.ceil(box.y2 * CELLS - 1))
    return "".join(f"<patch_index_{y * CELLS + x:04}>" for x, y in ((x1, y1), (x2, y2)))


class Kosmos2(Family):
    """Asks for tasks by the beginning of the answer rather than by a question."""

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        words = request.text.strip()
        match request.task:
            case Task.CAPTION:
                return words or "An image of"
            case Task.GROUNDED_CAPTION:
                return f"<grounding> {words or 'An image of'}"
            case Task.DETAILED_CAPTION:
                return f"{DETAILED} {words}".rstrip()
            case Task.GROUNDING:
                return f"<grounding><phrase> {words}</phrase>"
            case Task.DESCRIBE_REGION:
                size = frame.original if frame else (CELLS, CELLS)
                region = _indices(box_around(request.regions[0], size))
                return f"<grounding><phrase> It</phrase><object>{region}</object> is"
            case _:
                return ""

    @cached_property
    def conversation_labels(self) -> ConversationLabels:
        """None: the processor returns the question with its answer, as one text."""
        return ConversationLabels(tokens=(), words=())

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        """Leave out the instruction that a detailed caption begins with."""
        start, end = super()._answer_span(raw, prompt)
        if prompt.answer_prefix.startswith(DETAILED) and raw.startswith(DETAILED):
            start = len(DETAILED)
        return start, max(start, end)


FAMILY = Kosmos2(
    name="kosmos2",
    title="KOSMOS-2",
    model_types={"kosmos-2": Architecture(position_ids="kosmos2")},
    checkpoints=("microsoft/kosmos-2-patch14-224",),
    instructions={
        Task.CHAT: "<grounding> Question: {text} Answer:",
        Task.CAPTION: "",
        Task.DETAILED_CAPTION: "",
        Task.GROUNDED_CAPTION: "",
        Task.VQA: "<grounding> Question: {text} Answer:",
        Task.GROUNDING: "",
        Task.DESCRIBE_REGION: "",
    },
    markup_signature=r"<patch_index_[0-9]",
    markup=Markup(
        read_cells,
        write_cells,
        SPACE,
        json_space=UNIT,
        phrase_pattern="<phrase> {phrase}</phrase>{places}",
        absence=" is not there.",
    ),
    region_template="<phrase> it</phrase>{region}",
    chat_template="{% for part in messages[-1]['content'] if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endfor %}",
    keep_special_tokens=True,
    end_markers=("</s>",),
    limits=FamilyLimits(history="none", longest_side=1_024, chats_without_image=False),
    control_tokens=(
        *("<s>", "</s>", "<pad>", "<unk>", "<mask>", "</doc>", "</chunk>", "</line>"),
        *("<image>", "</image>", "<phrase>", "</phrase>", "<object>", "</object>"),
        *("</delimiter_of_multi_objects/>", "<grounding>"),
        *(f"<patch_index_{cell:04}>" for cell in range(CELLS * CELLS)),
    ),
)
