"""LLaVA-1.5: a chat model that writes places as bare fractions, `[x1, y1, x2, y2]`.

Prompt: `llava_v1` of https://github.com/haotian-liu/LLaVA/blob/main/llava/conversation.py (read at
c121f04), without its system sentence, as the cards of llava-hf/llava-1.5-7b-hf and -13b-hf on
https://huggingface.co ask. The template stands here because the Hub's own leaves out the `</s>`
that closed every answer in training.

Wording: "Answer the question using a single word or phrase." is LLaVA's own for short answers
(docs/Evaluation.md); those for places are the training data's (RefCOCO and Visual Genome parts of
llava_v1_5_mix665k). GROUNDED_CAPTION is ours: the real checkpoints were not trained on it.

Contested: what the fractions refer to. For Visual Genome data it is the picture padded to a square
(LLaVA issue #606, example in #623); for RefCOCO issue #822 disputes it. The padded square is taken
here. Square pictures come out the same either way.

The output names no phrase, so the words before the bracket are taken (a heuristic), else the
user's own.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import ImageOps
from PIL.Image import Image, Resampling

from vlm_demo.families.base import Family
from vlm_demo.families.clean_text import CleanText
from vlm_demo.families.markup import Markup, Reading
from vlm_demo.families.spaces import SQUARE, Space
from vlm_demo.types import Frame, Mention, Region, Task, outer_box

CLIP_MEAN = (122, 116, 104)
"""Mean colour of CLIP's training pictures; LLaVA pads with it."""

MAX_SIDE = 2048
"""Far above what the vision towers see; keeps the square of a very long picture small."""

OVERSHOOT = 1.0
"""How far beyond the picture, in fractions, a number may lie to be clipped, not refused."""

MAX_PHRASE = 200
"""Characters before a bracket in which its phrase is looked for."""


def pad_to_square(image: Image) -> Image:
    """Centre the picture on a square of the CLIP mean colour."""
    image = image.convert("RGB")
    if max(image.size) > MAX_SIDE:
        factor = MAX_SIDE / max(image.size)
        width, height = (max(1, round(side * factor)) for side in image.size)
        image = image.resize((width, height), Resampling.BICUBIC)
    side = max(image.size)
    return ImageOps.pad(image, (side, side), color=CLIP_MEAN)


def read_brackets(raw: str, frame: Frame, space: Space) -> Reading:
    """Read `[x1, y1, x2, y2]`; several in a row, joined by commas or "and", are one mention.

    A place is four numbers, not whole numbers only (but `[0, 0, 1, 1]`), and none far beyond
    the picture. Other brackets of several numbers with a decimal point are places gone wrong:
    they are left out of the text and not read. Whole numbers, as in "[1]" or "[1, 2, 3, 4]",
    are footnotes and lists, and stay.
    """
    body, cut_off = _without_cut_off(raw)
    clean, found, at, damaged = CleanText(), [], 0, "." in cut_off
    for group in _groups(body):
        words = body[at : group.start]
        if _clause_ends(body, group.end):
            words = words.rstrip().rstrip(_COLONS)  # "it is here: [...]"
        start, words = clean.add(words if at == 0 or len(clean) else words.lstrip(_STRAY))
        if group.boxes:
            first, last = _phrase(words, follows_places=at > 0)
            span = (start + first, start + last) if last > first else (0, 0)
            found.append((span, tuple(space.box(numbers, frame) for numbers in group.boxes)))
        damaged = damaged or group.damaged
        at = group.end
    rest = body[at:]
    if at and (not len(clean) or (cut_off and _JOINT.fullmatch(rest))):
        rest = rest.lstrip(_STRAY) if not cut_off else _JOINT.sub("", rest, count=1)
    clean.add(rest)
    text = str(clean)
    mentions = tuple(Mention(text[slice(*span)], span, boxes) for span, boxes in found)
    return Reading(text, mentions, unreadable=damaged and not mentions)


def write_brackets(regions: Sequence[Region], frame: Frame, space: Space) -> str:
    """Write the places of one phrase as `read_brackets` reads them, with two decimals."""
    return ", ".join(_bracket(space.numbers(outer_box(region), frame)) for region in regions)


_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_ITEM = re.compile(rf"{_NUMBER}|nan|[+-]?inf(?:inity)?|null|none", re.IGNORECASE)
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_SEPARATOR = re.compile(r"[\s,;]+")
_HALF_WRITTEN = re.compile(r"\[[\s0-9.,;+eE-]*")
_JOINT = re.compile(r"[\s,;、]*(?:(?:and|or|と|や)(?![a-z]))?\s*")
_STRAY = " \t\n,;:.、。"  # left over where an answer begins with places
_COLONS = ":\N{FULLWIDTH COLON}"
_CLAUSE_END = re.compile(r"[.!?](?=\s)|[,;\n。、\uff01\uff1f]")
_PAIRS = {"(": ")", "[": "]"}

_LEAD = re.compile(
    r"(?:(?:and|or|but|then|also|plus|while|with|(?:the|this) (?:image|picture|photo|scene)"
    r" (?:shows|features|contains|has|depicts)|(?:i|we|you) (?:can )?see"
    r"|there (?:is|are|was|were))\b|と|や|・)\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:\s+(?:is|are|was|were|can be))?(?:\s+(?:located|found|seen|shown))?"
    r"(?:\s+(?:here|there|at|in|within))?\s*\Z"
    r"|は(?:ここ|こちら)(?:に(?:あります|います)|です)?\s*\Z",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"\b(?:an?|the|one|two|three|four|five|some|another|this|that|these|those|his|her|its|their)\s",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Group:
    """Brackets that belong to the same phrase, and where they stand in the output."""

    start: int
    end: int
    boxes: tuple[tuple[float, ...], ...]
    damaged: bool


def _groups(body: str) -> Iterator[_Group]:
    """Find brackets of numbers and join those with nothing but a joint between them."""
    joined: list[tuple[int, int, tuple[float, ...] | None]] = []  # start, end, numbers
    for match in _BRACKET.finditer(body):
        items = [item for item in _SEPARATOR.split(match[1]) if item]
        if not _is_markup(items):
            continue
        if joined and not _JOINT.fullmatch(body, joined[-1][1], match.start()):
            yield _group(joined, body)
            joined = []
        joined.append((match.start(), match.end(), _numbers(items)))
    if joined:
        yield _group(joined, body)


def _group(joined: Sequence[tuple[int, int, tuple[float, ...] | None]], body: str) -> _Group:
    boxes = tuple(numbers for _, _, numbers in joined if numbers)
    group = _Group(joined[0][0], joined[-1][1], boxes, damaged=len(boxes) < len(joined))
    return _enclosed(group, body)


def _is_markup(items: Sequence[str]) -> bool:
    """Whether the items of a bracket are numbers, and look like fractions."""
    if len(items) < 2 or not all(_ITEM.fullmatch(item) for item in items):
        return False
    return tuple(items) == ("0", "0", "1", "1") or any("." in item for item in items)


def _numbers(items: Sequence[str]) -> tuple[float, ...] | None:
    """Return the four numbers of a box, or None."""
    if len(items) != 4 or any(item[-1].isalpha() for item in items):
        return None
    numbers = tuple(map(float, items))
    inside = all(-OVERSHOOT <= number <= 1 + OVERSHOOT for number in numbers)
    return numbers if inside and all(map(math.isfinite, numbers)) else None


def _enclosed(group: _Group, body: str) -> _Group:
    """Take brackets or parentheses around a group for part of it: `[[...], [...]]`, `([...])`."""
    before = body[max(0, group.start - 4) : group.start].rstrip()
    after = body[group.end : group.end + 4]
    closer = _PAIRS.get(before[-1:])
    if closer is None or after.strip()[:1] not in ("", closer):
        return group
    start = body.rindex(before[-1], 0, group.start)
    end = group.end + after.index(closer) + 1 if closer in after else group.end
    return replace(group, start=start, end=end)


def _without_cut_off(raw: str) -> tuple[str, str]:
    """Split off a bracket of numbers that is only half written."""
    at = raw.rfind("[")
    if at < 0 or not _HALF_WRITTEN.fullmatch(raw, at):
        return raw, ""
    body = raw[:at]
    if body.rstrip()[-1:] in _PAIRS:
        body = body.rstrip()[:-1]
    return body, raw[at:]


def _clause_ends(body: str, at: int) -> bool:
    following = body[at : at + 8].lstrip()[:1]
    return following in ("", ".", ",", ";", "!", "?", "。", "、")


def _phrase(words: str, *, follows_places: bool) -> tuple[int, int]:
    """Find, in the words before a bracket, those that name what it encloses: start and end.

    They are the last clause, without "and", "there is" before and "is here" behind them.
    Words that go on after an earlier bracket ("... is holding a cup") begin at their article.
    """
    end = len(words.rstrip(_STRAY + _COLONS))
    start = max(0, end - MAX_PHRASE)
    for match in _CLAUSE_END.finditer(words, start, end):
        start = match.end()
    if tail := _TAIL.search(words, start, end):
        end = tail.start()
    while start < end and (words[start].isspace() or _LEAD.match(words, start, end)):
        lead = _LEAD.match(words, start, end)
        start = lead.end() if lead else start + 1
    article = _DETERMINER.search(words, start, end) if follows_places else None
    return (article.start() if article else start), end


def _bracket(numbers: Sequence[float]) -> str:
    return "[" + ", ".join(f"{number:.2f}" for number in numbers) + "]"


CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: "
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{% elif message['role'] == 'assistant' %} ASSISTANT: "
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] | trim }}"
    "{% endfor %}</s>"
    "{% else %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)

FAMILY = Family(
    name="llava15",
    title="LLaVA-1.5",
    model_types=("llava",),
    checkpoints=("llava-hf/llava-1.5-7b-hf", "llava-hf/llava-1.5-13b-hf"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Provide a one-sentence caption for the provided image.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.GROUNDED_CAPTION: "Describe this image and give the bounding box coordinates of "
        "everything you mention.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
        "describes: {text}",
        Task.DESCRIBE_REGION: "Please provide a short description for this region: {region}",
    },
    markup=Markup(read_brackets, write_brackets, SQUARE),
    prepare_image=pad_to_square,
    chat_template=CHAT_TEMPLATE,
    end_markers=("</s>",),
    answer_label="ASSISTANT:",
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>"),
)
