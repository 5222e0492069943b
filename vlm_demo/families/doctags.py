"""Granite-Docling and SmolDocling: convert pages of documents into DocTags, which say where all is.

    <doctag><text><loc_52><loc_40><loc_210><loc_60>Words</text>
    <picture><loc_10><loc_70><loc_490><loc_200><caption>More words</caption></picture></doctag>

Four `<loc_N>` (`<loc_N/>` in newer sets) are a box: x0, y0, x1, y1 in 500ths of the page, from 0 to
499 (`get_location` in docling_core/types/doc/tokens.py of
https://github.com/docling-project/docling-core, read at b7a4298b). An element that continues
elsewhere has several boxes, one after the other. Its phrase is its words; a picture without any is
called by its tag. Cells of tables (`<fcel>`, `<nl>`, the rest of OTSL in the same file) become rows
of words with "|" between them. In `<code>`, tags are words.

Instructions: table "Supported Instructions" of the card of ibm-granite/granite-docling-258M on
https://huggingface.co, and table 6 of https://arxiv.org/abs/2503.11576; the two for finding
elements are made of its examples ("Detect footer elements on the page."). The checkpoints were made
for documents: they have no captions.

Templates: chat_template.json of the checkpoints, as far as published requests show it. SmolDocling
and the first Granite-Docling name Idefics3 as their `model_type`, so their ids lead here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.families.huggingface.idefics3 import FAMILY as IDEFICS3
from vlm_demo.markup.base import (
    NOWHERE,
    Markup,
    ParsedOutput,
    ParsedOutputBuilder,
    Span,
    parse_number,
)
from vlm_demo.markup.coordinate_spaces import N500, CoordinateSpace
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Frame, Region, Sampling, Task, bounding_box

LAST = 499
"""The largest number that is written."""

ELEMENTS = frozenset(
    {
        *("doctag", "document", "title", "text", "paragraph", "inline", "code", "formula"),
        *("otsl", "table", "chart", "picture", "caption", "footnote", "reference", "group"),
        *("page_header", "page_footer", "page_break", "document_index", "smiles", "marker"),
        *("unordered_list", "ordered_list", "list_item", "list", "form", "handwritten_text"),
        *("key_value_region", "empty_value", "key", "value", "section_header", "facets"),
        *("checkbox_selected", "checkbox_unselected", "grading_scale"),
        *(f"section_header_level_{level}" for level in range(1, 7)),
    }
)
"""Names of elements (`DocumentToken` in tokens.py), which may have a number behind them, as in
`<key_0>`; other tags are words."""

_CELLS = frozenset({"fcel", "ecel", "ched", "rhed", "srow"})
_MERGED_CELLS = frozenset({"lcel", "ucel", "xcel"})
_TAG = re.compile(r"<(?P<closes>/?)(?P<name>[A-Za-z][\w.+-]*|_[^<>\n]{1,30}_)\s*/?>", re.ASCII)
_SERIAL_NUMBER = re.compile(r"_[0-9]+\Z")
_LOCATION = re.compile(r"loc_(?P<number>.*)", re.IGNORECASE)
_PARTIAL_TAG = re.compile(r"<(?:/?(?:[A-Za-z_][\w.+-]*\s*/?)?)", re.ASCII)


def read_doctags(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read the elements; those that are not closed end with the output."""
    at = raw.rfind("<")
    end = at if at >= 0 and _PARTIAL_TAG.fullmatch(raw, at) else len(raw)
    return _DocTagsReader(raw[:end], frame, space).read()


def write_locations(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes, four tags each."""
    return "".join(
        f"<loc_{min(round(number), LAST)}>"
        for region in regions
        for number in space.to_numbers(bounding_box(region), frame)
    )


@dataclass(slots=True)
class _Element:
    """An element of the output; one without a name holds what stands outside all elements."""

    name: str
    span: Span = NOWHERE
    """Where its words stand in the text."""

    regions: list[Region] = field(default_factory=list)

    def add_words(self, span: Span) -> None:
        """Add the place of some words in the text."""
        if span != NOWHERE:
            self.span = (self.span[0], span[1]) if self.span != NOWHERE else span


class _DocTagsReader:
    """Reads an output in one pass."""

    def __init__(self, body: str, frame: Frame, space: CoordinateSpace) -> None:
        self._body, self._frame, self._space = body, frame, space
        self._builder = ParsedOutputBuilder()
        self._open = [_Element("")]
        self._all = [self._open[0]]
        self._open_names: dict[str, int] = {}
        self._run: list[tuple[Span, float | None]] = []  # of location tags, not read yet
        self._is_in_row = False
        self._has_new_cell = False  # whose words are still to come

    def read(self) -> ParsedOutput:
        at = 0
        for tag in _TAG.finditer(self._body):
            self._add_words(self._body[at : tag.start()])
            self._add_tag(tag)
            at = tag.end()
        self._add_words(self._body[at:])
        self._end_run()
        while len(self._open) > 1:
            self._close()
        for element in self._all:
            name = element.name if element.span == NOWHERE else ""
            self._builder.add_mention(element.regions, span=element.span, phrase=name)
        return self._builder.build()

    def _add_words(self, words: str) -> None:
        if words.strip():
            self._end_run()
            self._end_cell(" | ")
        self._open[-1].add_words(self._builder.add_text(words))

    def _add_tag(self, tag: re.Match[str]) -> None:
        name = tag["name"].lower()
        if location := _LOCATION.fullmatch(name):
            self._builder.has_markup = True
            self._run.append((tag.span(), parse_number(location["number"])))
            return
        self._end_run()
        closes = bool(tag["closes"])
        if self._open[-1].name == "code" and not (closes and name == "code"):
            if not name.startswith("_"):  # which names a programming language
                self._add_words(tag[0])
        elif _SERIAL_NUMBER.sub("", name) in ELEMENTS or name in ELEMENTS:
            self._close_all(name) if closes else self._begin(name)
        elif name in _CELLS:
            self._end_cell(" |")
            self._has_new_cell = self._is_in_row
            self._is_in_row = True
        elif name == "nl":
            self._end_row()
        elif not self._is_markup(name):
            self._add_words(tag[0])

    def _is_markup(self, name: str) -> bool:
        """Whether another tag is left out: a merged cell, a language, or what a picture shows."""
        return name in _MERGED_CELLS or name.startswith("_") or self._open[-1].name in _CLASSIFIED

    def _begin(self, name: str) -> None:
        self._end_row()
        if name == "page_break":
            return
        self._open.append(_Element(name))
        self._all.append(self._open[-1])
        self._open_names[name] = self._open_names.get(name, 0) + 1

    def _close_all(self, name: str) -> None:
        """Close the innermost element of this name and those in it, if one is open."""
        if not self._open_names.get(name):
            return
        while self._close() != name:
            pass

    def _close(self) -> str:
        """Close the innermost element; its words are its parent's, too, if it is nowhere."""
        element = self._open.pop()
        self._open_names[element.name] -= 1
        if not element.regions:
            self._open[-1].add_words(element.span)
        self._end_row()
        return element.name

    def _end_cell(self, separator: str) -> None:
        """Write what stands between a cell and the one before it."""
        if self._has_new_cell:
            self._has_new_cell = False
            self._open[-1].add_words(self._builder.add_text(separator))

    def _end_row(self) -> None:
        self._end_cell(" |")
        self._is_in_row = False
        if not self._builder.is_empty:
            self._builder.add_text("\n")

    def _end_run(self) -> None:
        """Read the location tags that follow each other: four for each box, or none counts."""
        run, self._run = self._run, []
        numbers = [number for _, number in run if number is not None]
        if not run or len(numbers) != len(run) or len(run) % 4:
            return
        for first in range(0, len(run), 4):
            box = tuple(numbers[first : first + 4])
            span = (run[first][0][0], run[first + 3][0][1])
            region = self._space.to_box(box, self._frame)
            self._open[-1].regions.append(self._builder.add_parsed_place(span, box, region))


_CLASSIFIED = frozenset({"picture", "chart"})
"""Elements in which a tag may say what they show, such as `<pie_chart>`."""

TEMPLATE = (
    "{% for message in messages %}<|start_of_role|>{{ message['role'] }}<|end_of_role|>"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<|end_of_text|>\n' }}{% endfor %}<|start_of_role|>assistant<|end_of_role|>"
)

SMOLDOCLING_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{{ ' ' if message['content'][0]['type'] == 'text' }}"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<end_of_utterance>\n' }}{% endfor %}Assistant:"
)

FAMILY = Family(
    name="doctags",
    title="Granite-Docling",
    model_types={"granite_docling": ONE_AT_A_TIME, **IDEFICS3.model_types},
    checkpoints=("ibm-granite/granite-docling-258M",),
    instructions={
        Task.CHAT: "{text}",
        Task.GROUNDING: "Detect {text} elements on the page.",
        Task.DETECT: "Find all '{text}' elements on the page.",
        Task.DESCRIBE_REGION: "OCR the text in a specific location: {region}",
        Task.READ: "Convert this page to docling.",
    },
    markup=Markup(read_doctags, write_locations, N500),
    markup_signature=r"</?doctag>",
    region_template="{region}",
    documented_template=TEMPLATE,
    keep_special_tokens=True,
    markup_tokens=("<doctag>", "</doctag>"),
    end_markers=("<|end_of_text|>", "<end_of_utterance>", "<|im_end|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("<image>", "<fake_token_around_image>", "<global-img>", "<|end_of_text|>"),
        *("<|start_of_role|>", "<|end_of_role|>", "<end_of_utterance>", "<|im_start|>"),
        *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="smoldocling",
        title="SmolDocling",
        model_types=IDEFICS3.model_types,
        checkpoints=("docling-project/SmolDocling-256M-preview",),
        documented_template=SMOLDOCLING_TEMPLATE,
    ),
)
