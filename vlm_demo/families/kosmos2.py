"""KOSMOS-2: a captioner that ties its phrases to cells of a 32 x 32 grid.

Prompts and markup: https://huggingface.co/microsoft/kosmos-2-patch14-224 (card) and
transformers/models/kosmos2/processing_kosmos2.py (5.23). Markup:

    <phrase> a dog</phrase><object><patch_index_0044><patch_index_0863></object>

The two indices are the upper left and lower right cell (row * 32 + column); several boxes are split
by `</delimiter_of_multi_objects/>`. The paper (https://arxiv.org/abs/2306.14824) writes the same
indices as `<p> a dog </p><box><loc44><loc863></box>` and `<delim>`; both are read.

Contested: where a box begins and ends. The processor takes cell *centres*, but the outer edges of
the cells when both lie in one row or column. That is kept, so that boxes agree with the reference
implementation; they are up to half a cell (1/64 of a side) tighter than the cells themselves.

There is no chat template on the Hub and no training on dialogues: each question stands alone.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vlm_demo.families.base import WHOLE_PICTURE, Family, Limits
from vlm_demo.families.clean_text import CleanText
from vlm_demo.families.markup import Markup, Reading, Span
from vlm_demo.families.spaces import Space
from vlm_demo.types import Box, Frame, Mention, Prompt, Region, Request, Task, outer_box

CELLS = 32
"""Cells on each side of the picture."""

SPACE = Space(
    name="grid_32_xyxy",
    title="cells of a 32 x 32 grid over the picture, counted row by row",
    extent=lambda _: (float(CELLS), float(CELLS)),
)

DETAILED = "<grounding> Describe this image in detail:"

_TAG = re.compile(r"</?([A-Za-z]\w*)/?>", re.ASCII)
_INDEX = re.compile(r"(?:patch_index_|loc)([0-9]{1,9})")
_INDEX_LIKE = re.compile(r"patch_index_|loc[0-9]")
_HALF_WRITTEN = re.compile(r"</?(?:[A-Za-z]\w*/?)?", re.ASCII)
_PHRASES = ("phrase", "p")
_PLACES = ("object", "box")
_DELIMITERS = ("delimiter_of_multi_objects", "delim")


def read_cells(raw: str, _: Frame, __: Space) -> Reading:
    """Read `<phrase> words</phrase><object>indices</object>`, or the paper's notation.

    A box counts as soon as both its indices are there. Indices beyond the grid are clipped, and
    boxes with another number of indices are skipped. Other tags are left out of the text.
    """
    body = _without_half_tag(raw.rsplit("</image>", 1)[-1])
    reader, at = _Reader(), 0
    for tag in _TAG.finditer(body):
        reader.add_text(body[at : tag.start()])
        reader.add_tag(tag[1], closes=tag[0].startswith("</"))
        at = tag.end()
    reader.add_text(body[at:])
    return reader.reading()


def write_cells(regions: Sequence[Region], _: Frame, __: Space) -> str:
    """Write the places of one phrase as `read_cells` reads them."""
    boxes = "</delimiter_of_multi_objects/>".join(_indices(outer_box(r)) for r in regions)
    return f"<object>{boxes}</object>"


@dataclass(slots=True)
class _Reader:
    """Collects words and places while it is fed the parts of an output in order."""

    clean: CleanText = field(default_factory=CleanText)
    found: list[tuple[tuple[int, int], tuple[Box, ...]]] = field(default_factory=list)
    in_phrase: bool = False
    span: tuple[int, int] | None = None  # of the phrase that is open, or was closed just now
    cells: list[list[int | None]] | None = None  # indices of each box; None: no object is open
    has_markup: bool = False

    def add_text(self, text: str) -> None:
        if not text:
            return
        start, words = self.clean.add(text)
        if self.in_phrase and words:
            self.span = (self.span[0] if self.span else start, start + len(words))
        elif words and self.cells is None:
            self.span = None  # words between a phrase and a place part them

    def add_tag(self, name: str, *, closes: bool) -> None:
        if name in _PHRASES:
            self._end_places()
            self.in_phrase = not closes
            if self.in_phrase:
                self.span = None
        elif name in _PLACES:
            self._end_places()
            self.in_phrase = False
            self.cells = None if closes else [[]]
            self.has_markup = True
        elif name in _DELIMITERS and self.cells is not None:
            self.cells.append([])
        elif _INDEX_LIKE.match(name):
            self.has_markup = True
            index = _INDEX.fullmatch(name)
            if self.cells is not None:
                self.cells[-1].append(int(index[1]) if index else None)

    def reading(self) -> Reading:
        self._end_places()
        text = str(self.clean)
        mentions = tuple(Mention(text[slice(*span)], span, boxes) for span, boxes in self.found)
        return Reading(text, mentions, unreadable=self.has_markup and not mentions)

    def _end_places(self) -> None:
        if self.cells is None:
            return
        boxes = []
        for cells in self.cells:
            match cells:
                case [int(upper_left), int(lower_right)]:
                    boxes.append(_box(upper_left, lower_right))
        if boxes:
            self.found.append((self.span or (0, 0), tuple(boxes)))
        self.cells, self.span = None, None


def _without_half_tag(text: str) -> str:
    at = text.rfind("<")
    return text[:at] if at >= 0 and _HALF_WRITTEN.fullmatch(text, at) else text


def _box(upper_left: int, lower_right: int) -> Box:
    """Source: `patch_index_to_coordinate` of processing_kosmos2.py."""
    y1, x1 = divmod(upper_left, CELLS)
    y2, x2 = divmod(lower_right, CELLS)
    if x1 == x2 or y1 == y2:
        return Box.scaled(x1, y1, x2 + 1, y2 + 1, by=(CELLS, CELLS))
    return Box.scaled(x1 + 0.5, y1 + 0.5, x2 + 0.5, y2 + 0.5, by=(CELLS, CELLS))


def _indices(box: Box) -> str:
    """Source: `coordinate_to_patch_index` of processing_kosmos2.py; cells stay on the grid."""
    x1, y1 = (min(math.floor(v * CELLS), CELLS - 1) for v in (box.x1, box.y1))
    x2 = max(x1, math.ceil(box.x2 * CELLS - 1))
    y2 = max(y1, math.ceil(box.y2 * CELLS - 1))
    return "".join(f"<patch_index_{y * CELLS + x:04}>" for x, y in ((x1, y1), (x2, y2)))


class Kosmos2(Family):
    """Its tasks are beginnings of the answer rather than questions."""

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
                region = _indices(request.region or WHOLE_PICTURE)
                return f"<grounding><phrase> It</phrase><object>{region}</object> is"
            case _:
                return ""

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        """Leave out the instruction, which stands at the beginning of a detailed caption."""
        start, end = super()._answer_span(raw, prompt)
        if prompt.answer_prefix.startswith(DETAILED) and raw.startswith(DETAILED):
            start = len(DETAILED)
        return start, max(start, end)


FAMILY = Kosmos2(
    name="kosmos2",
    title="KOSMOS-2",
    model_types=("kosmos-2",),
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
    markup=Markup(read_cells, write_cells, SPACE),
    chat_template="{% for part in messages[-1]['content'] if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endfor %}",
    keep_special_tokens=True,
    end_markers=("</s>",),
    limits=Limits(history="none", chats_without_picture=False),
    control_tokens=(
        *("<s>", "</s>", "<pad>", "<unk>", "<mask>", "</doc>", "</chunk>", "</line>"),
        *("<image>", "</image>", "<phrase>", "</phrase>", "<object>", "</object>"),
        *("</delimiter_of_multi_objects/>", "<grounding>"),
        *(f"<patch_index_{cell:04}>" for cell in range(CELLS * CELLS)),
    ),
)
