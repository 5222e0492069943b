"""Molmo and Molmo 2: chat models that point.

Notations: https://github.com/allenai/molmo2, olmo/preprocessing/point_formatter.py and its tests.
Molmo 2 counts thousandths of the image and numbers images and points; Molmo counts hundredths:

    <points coords="1 1 900 700 2 900 800;2 3 105 050">cups</points>    image, then number x y ...
    <point x="63.5" y="44.5" alt="a mountain">Mt Rainier</point>
    <points x1="10.0" y1="20.0" x2="30.0" y2="20.0" alt="cups">cups</points>
    <points cups[tab]-[tab]1 99.0 80.0/>        label, longer name, points; "1 990 800": thousandths
    Click(63.5, 44.5)

Older checkpoints write a tab between images; videos have times instead of images, and `<tracks>`.
All of this is read, whichever checkpoint wrote it. As in the authors' reader, a point outside the
image is left out, not moved to its edge; unlike there, numbers outside these tags are not points. A
label inside a tag, rather than between two, is the points' phrase and no part of the text.

Prompts: " User: {} Assistant:" is what Molmo's processor (remote code on the Hub) makes of the
checkpoint's template; Molmo 2's template is in olmo/hf_model/convert_molmo2_to_hf.py. Wording:
olmo/preprocessing/data_formatter.py ("short_caption", "long_caption", "short_answer"); "Point to"
is the cards' own. There is no way to write a region in a question, so it is drawn into the image.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.markup.base import (
    NOWHERE,
    Markup,
    ParsedOutput,
    ParsedOutputBuilder,
    Span,
    parse_number,
)
from vlm_demo.markup.coordinate_spaces import N100, N1000, CoordinateSpace
from vlm_demo.markup.location_tokens import strip_partial_tag, strip_tags
from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase, WriteAnswer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Frame, Point, Prompt, Region, Reply, ReplyState, Task, bounding_box

MAX_IMAGES = 8
"""Largest number of images that Molmo 2 is shown at a time; it has no limit of its own."""

_QUOTED = r"\"[^\"<]{0,500}\"|'[^'<]{0,500}'"
_PLACE = re.compile(
    rf"(?:```\w*\s*)?<(?P<closes>/?)(?:points?|tracks)\b(?P<inside>(?:=(?:{_QUOTED})|[^<>])*+)"
    r"(?:>(?:\s*```)?|\Z)"
    r"|Click\((?P<click>[^()<>]{0,40})(?:\)|\Z)"
)
_HUNDREDTHS = r"[0-9]+(?:\.[0-9]+)?"
_PAIR = re.compile(
    rf"\bx[0-9]{{0,4}}=(?P<quote>[\"']?) ?(?P<x>{_HUNDREDTHS}) ?(?P=quote)"
    rf"\s{{1,4}}y[0-9]{{0,4}}=(?P=quote) ?(?P<y>{_HUNDREDTHS}) ?(?P=quote)"
)
_PAIR_Y_FIRST = re.compile(
    rf"\by[0-9]{{0,4}}=(?P<quote>[\"']?) ?(?P<y>{_HUNDREDTHS}) ?(?P=quote)"
    rf"\s{{1,4}}x[0-9]{{0,4}}=(?P=quote) ?(?P<x>{_HUNDREDTHS}) ?(?P=quote)"
)
_Y_FIRST = re.compile(r"\s*y[0-9]{0,4}=")
_TAG_ENTITY = re.compile(r"&lt;(/?(?:points?|tracks)\b[^<>&]*+(?:&quot;[^<>&]*+)*+)&gt;")
_CLICK = re.compile(rf" ?(?P<x>{_HUNDREDTHS}) ?, ?(?P<y>{_HUNDREDTHS}) ?")
_LIST = re.compile(r"\bcoords=[\"']?(?P<points>[^\"'<>]*)|\t(?P<compact>[^\t=\"'<>]*)\Z")
_IMAGE_POINTS = re.compile(r"[^\t:;,]+")
_NUMBERED = re.compile(
    r"(?<![0-9.])[0-9]{1,6} (?P<x>[0-9]{3,4}|[0-9]{1,3}\.[0-9]) "
    r"(?P<y>[0-9]{3,4}|[0-9]{1,3}\.[0-9])(?![0-9.])"
)
_IMAGE = re.compile(rf"\s*(?P<image>[0-9]{{1,6}}(?:\.[0-9]+)?) (?={_NUMBERED.pattern})")
_LABEL = re.compile(r"\b(?:label|alt)=\"(?P<quoted>[^\"]*)\"|\A (?P<compact>[^\t=]*[^\t=0-9.])\t")


def read_points(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read points in all notations; the words in an element are their phrase."""
    body = _TAG_ENTITY.sub(_unescape_tag, strip_partial_tag(raw))
    reader, at = _PointReader(frame, space), 0
    for tag in _PLACE.finditer(body):
        reader.add_text(body[at : tag.start()])
        reader.add_tag(tag)
        at = tag.end()
    reader.add_text(body[at:])
    return reader.build()


def write_hundredths(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the centres of regions as Molmo does."""
    points = [space.to_numbers(_centre(region), frame) for region in regions]
    if len(points) == 1:
        return '<point x="{:.1f}" y="{:.1f}"></point>'.format(*points[0])
    pairs = (f'x{at}="{x:.1f}" y{at}="{y:.1f}"' for at, (x, y) in enumerate(points, 1))
    return f"<points {' '.join(pairs)}></points>"


def write_coords(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the centres of regions as Molmo 2 does, on the first image."""
    points = [space.to_numbers(_centre(region), frame) for region in regions]
    numbered = (f"{at} {round(x):03} {round(y):03}" for at, (x, y) in enumerate(points, 1))
    return f'<points coords="1 {" ".join(numbered)}"></points>'


def name_points(
    write: Callable[[Sequence[Region], Frame, CoordinateSpace], str],
) -> WriteAnswer:
    """Return a writer of answers in which the words of a phrase stand in its element."""

    def write_answer(parts: Sequence[AnswerPart], frame: Frame, space: CoordinateSpace) -> str:
        return "".join(
            part if isinstance(part, str) else write_element(part, frame, space) for part in parts
        )

    def write_element(phrase: AnswerPhrase, frame: Frame, space: CoordinateSpace) -> str:
        if not phrase.boxes:
            return f"There is no {phrase.phrase}."
        words = phrase.phrase.replace('"', "'")
        element = write(phrase.boxes, frame, space)
        return element.replace("></", f' alt="{words}">{words}</', 1)

    return write_answer


def _unescape_tag(tag: re.Match[str]) -> str:
    """Turn an escaped tag into itself, in as many characters."""
    plain = f"<{tag[1]}".replace("&quot;", '"')
    return plain.ljust(len(tag[0]) - 1) + ">"


@dataclass(slots=True)
class _PointReader:
    """Ties the points of an element to the first words in it."""

    frame: Frame
    space: CoordinateSpace
    output: ParsedOutputBuilder = field(default_factory=ParsedOutputBuilder)
    points: dict[int, list[Region]] = field(default_factory=dict)  # of the open element
    span: Span = NOWHERE
    label: str = ""
    _has_closed: bool = False  # right before

    def add_text(self, text: str) -> None:
        self._has_closed = self._has_closed and not text
        span = self.output.add_text(strip_tags(text))
        if self.points and not any(self.span):
            self.span = span

    def add_tag(self, tag: re.Match[str]) -> None:
        self._end_element()
        if tag["closes"]:
            self._has_closed = True
            return
        if self._has_closed:
            self.output.add_text(" ")  # two elements in a row are two words
        self._has_closed = False
        self.output.has_markup = True
        for image, written, space in _points(tag):
            self._add_point(image, written, self.space if self.frame.space else space)
        inside = tag["inside"] or ""
        if label := _LABEL.search(inside):
            self.label = label["quoted"] or label["compact"] or ""
        if tag["click"] is not None or inside.endswith("/"):
            self._end_element()

    def build(self) -> ParsedOutput:
        self._end_element()
        return self.output.build()

    def _add_point(self, image: int, written: re.Match[str], space: CoordinateSpace) -> None:
        numbers = parse_number(written["x"]), parse_number(written["y"])
        width, height = space.extent(self.frame)
        match numbers:
            case (float(x), float(y)) if x <= width and y <= height:
                point = space.to_point((x, y), self.frame)
                ends = (*written.span("x"), *written.span("y"))
                span = min(ends), max(ends)
                self.points.setdefault(image, []).append(
                    self.output.add_parsed_place(span, (x, y), point)
                )

    def _end_element(self) -> None:
        for image, points in self.points.items():
            self.output.add_mention(points, span=self.span, phrase=self.label, image_index=image)
        self.points, self.span, self.label = {}, NOWHERE, ""


def _points(tag: re.Match[str]) -> Iterator[tuple[int, re.Match[str], CoordinateSpace]]:
    """Yield the points in a tag: the image (from 0), a match with x and y, and their space."""
    if tag["click"] is not None:
        click = _CLICK.fullmatch(tag.string, *tag.span("click"))
        if click and tag[0].endswith(")"):
            yield 0, click, N100
        return
    is_y_first = _Y_FIRST.match(tag.string, *tag.span("inside")) is not None
    for pair in (_PAIR_Y_FIRST if is_y_first else _PAIR).finditer(tag.string, *tag.span("inside")):
        yield 0, pair, N100
    if found := _LIST.search(tag.string, *tag.span("inside")):
        for group in _IMAGE_POINTS.finditer(tag.string, *found.span(found.lastgroup or 0)):
            at, image = group.start(), 0
            if first := _IMAGE.match(tag.string, at, group.end()):
                at, image = first.end(), _image_index(first["image"], image)
            for point in _NUMBERED.finditer(tag.string, at, group.end()):
                image = _image_index(tag.string[at : point.start()].strip(), image)
                at = point.end()
                yield image, point, N100 if "." in point["x"] else N1000


def _image_index(written: str, default: int) -> int:
    """Return the image that points are on, from 0; a time is of the video that came before."""
    return max(int(written) - 1, 0) if re.fullmatch("[0-9]{1,6}", written) else default


def _centre(region: Region) -> Point:
    box = bounding_box(region)
    return Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


class Molmo(Family):
    """Leaves out points on images that are not there."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        image_count = sum(len(message.images) for message in prompt.messages)
        if image_count == 1:
            mentions = tuple(replace(mention, image_index=0) for mention in reply.mentions)
            return replace(reply, mentions=mentions)
        if image_count and any(mention.image_index >= image_count for mention in reply.mentions):
            mentions = tuple(m for m in reply.mentions if m.image_index < image_count)
            state = ReplyState.FOUND if mentions else ReplyState.UNREADABLE
            return replace(reply, mentions=mentions, state=state)
        return reply


_TEXT = (
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
)

FAMILY = Molmo(
    name="molmo",
    numbers_images=True,
    title="Molmo",
    model_types={"molmo": ONE_AT_A_TIME},
    checkpoints=(
        "allenai/Molmo-7B-D-0924",
        "allenai/Molmo-7B-O-0924",
        "allenai/Molmo-72B-0924",
        "allenai/MolmoE-1B-0924",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Briefly describe the image.",
        Task.DETAILED_CAPTION: "Describe this image.",
        Task.VQA: "{text}\nAnswer the question as briefly as possible.",
        Task.GROUNDING: "Point to {text}.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    markup_signature=r"<points?\s",
    markup=Markup(
        read_points,
        write_hundredths,
        N100,
        answer_writer=name_points(write_hundredths),
    ),
    documented_template="{% for message in messages %} {{ message['role'] | capitalize }}: "
    + _TEXT
    + "{% endfor %}{% if add_generation_prompt %} Assistant:{% endif %}",
    end_markers=("<|endoftext|>",),
    control_tokens=(
        *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|image|>"),
        *("<im_start>", "<im_end>", "<im_patch>", "<im_col>"),
    ),
)

MOLMO2 = replace(
    FAMILY,
    name="molmo2",
    title="Molmo 2",
    model_types={"molmo2": Architecture(position_ids="plain", film_input="timed")},
    checkpoints=("allenai/Molmo2-4B", "allenai/Molmo2-8B", "allenai/Molmo2-O-7B"),
    markup=Markup(
        read_points,
        write_coords,
        N1000,
        answer_writer=name_points(write_coords),
    ),
    documented_template="{% set pictures = messages | map(attribute='content') | sum(start=[])"
    " | selectattr('type', 'equalto', 'image') | list %}"
    "{% for _ in pictures %}"
    "{% if pictures | length > 1 %}Image {{ loop.index }}{% endif %}<|image|>"
    "{% endfor %}"
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}{{ '\n' }}" + _TEXT + "<|im_end|>{{ '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{{ '\n' }}{% endif %}",
    end_markers=("<|im_end|>", "<|endoftext|>"),
    limits=FamilyLimits(max_images=MAX_IMAGES),
    control_tokens=(
        *FAMILY.control_tokens,
        *("<low_res_im_start>", "<im_low>", "<frame_start>", "<frame_end>", "<|video|>"),
    ),
)

RELATIVES = (MOLMO2,)
