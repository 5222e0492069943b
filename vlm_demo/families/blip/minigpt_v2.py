"""MiniGPT-v2: a chat model on Llama-2 that learns its task from a tag in square brackets.

Prompts, tags and markup: demo_v2.py, minigpt4/conversation/conversation.py and
eval_scripts/eval_ref.py of https://github.com/Vision-CAIR/MiniGPT-4 (read at d94738a). It runs
only on that repository's own code. Markup:

    <p>a dog</p> {<12><25><48><88>}<delim>{<50><25><60><88>}

with whole numbers from 0 to 100 over the image. `[refer]` is answered with the braces alone. In
answers that the demo shows, and in text copied from it, angle brackets may be escaped (`&lt;` or a
backslash). The demo takes any four whole numbers for a box; here only numbers in angle brackets
are read, or numbers in braces after a phrase.

Wording: the tags of the demo; a caption as in minigpt4/datasets/datasets/coco_caption.py; detail
as in prompts/alignment.txt.
"""

import html
import re
from collections.abc import Sequence

from vlm_demo.markup.base import Markup, ParsedOutput, parse_numbers
from vlm_demo.markup.coordinate_spaces import N100, CoordinateSpace
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.prompting.family import Family, FamilyLimits
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
_PARTIAL_SIGN = r"\\|&(?:l|lt|g|gt)?"
_PARTIAL_PLACE = re.compile(rf"\{{(?:{_FILLING})*+(?:unk?|u|{_PARTIAL_SIGN})?")
_PARTIAL_TAG = re.compile(rf"{_LEFT}(?:/?\w*/?|-?[0-9]*)(?:{_PARTIAL_SIGN})?|{_PARTIAL_SIGN}")
_SIGN = re.compile(rf"{_LEFT}|{_PARTIAL_SIGN}")
_PARTIAL_LENGTH = 40
"""Characters at the end of an output in which a tag may be incomplete."""

_MARKUP_TAGS = ("p", "delim", "unk", "s", "Img", "ImageHere")


def read_braces(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read `<p>words</p> {<x1><y1><x2><y2>}`; braces with another count of numbers are skipped."""
    body, at = raw[: _partial_start(raw)], 0
    reader = PhraseReader(words_end_phrase=False)  # "<p>a cat</p> is at {...}"
    for item in _ITEM.finditer(body):
        tag, place = item["tag"], item["place"]
        if place and not (_ANGLE.search(place) or reader.awaits_place):
            continue  # numbers in braces, as in a formula
        if tag and tag not in _MARKUP_TAGS and not reader.in_phrase:
            continue
        reader.add_words(_unescape(body[at : item.start()]))
        at = item.end()
        if place:
            _add_place(reader, item, frame, space)
        elif tag == "p" and item["closes"]:
            reader.close_phrase()
        elif tag == "p":
            reader.open_phrase()
    reader.add_words(_unescape(body[at:]))
    reader.builder.has_markup |= raw.startswith("{", len(body))
    return reader.build()


def write_braces(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as `read_braces` reads them."""
    return "<delim>".join(
        _brace(space.to_numbers(bounding_box(region), frame)) for region in regions
    )


def _add_place(
    reader: PhraseReader, item: re.Match[str], frame: Frame, space: CoordinateSpace
) -> None:
    reader.builder.has_markup = True
    values = parse_numbers(_NUMBER.findall(item["place"]))
    if values and len(values) == 4:
        reader.add_place((item.span("place"), values), space.to_box(values, frame))
    elif item["place"].endswith("}") and any(map(str.isdigit, item["place"])):
        reader.builder.is_damaged = True


def _partial_start(raw: str) -> int:
    """Return where an incomplete region or tag at the end begins, or the length of the output."""
    brace = raw.rfind("{")
    if brace >= 0 and _PARTIAL_PLACE.fullmatch(raw, brace):
        return brace
    signs = list(_SIGN.finditer(raw, max(0, len(raw) - _PARTIAL_LENGTH)))[-2:]  # "&lt;p&gt" has two
    halves = (sign.start() for sign in signs if _PARTIAL_TAG.fullmatch(raw, sign.start()))
    return next(halves, len(raw))


def _unescape(words: str) -> str:
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
    model_types={},
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
    markup_signature=r"\{<[0-9]+><[0-9]",
    markup=Markup(read_braces, write_braces, N100, phrase_pattern="<p>{phrase}</p> {places}"),
    region_template="{region}",
    documented_template=DOCUMENTED_TEMPLATE,
    keep_special_tokens=True,
    prefix_separator="",
    end_markers=("</s>",),
    limits=FamilyLimits(chats_without_image=False),
    control_tokens=(
        *("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<Img>", "</Img>", "<ImageHere>"),
        *("[vqa]", "[caption]", "[grounding]", "[refer]", "[detection]", "[identify]"),
    ),
)
