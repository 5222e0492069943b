"""Molmo and Molmo 2: chat models that point.

Notations: https://github.com/allenai/molmo2, olmo/preprocessing/point_formatter.py and its tests.
Molmo 2 counts thousandths of the picture and numbers pictures and points; Molmo hundredths:

    <points coords="1 1 900 700 2 900 800;2 3 105 050">cups</points>    picture, then number x y ...
    <point x="63.5" y="44.5" alt="a mountain">Mt Rainier</point>
    <points x1="10.0" y1="20.0" x2="30.0" y2="20.0" alt="cups">cups</points>
    <points cups[tab]-[tab]1 99.0 80.0/>        label, longer name, points; "1 990 800": thousandths
    Click(63.5, 44.5)

Pictures are parted by a tab in older checkpoints; videos have times in their place, and `<tracks>`.
All of it is read whichever checkpoint wrote it. As in the authors' reader a point outside the
picture is left out, not moved to its edge; unlike there, numbers outside these tags are not points.
A label that stands in a tag, not between two, is the points' phrase and no part of the text.

Prompts: " User: {} Assistant:" is what Molmo's processor (remote code on the Hub) makes of the
checkpoint's template; Molmo 2's template is in olmo/hf_model/convert_molmo2_to_hf.py. Wording:
olmo/preprocessing/data_formatter.py ("short_caption", "long_caption", "short_answer"); "Point to"
is the cards' own. There is no way to name a region, so it is drawn into the picture.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.markup.base import NOWHERE, Markup, Reading, ReadingBuilder, Span, number
from vlm_demo.markup.coordinate_spaces import N100, N1000, CoordinateSpace
from vlm_demo.markup.location_tokens import without_half_tag, without_tags
from vlm_demo.prompting.family import Family, Limits
from vlm_demo.prompting.region_wording import MARKED_REGION
from vlm_demo.values import Frame, Point, Prompt, Region, Reply, ReplyState, Task, bounding_box

MOST_PICTURES = 8
"""That Molmo 2 is shown at a time; it has no limit of its own."""

_PLACE = re.compile(
    r"<(?P<closes>/?)(?:points?|tracks)\b(?P<inside>[^<>]*)(?:>|\Z)"
    r"|Click\((?P<click>[^()<>]{0,40})(?:\)|\Z)"
)
_HUNDREDTHS = r"[0-9]+(?:\.[0-9]+)?"
_PAIR = re.compile(
    rf"\bx[0-9]{{0,4}}=(?P<quote>[\"']?) ?(?P<x>{_HUNDREDTHS}) ?(?P=quote)"
    rf"\s{{1,4}}y[0-9]{{0,4}}=(?P=quote) ?(?P<y>{_HUNDREDTHS}) ?(?P=quote)"
)
_CLICK = re.compile(rf" ?(?P<x>{_HUNDREDTHS}) ?, ?(?P<y>{_HUNDREDTHS}) ?")
_LIST = re.compile(r"\bcoords=[\"']?(?P<points>[^\"'<>]*)|\t(?P<compact>[^\t=\"'<>]*)\Z")
_OF_ONE_PICTURE = re.compile(r"[^\t:;,]+")
_NUMBERED = re.compile(
    r"(?<![0-9.])[0-9]{1,6} (?P<x>[0-9]{3,4}|[0-9]{1,3}\.[0-9]) "
    r"(?P<y>[0-9]{3,4}|[0-9]{1,3}\.[0-9])(?![0-9.])"
)
_PICTURE = re.compile(rf"\s*(?P<picture>[0-9]{{1,6}}(?:\.[0-9]+)?) (?={_NUMBERED.pattern})")
_LABEL = re.compile(r"\b(?:label|alt)=\"(?P<quoted>[^\"]*)\"|\A (?P<compact>[^\t=]*[^\t=0-9.])\t")


def read_points(raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
    """Read points in every notation that there is; the words in an element are their phrase."""
    body = without_half_tag(raw)
    reader, at = _Reader(frame, space), 0
    for tag in _PLACE.finditer(body):
        reader.add_text(body[at : tag.start()])
        reader.add_tag(tag)
        at = tag.end()
    reader.add_text(body[at:])
    return reader.reading()


def write_hundredths(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the middles of places as Molmo does."""
    points = [space.numbers(_middle(region), frame) for region in regions]
    if len(points) == 1:
        return '<point x="{:.1f}" y="{:.1f}"></point>'.format(*points[0])
    pairs = (f'x{at}="{x:.1f}" y{at}="{y:.1f}"' for at, (x, y) in enumerate(points, 1))
    return f"<points {' '.join(pairs)}></points>"


def write_coords(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the middles of places as Molmo 2 does, for the first picture."""
    points = [space.numbers(_middle(region), frame) for region in regions]
    numbered = (f"{at} {round(x):03} {round(y):03}" for at, (x, y) in enumerate(points, 1))
    return f'<points coords="1 {" ".join(numbered)}"></points>'


@dataclass(slots=True)
class _Reader:
    """Ties the points of an element to the first words in it."""

    frame: Frame
    space: CoordinateSpace
    output: ReadingBuilder = field(default_factory=ReadingBuilder)
    points: dict[int, list[Region]] = field(default_factory=dict)  # of the open element
    span: Span = NOWHERE
    label: str = ""

    def add_text(self, text: str) -> None:
        span = self.output.add_text(without_tags(text))
        if self.points and not any(self.span):
            self.span = span

    def add_tag(self, tag: re.Match[str]) -> None:
        self._end_element()
        if tag["closes"]:
            return
        self.output.has_markup = True
        for picture, written, space in _points(tag):
            self._add_point(picture, written, self.space if self.frame.space else space)
        inside = tag["inside"] or ""
        if label := _LABEL.search(inside):
            self.label = label["quoted"] or label["compact"] or ""
        if tag["click"] is not None or inside.endswith("/"):
            self._end_element()

    def reading(self) -> Reading:
        self._end_element()
        return self.output.reading()

    def _add_point(self, picture: int, written: re.Match[str], space: CoordinateSpace) -> None:
        numbers = number(written["x"]), number(written["y"])
        width, height = space.extent(self.frame)
        match numbers:
            case (float(x), float(y)) if x <= width and y <= height:
                point = space.point((x, y), self.frame)
                span = written.start("x"), written.end("y")
                self.points.setdefault(picture, []).append(
                    self.output.add_parsed_place(span, (x, y), point)
                )

    def _end_element(self) -> None:
        for picture, points in self.points.items():
            self.output.add_mention(points, span=self.span, phrase=self.label, image_index=picture)
        self.points, self.span, self.label = {}, NOWHERE, ""


def _points(tag: re.Match[str]) -> Iterator[tuple[int, re.Match[str], CoordinateSpace]]:
    """Find the points in a tag: the picture (from 0), groups x and y, and what they count."""
    if tag["click"] is not None:
        click = _CLICK.fullmatch(tag.string, *tag.span("click"))
        if click and tag[0].endswith(")"):
            yield 0, click, N100
        return
    for pair in _PAIR.finditer(tag.string, *tag.span("inside")):
        yield 0, pair, N100
    if found := _LIST.search(tag.string, *tag.span("inside")):
        for group in _OF_ONE_PICTURE.finditer(tag.string, *found.span(found.lastgroup or 0)):
            at, picture = group.start(), 0
            if first := _PICTURE.match(tag.string, at, group.end()):
                at, picture = first.end(), _picture(first["picture"], picture)
            for point in _NUMBERED.finditer(tag.string, at, group.end()):
                picture = _picture(tag.string[at : point.start()].strip(), picture)
                at = point.end()
                yield picture, point, N100 if "." in point["x"] else N1000


def _picture(written: str, otherwise: int) -> int:
    """Return the picture that points belong to, from 0; times are of one video."""
    return max(int(written) - 1, 0) if re.fullmatch("[0-9]{1,6}", written) else otherwise


def _middle(region: Region) -> Point:
    box = bounding_box(region)
    return Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


class Molmo(Family):
    """It may number pictures that are not there."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        pictures = sum(len(message.images) for message in prompt.messages)
        if pictures == 1:
            mentions = tuple(replace(mention, image_index=0) for mention in reply.mentions)
            return replace(reply, mentions=mentions)
        if pictures and any(mention.image_index >= pictures for mention in reply.mentions):
            kept = tuple(m for m in reply.mentions if m.image_index < pictures)
            state = ReplyState.FOUND if kept else ReplyState.UNREADABLE
            return replace(reply, mentions=kept, state=state)
        return reply


_TEXT = (
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
)

FAMILY = Molmo(
    name="molmo",
    numbers_pictures=True,
    title="Molmo",
    model_types=("molmo",),
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
        Task.DESCRIBE_REGION: MARKED_REGION,
    },
    markup=Markup(read_points, write_hundredths, N100),
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
    model_types=("molmo2",),
    checkpoints=("allenai/Molmo2-4B", "allenai/Molmo2-8B", "allenai/Molmo2-O-7B"),
    markup=Markup(read_points, write_coords, N1000),
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
    limits=Limits(max_images=MOST_PICTURES),
    control_tokens=(
        *FAMILY.control_tokens,
        *("<low_res_im_start>", "<im_low>", "<frame_start>", "<frame_end>", "<|video|>"),
    ),
)

RELATIVES = (MOLMO2,)
