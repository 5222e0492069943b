"""PaddleOCR-VL: reads text, tables, formulas and charts; from 1.5 on it says where each line is.

    Exit<|LOC_119|><|LOC_66|><|LOC_172|><|LOC_66|><|LOC_172|><|LOC_81|><|LOC_119|><|LOC_81|>

Eight tokens after a line are the four corners of its quadrilateral, x and y in turn, clockwise from
the upper left one, in thousandths of the picture (outputs in issue 17637 of
https://github.com/PaddlePaddle/PaddleOCR; `post_process_for_spotting` of paddlex as two ports of it
show it). The same function knows a second form, which is read too:

    <|TEXT_START|>Exit<|TEXT_END|><|LOC_BEGIN|><|LOC_119|>...<|LOC_END|>

Unverified: no primary source could be read that says what the tokens count.

Prompts: docs/source/en/model_doc/paddleocr_vl.md of https://github.com/huggingface/transformers
("OCR:" and three more, which name no places), and the card of PaddlePaddle/PaddleOCR-VL-1.5 on
https://huggingface.co for "Spotting:" and "Seal Recognition:"; any of them can be typed in a chat.
The card enlarges pictures for spotting that have less than 1500 pixels on both sides. Template:
swift/template/templates/baidu.py of https://github.com/modelscope/ms-swift (August 2026).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from PIL.Image import Image, Resampling

from vlm_demo.markup.base import Markup, ParsedOutput, Span, parse_number
from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.family_spec import leave_unchanged
from vlm_demo.values import Frame, Polygon, Region, Sampling, Task, bounding_box

SMALL = 1500
"""Pictures with less pixels than this on both sides are enlarged to twice their sides."""

CORNER_NUMBERS = 8
"""Numbers of a quadrilateral."""

_TAG = re.compile(r"<\|(?P<name>TEXT_START|TEXT_END|LOC_\w*|\w+)\|>", re.IGNORECASE | re.ASCII)
_PARTIAL_TAG = re.compile(r"<(?:\|\w*\|?)?", re.ASCII)
_NUMBER = re.compile(r"LOC_(?P<number>\w+)", re.IGNORECASE | re.ASCII)
_DELIMITERS = frozenset({"LOC_BEGIN", "LOC_END"})


def read_quadrilaterals(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read lines with their corners; a run of another count than eight is left out."""
    at = raw.rfind("<")
    end = at if at >= 0 and _PARTIAL_TAG.fullmatch(raw, at) else len(raw)
    return _SpottingReader(raw[:end], frame, space).read()


def write_quadrilaterals(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as quadrilaterals."""
    return "".join(
        f"<|LOC_{round(number)}|>"
        for region in regions
        for number in _corners(region, frame, space)
    )


def _corners(region: Region, frame: Frame, space: CoordinateSpace) -> Sequence[float]:
    if isinstance(region, Polygon) and len(region.points) * 2 == CORNER_NUMBERS:
        return space.to_numbers(region, frame)
    x1, y1, x2, y2 = space.to_numbers(bounding_box(region), frame)
    return (x1, y1, x2, y1, x2, y2, x1, y2)


class _SpottingReader:
    """Reads an output in one pass."""

    def __init__(self, body: str, frame: Frame, space: CoordinateSpace) -> None:
        self._body, self._frame, self._space = body, frame, space
        self._reader = PhraseReader()
        self._run: list[tuple[Span, float | None]] = []  # of location tags, not read yet
        self._is_delimited = False
        self._is_after_run = False

    def read(self) -> ParsedOutput:
        at = 0
        for tag in _TAG.finditer(self._body):
            self._add_words(self._body[at : tag.start()], is_last=False)
            self._add_tag(tag)
            at = tag.end()
        self._add_words(self._body[at:], is_last=True)
        self._end_run()
        return self._reader.build()

    def _add_words(self, words: str, *, is_last: bool) -> None:
        """Add words; those of the last line before tags are the phrase."""
        if not words.strip():
            self._reader.add_words(words)
            return
        self._end_run()
        if self._is_after_run:
            self._reader.add_words("\n")
            self._is_after_run = False
        if self._is_delimited or is_last:
            self._reader.add_words(words)
            return
        line = words.rstrip().rfind("\n") + 1
        self._reader.add_words(words[:line])
        self._reader.open_phrase()
        self._reader.add_words(words[line:])
        self._reader.close_phrase()

    def _add_tag(self, tag: re.Match[str]) -> None:
        name = tag["name"].upper()
        if name == "TEXT_START":
            self._end_run()
            if not self._reader.builder.is_empty:
                self._reader.add_words("\n")
            self._reader.open_phrase()
            self._is_delimited = True
        elif name == "TEXT_END":
            self._reader.close_phrase()
            self._is_delimited = False
        elif name in _DELIMITERS:
            self._end_run()
            self._reader.close_phrase()
            self._is_delimited = False
        elif number := _NUMBER.fullmatch(name):
            self._reader.builder.has_markup = True
            self._run.append((tag.span(), parse_number(number["number"])))

    def _end_run(self) -> None:
        """Read the location tags that follow each other: eight for each place, or none counts."""
        run, self._run = self._run, []
        self._is_after_run |= bool(run)
        numbers = [number for _, number in run if number is not None]
        if not run or len(numbers) != len(run) or len(run) % CORNER_NUMBERS:
            return
        for first in range(0, len(run), CORNER_NUMBERS):
            corners = tuple(numbers[first : first + CORNER_NUMBERS])
            span = (run[first][0][0], run[first + CORNER_NUMBERS - 1][0][1])
            self._reader.add_place((span, corners), self._space.to_polygon(corners, self._frame))


def enlarge(image: Image) -> Image:
    """Enlarge a small picture to twice its sides, as the card does before spotting."""
    if max(image.size) >= SMALL:
        return image
    return image.resize((image.width * 2, image.height * 2), Resampling.LANCZOS)


def _template(beginning: str) -> str:
    return (
        "<|begin_of_sentence|>{% for message in messages %}{% if message['role'] == 'user' %}User: "
        "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
        "'<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>' }}{% endfor %}"
        f"{{{{ '\nAssistant:{beginning}' }}}}"
        "{% else %}{{ message['content'][-1]['text'] ~ '<|end_of_sentence|>' }}{% endif %}"
        "{% endfor %}"
    )


FAMILY = Family(
    name="paddleocr_vl",
    title="PaddleOCR-VL",
    model_types={"paddleocr_vl": ONE_AT_A_TIME},
    checkpoints=("PaddlePaddle/PaddleOCR-VL-1.5", "PaddlePaddle/PaddleOCR-VL-1.6"),
    instructions={Task.CHAT: "{text}", Task.READ: "Spotting:"},
    markup=Markup(read_quadrilaterals, write_quadrilaterals, N1000),
    markup_signature=r"<\|LOC_[0-9]",
    prepare_image=enlarge,
    documented_template=_template("\\n"),
    keep_special_tokens=True,
    end_markers=("</s>", "<|end_of_sentence|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=2048),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("<|begin_of_sentence|>", "<|end_of_sentence|>", "<s>", "</s>", "<unk>", "<pad>"),
        *("<|IMAGE_START|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_END|>", "<|LOC_BEGIN|>"),
        *("<|LOC_END|>", "<|TEXT_START|>", "<|TEXT_END|>", "<mask:1>", "<mask:7>"),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="paddleocr_vl_1",
        title="PaddleOCR-VL 1.0",
        checkpoints=("PaddlePaddle/PaddleOCR-VL",),
        instructions={Task.CHAT: "{text}", Task.READ: "OCR:"},
        markup=None,
        prepare_image=leave_unchanged,
        documented_template=_template(" "),
        keep_special_tokens=False,
    ),
)
