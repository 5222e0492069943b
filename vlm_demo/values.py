"""The values that flow through the program: pure data, no I/O, no model code, no page.

Places are always fractions of the user's own picture as it is seen upright, origin top left;
formats convert at their border, once, in a function whose name says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from PIL.Image import Image

Size = tuple[int, int]
"""(width, height) in pixels, the order PIL uses."""

Role = Literal["system", "user", "assistant"]


class Task(StrEnum):
    """What the user wants from one request."""

    CHAT = "chat"
    CAPTION = "caption"
    DETAILED_CAPTION = "detailed_caption"
    GROUNDED_CAPTION = "grounded_caption"  # a caption whose phrases carry their places
    VQA = "vqa"  # a question with a short answer
    GROUNDING = "grounding"  # find what the words name
    DESCRIBE_REGION = "describe_region"  # say what is in a region
    DETECT = "detect"  # every object of some classes
    READ = "read"  # the text in the picture


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; corners as fractions (0 to 1) of the user's picture, x1 <= x2, y1 <= y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def normalize(
        cls, x1: float, y1: float, x2: float, y2: float, *, by: tuple[float, float]
    ) -> Box:
        """Build a box from coordinates that run from 0 to `by` (width, height).

        Corners are sorted and clipped to the picture (house rules H3 and H4).
        """
        width, height = by
        left, right = sorted((_fraction(x1, width), _fraction(x2, width)))
        top, bottom = sorted((_fraction(y1, height), _fraction(y2, height)))
        return cls(left, top, right, bottom)

    def to_pixels(self, size: Size) -> tuple[float, float, float, float]:
        """Return x1, y1, x2, y2 in pixels of a picture of `size`, not rounded."""
        width, height = size
        return self.x1 * width, self.y1 * height, self.x2 * width, self.y2 * height

    @property
    def area(self) -> float:
        """Share of the picture that the box covers, 0 to 1."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box of the same picture, 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Point:
    """A place, as fractions (0 to 1) of the user's picture."""

    x: float
    y: float

    @classmethod
    def normalize(cls, x: float, y: float, *, by: tuple[float, float]) -> Point:
        """Build a point from coordinates that run from 0 to `by`, clipped to the picture."""
        return cls(_fraction(x, by[0]), _fraction(y, by[1]))

    def to_pixels(self, size: Size) -> tuple[float, float]:
        """Return x, y in pixels of a picture of `size`, not rounded."""
        return self.x * size[0], self.y * size[1]


@dataclass(frozen=True, slots=True)
class Polygon:
    """An outline: three points or more, in order."""

    points: tuple[Point, ...]

    def to_pixels(self, size: Size) -> tuple[tuple[float, float], ...]:
        """Return the corners (x, y) in pixels of a picture of `size`."""
        return tuple(point.to_pixels(size) for point in self.points)


Region = Box | Point | Polygon

MAX_REGIONS = 50
"""Largest number of regions that a request may mark on one picture."""


class RegionForm(StrEnum):
    """How the regions of a request reach the model."""

    AUTO = "words"  # in words as the family writes places; as marks where it has none
    MARKS = "marks"  # drawn into the model's copy of the picture, in red with their numbers
    CROP = "crop"  # cut out: the model is shown them instead of the picture, or behind it


def bounding_box(region: Region) -> Box:
    """Return the smallest box around a region, for formats that can only write boxes."""
    match region:
        case Box():
            return region
        case Point(x, y):
            return Box(x, y, x, y)
        case Polygon(points):
            xs, ys = [point.x for point in points], [point.y for point in points]
            return Box(min(xs), min(ys), max(xs), max(ys))


def _fraction(value: float, whole: float) -> float:
    fraction = value / whole
    return min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0


@dataclass(frozen=True, slots=True)
class Mention:
    """One phrase of the clean text and its places; a phrase with several boxes is one mention."""

    phrase: str
    span: tuple[int, int]  # start and end of the phrase in Reply.text; (0, 0): not in the text
    regions: tuple[Region, ...]
    image_index: int = 0  # which of the request's pictures
    confidence: float | None = None  # 0 to 1


@dataclass(frozen=True, slots=True)
class ParsedPlace:
    """One place as it stands in a model's output, for those who want to see how it was read."""

    span: tuple[int, int]  # start and end of its numbers in Reply.raw
    numbers: tuple[float, ...]  # as written, in the order of the output
    region: Region  # what they were read as
    confidence: float | None = None  # 0 to 1: how sure the model was of these numbers


@dataclass(frozen=True, slots=True)
class Frame:
    """The two sizes that coordinates may refer to."""

    original: Size  # the user's picture
    seen: Size  # the picture as the model is shown it
    space: str = ""  # a coordinate space chosen by a person; "": the family's own


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. Its images come before its text."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()
    regions: tuple[Region, ...] = ()  # as in a request, of the newest picture at that time


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 means greedy."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: no limit
    repetition_penalty: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked, in the user's words.

    `text` is the question, the words to find or, for a caption, its given beginning.
    `regions` are places on the newest picture; the text may name them [1], [2] and so on.
    `history` holds the turns before this one; an assistant's text there is `Reply.raw`.
    """

    task: Task
    text: str = ""
    images: tuple[Image, ...] = ()
    regions: tuple[Region, ...] = ()
    region_form: RegionForm = RegionForm.AUTO  # of the regions in `history` too
    history: tuple[Message, ...] = ()
    choices: tuple[str, ...] = ()  # the answer is one of these; (): it is free
    pattern: str = ""  # a regular expression that the whole answer matches; "": it is free
    schema: str = ""  # a JSON Schema, as JSON, that the answer is valid by; "": it is free
    sampling: Sampling | None = None  # None: the family's own


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given: a family writes it, an engine sends it."""

    messages: tuple[Message, ...]
    frame: Frame | None = None  # of the newest picture; None: there is no picture
    crop: Box | None = None  # of the user's picture, that the frame is cut out of; None: all of it
    chat_template: str | None = None  # Jinja; None: the checkpoint's own
    keep_special_tokens: bool = False
    answer_prefix: str = ""  # how the answer must begin; not repeated in what the engine yields
    phrase: str = ""  # names the places that the answer itself leaves unnamed
    choices: tuple[str, ...] = ()  # the answer must be one of these; (): it is free
    pattern: str = ""  # a regular expression that the whole answer must match; "": it is free
    schema: str = ""  # a JSON Schema, as JSON, for the whole answer; "": it is free
    stop: tuple[str, ...] = ()  # the answer ends before the first of these
    note: str = ""  # what people should know about how they were understood


class TextChunk(str):
    """A piece of an answer's text, with how sure the model was of the tokens that end in it."""

    __slots__ = ("logprobs", "queue_position")

    queue_position: int  # requests that are answered before this one goes on; then the text is ""
    logprobs: tuple[float, ...]  # natural logarithms of their probabilities; (): not known

    def __new__(
        cls, text: str = "", *, logprobs: tuple[float, ...] = (), ahead: int = 0
    ) -> TextChunk:
        piece = super().__new__(cls, text)
        piece.logprobs, piece.queue_position = logprobs, ahead
        return piece


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast an answer came, by the clock of this program."""

    first_token_s: (
        float  # seconds from the request to the first token, loading and waiting included
    )
    seconds: float  # from the request until now
    tokens: int  # that the model has written; 0: the engine does not tell

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second since the first one; 0 where it cannot be told."""
        since = self.seconds - self.first_token_s
        return (self.tokens - 1) / since if since > 0 and self.tokens > 1 else 0.0


class ReplyState(StrEnum):
    """What became of the places in an answer."""

    FOUND = "found"  # the answer holds places
    NONE = "none"  # it holds none, and no markup
    UNREADABLE = "unreadable"  # it holds markup that cannot be read


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer so far. `raw` is the model's own text, `text` is `raw` for people."""

    raw: str
    text: str
    mentions: tuple[Mention, ...] = ()
    state: ReplyState = ReplyState.NONE
    reasoning: str = ""  # a draft that the model wrote before its answer; no places are read there
    parsed_places: tuple[ParsedPlace, ...] = ()
    note: str = ""  # the prompt's, for people
    queue_position: int = 0  # requests that are answered before this one; then there is no text yet
    timing: Timing | None = field(default=None, compare=False)
