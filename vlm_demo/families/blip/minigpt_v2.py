"""MiniGPT-v2: a chat model on Llama-2 that is told its task by a tag in square brackets.

Prompts, tags and markup: demo_v2.py, minigpt4/conversation/conversation.py and
eval_scripts/eval_ref.py of https://github.com/Vision-CAIR/MiniGPT-4 (read at d94738a). It runs
with that repository's own code only. Markup:

    <p>a dog</p> {<12><25><48><88>}<delim>{<50><25><60><88>}

with whole numbers from 0 to 100 over the picture. `[refer]` is answered with the braces alone. As
the demo shows answers, their angle brackets may be escaped (`&lt;` or a backslash), also in text
that is pasted. Unlike the demo, which takes any four whole numbers for a box, only numbers with
angle brackets are read, or in braces behind a phrase.

Wording: the tags of the demo; a caption as in minigpt4/datasets/datasets/coco_caption.py; detail
as in prompts/alignment.txt.
"""

import html
import re
from collections.abc import Sequence

from vlm_demo.markup.base import Markup, Reading, numbers
from vlm_demo.markup.coordinate_spaces import N100, CoordinateSpace
from vlm_demo.markup.tags import PhraseReader
from vlm_demo.prompting.family import Family, Limits
from vlm_demo.values import Frame, Region, Task, bounding_box

_LEFT, _RIGHT = r"(?:<|\\<|&lt;)", r"(?:>|\\>|&gt;)"
_FILLING = rf"[\s0-9.,;+-]|{_LEFT}(?:unk)?|{_RIGHT}"
_SIGNED = rf"{_LEFT}-?[0-9]+{_RIGHT}"
_ITEM = re.compile(
    rf"{_LEFT}(?P<closes>/?)(?P<tag>[A-Za-z]\w*)/?{_RIGHT}"
    rf"|(?P<place>\{{(?:{_FILLING})*+\}}|(?:\{{\s*+)?{_SIGNED}(?:\s*+{_SIGNED})*+)"
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ANGLE = re.compile(rf"{_LEFT}|{_RIGHT}")
_HALF_SIGN = r"\\|&(?:l|lt|g|gt)?"
_HALF_PLACE = re.compile(rf"\{{(?:{_FILLING})*+(?:unk?|u|{_HALF_SIGN})?")
_HALF_TAG = re.compile(rf"{_LEFT}(?:/?\w*/?|-?[0-9]*)(?:{_HALF_SIGN})?|{_HALF_SIGN}")
_SIGN = re.compile(rf"{_LEFT}|{_HALF_SIGN}")
_HALF_LENGTH = 40
"""Characters at the end of an output among which a tag may be half written."""

_MARKUP_TAGS = ("p", "delim", "unk", "s", "Img", "ImageHere")


def read_braces(raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
    """Read `<p>words</p> {<x1><y1><x2><y2>}`; braces with another count of numbers are skipped."""
    body, at = raw[: _half_written_at(raw)], 0
    reader = PhraseReader(parted_by_words=False)  # "<p>a cat</p> is at {...}"
    for item in _ITEM.finditer(body):
        tag, place = item["tag"], item["place"]
        if place and not (_ANGLE.search(place) or reader.awaits_place):
            continue  # numbers in braces, as in a formula
        if tag and tag not in _MARKUP_TAGS and not reader.in_phrase:
            continue
        reader.add_words(_unescaped(body[at : item.start()]))
        at = item.end()
        if place:
            _add_place(reader, item, frame, space)
        elif tag == "p" and item["closes"]:
            reader.close_phrase()
        elif tag == "p":
            reader.open_phrase()
    reader.add_words(_unescaped(body[at:]))
    reader.built.has_markup |= raw.startswith("{", len(body))
    return reader.reading()


def write_braces(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the places of one phrase."""
    return "<delim>".join(_brace(space.numbers(bounding_box(region), frame)) for region in regions)


def _add_place(
    reader: PhraseReader, item: re.Match[str], frame: Frame, space: CoordinateSpace
) -> None:
    reader.built.has_markup = True
    values = numbers(_NUMBER.findall(item["place"]))
    if values and len(values) == 4:
        reader.add_place((item.span("place"), values), space.box(values, frame))


def _half_written_at(raw: str) -> int:
    """Return where a place or a tag begins that is only half written at the end, or the end."""
    brace = raw.rfind("{")
    if brace >= 0 and _HALF_PLACE.fullmatch(raw, brace):
        return brace
    signs = list(_SIGN.finditer(raw, max(0, len(raw) - _HALF_LENGTH)))[-2:]  # "&lt;p&gt" has two
    halves = (sign.start() for sign in signs if _HALF_TAG.fullmatch(raw, sign.start()))
    return next(halves, len(raw))


def _unescaped(words: str) -> str:
    return html.unescape(words).replace("\\<", "<").replace("\\>", ">")


def _brace(values: Sequence[float]) -> str:
    return "{" + "".join(f"<{round(value)}>" for value in values) + "}"


DOCUMENTED_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<s>[INST] ' }}{% endif %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<Img><ImageHere></Img> ' }}"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{% if message['role'] == 'user' %}{{ ' [/INST]' }}{% endif %}"
    "{% endfor %}"
)

FAMILY = Family(
    name="minigpt_v2",
    title="MiniGPT-v2",
    model_types=(),
    checkpoints=(),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "[caption] Briefly describe this image.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.GROUNDED_CAPTION: "[grounding] describe this image in detail",
        Task.VQA: "[vqa] {text}",
        Task.GROUNDING: "[refer] give me the location of {text}",
        Task.DETECT: "[detection] {text}",
        Task.DESCRIBE_REGION: "[identify] what is this {region}",
    },
    markup=Markup(read_braces, write_braces, N100),
    region_template="{region}",
    documented_template=DOCUMENTED_TEMPLATE,
    keep_special_tokens=True,
    prefix_separator="",
    end_markers=("</s>",),
    limits=Limits(chats_without_picture=False),
    control_tokens=(
        *("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<Img>", "</Img>", "<ImageHere>"),
        *("[vqa]", "[caption]", "[grounding]", "[refer]", "[detection]", "[identify]"),
    ),
)
