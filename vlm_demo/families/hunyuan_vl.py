"""HunyuanOCR: reads text in pictures and says where each piece of it is.

    EXIT(100,200),(300,400)
    Price (USD) 5(10,20),(30,40)

Two corners follow each piece of text, in thousandths of the picture (`process_spotting_response` in
Hunyuan-OCR-master/utils.py of https://github.com/Tencent-Hunyuan/HunyuanOCR, read at b138959). Text
with brackets of its own breaks the expression there; here the corners are two pairs of numbers with
a comma between, and the phrase is what stands before them on the line.

Prompts: README.md there, in English; other tasks of its table can be typed in a chat. It names no
wording for captions. Template: swift/template/templates/tencent.py of
https://github.com/modelscope/ms-swift (August 2026): the end of a question follows its words.
"""

import re
from collections.abc import Sequence

from vlm_demo.markup.base import NUMBER_PATTERN, Markup, ParsedOutput, parse_numbers
from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.markup.tags import UNTAGGED_PAIRS
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Frame, Region, Sampling, Task, bounding_box

_PAIR = rf"\(\s*({NUMBER_PATTERN})\s*,\s*({NUMBER_PATTERN})\s*\)"
_CORNERS = re.compile(rf"{_PAIR}\s*,\s*{_PAIR}(?P<more>(?:\s*,\s*{_PAIR})*)")
_PARTIAL_LENGTH = 80
"""Characters at the end of an output in which corners may be incomplete."""


def read_corners(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read pieces of text with the corners after each; another number of corners is left out."""
    reader, at = PhraseReader(), 0
    for corners in _CORNERS.finditer(raw):
        _add_piece(reader, raw[at : corners.start()])
        reader.builder.has_markup = True
        numbers = parse_numbers(corners.groups()[:4])
        if numbers and not corners["more"]:
            reader.add_place((corners.span(), numbers), space.to_box(numbers, frame))
        at = corners.end()
    rest = raw[at:]
    half = UNTAGGED_PAIRS.partial.search(rest, max(0, len(rest) - _PARTIAL_LENGTH))
    reader.add_words(rest[: half.start()] if half else rest)
    return reader.build()


def write_corners(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as two corners each."""
    return "".join(_corners(space.to_numbers(bounding_box(region), frame)) for region in regions)


def _add_piece(reader: PhraseReader, words: str) -> None:
    """Add the words before corners: those of their line are the phrase."""
    if not words.strip():
        reader.add_words(words)
        return
    line = words.rstrip().rfind("\n") + 1
    if reader.awaits_place:
        reader.add_words("\n")
    reader.add_words(words[:line])
    reader.open_phrase()
    reader.add_words(words[line:])
    reader.close_phrase()


def _corners(numbers: Sequence[float]) -> str:
    x1, y1, x2, y2 = map(round, numbers)
    return f"({x1},{y1}),({x2},{y2})"


_BAR = "\N{FULLWIDTH VERTICAL LINE}"


def _token(name: str) -> str:
    return f"<{_BAR}hy_{name}{_BAR}>"


_BEGIN, _USER, _ASSISTANT = (_token(name) for name in ("begin▁of▁sentence", "User", "Assistant"))
_SYSTEM, _IMAGE_START, _IMAGE_END, _IMAGE = (
    _token(f"place▁holder▁no▁{number}") for number in (3, 100, 101, 102)
)

TEMPLATE = (
    _BEGIN + "{% for message in messages %}{% for part in message['content'] %}"
    "{{ part['text'] if part['type'] == 'text' else '"
    + _IMAGE_START + _IMAGE + _IMAGE_END
    + "' }}{% endfor %}{% if message['role'] == 'system' %}" + _SYSTEM
    + "{% elif message['role'] == 'user' %}" + _USER
    + "{% else %}" + _ASSISTANT + _BEGIN + "{% endif %}{% endfor %}"
)  # fmt: skip

FAMILY = Family(
    name="hunyuan_vl",
    title="HunyuanOCR",
    model_types={"hunyuan_vl": ONE_AT_A_TIME},
    checkpoints=("tencent/HunyuanOCR",),
    instructions={
        Task.CHAT: "{text}",
        Task.READ: "Detect and recognize text in the image, and output the text coordinates in a "
        "formatted manner.",
    },
    markup=Markup(read_corners, write_corners, N1000),
    documented_template=TEMPLATE,
    end_markers=(_ASSISTANT, _token("end▁of▁sentence")),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096, repetition_penalty=1.03),
    limits=FamilyLimits(chats_without_image=False),
    control_tokens=(
        *(_BEGIN, _USER, _ASSISTANT, _SYSTEM, _IMAGE_START, _IMAGE_END, _IMAGE),
        *(_token("end▁of▁sentence"), _token("pad"), "<image>"),
    ),
)
