"""The values that flow through the program: pure data, no I/O, no model code, no page.

Regions are always fractions of the user's own image as it is seen upright, origin top left.
Formats convert at their border, once, in a function whose name says so.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from PIL.Image import Image

Size = tuple[int, int]
"""(width, height) in pixels, the order that PIL uses."""

Role = Literal["system", "user", "assistant"]
"""Who a message of a conversation is from."""


class Task(StrEnum):
    """What the user wants from one request."""

    CHAT = "chat"
    CAPTION = "caption"
    DETAILED_CAPTION = "detailed_caption"
    GROUNDED_CAPTION = "grounded_caption"  # a caption whose phrases have regions
    VQA = "vqa"  # a question with a short answer
    GROUNDING = "grounding"  # find what the words name
    DESCRIBE_REGION = "describe_region"  # say what is in a region
    DETECT = "detect"  # find every object of some classes
    READ = "read"  # read the text in the image


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; corners as fractions (0 to 1) of the user's image, x1 <= x2, y1 <= y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def normalize(
        cls, x1: float, y1: float, x2: float, y2: float, *, by: tuple[float, float]
    ) -> Box:
        """Build a box from coordinates that run from 0 to `by` (width, height).

        Corners are sorted and clipped to the image (house rules H3 and H4).
        """
        width, height = by
        left, right = sorted((_fraction(x1, width), _fraction(x2, width)))
        top, bottom = sorted((_fraction(y1, height), _fraction(y2, height)))
        return cls(left, top, right, bottom)

    def to_pixels(self, size: Size) -> tuple[float, float, float, float]:
        """Return x1, y1, x2, y2 in pixels of an image of `size`, not rounded."""
        width, height = size
        return self.x1 * width, self.y1 * height, self.x2 * width, self.y2 * height

    @property
    def area(self) -> float:
        """The share of the image that the box covers, 0 to 1."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def iou(self, other: Box) -> float:
        """Return the intersection over union with another box of the same image, 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Point:
    """A point, as fractions (0 to 1) of the user's image."""

    x: float
    y: float

    @classmethod
    def normalize(cls, x: float, y: float, *, by: tuple[float, float]) -> Point:
        """Build a point from coordinates from 0 to `by` (width, height), clipped to the image."""
        return cls(_fraction(x, by[0]), _fraction(y, by[1]))

    def to_pixels(self, size: Size) -> tuple[float, float]:
        """Return x, y in pixels of an image of `size`, not rounded."""
        return self.x * size[0], self.y * size[1]


@dataclass(frozen=True, slots=True)
class Polygon:
    """The corners of an area: three points or more, in order."""

    points: tuple[Point, ...]

    def to_pixels(self, size: Size) -> tuple[tuple[float, float], ...]:
        """Return the corners (x, y) in pixels of an image of `size`, not rounded."""
        return tuple(point.to_pixels(size) for point in self.points)


Region = Box | Point | Polygon
"""A place on an image, of any form."""

MAX_REGIONS = 50
"""Largest number of regions that a request may mark on one image."""


class RegionForm(StrEnum):
    """How the regions of a request reach the model."""

    AUTO = "words"  # in the family's markup; as marks where it has none
    MARKS = "marks"  # drawn into the model's copy of the image, in red with their numbers
    CROP = "crop"  # cropped: the model is shown them instead of the image, or after it


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
    """A phrase of an answer and its regions; a phrase with several boxes is one mention."""

    phrase: str
    span: tuple[int, int]
    """Start and end of the phrase in `Reply.text`; (0, 0): it is not in the text."""

    regions: tuple[Region, ...]
    image_index: int = 0
    """Which of the images that the model was shown, from 0."""

    confidence: float | None = None
    """How sure the model was of the regions, 0 to 1; None: not known."""

    target: str = ""
    """Which of several things that were looked for this is; "": there was one, or it is none."""


@dataclass(frozen=True, slots=True)
class ParsedPlace:
    """One region as it stands in a model's output, to show how it was read."""

    span: tuple[int, int]
    """Start and end of its numbers in `Reply.raw`."""

    numbers: tuple[float, ...]
    """The numbers as written, in the order of the output."""

    region: Region
    """What they were read as."""

    confidence: float | None = None
    """How sure the model was of these numbers, 0 to 1; None: not known."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The two sizes that coordinates may refer to."""

    original: Size
    """The size of the user's image."""

    seen: Size
    """The size of the image that the model is shown."""

    space: str = ""
    """The name of a coordinate space that a person chose; "": the family's own."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. Its images come before its text."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()
    regions: tuple[Region, ...] = ()
    """Regions that the text refers to, on the newest image at that time."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 means greedy."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    """How many of the most probable tokens are drawn from; 0: all of them."""

    repetition_penalty: float = 1.0
    seed: int | None = None
    thinking: bool | None = None
    """Whether the model reasons before it answers; None: as it does by itself."""

    def to_data(self) -> dict[str, Any]:
        """Return the values as plain data; `thinking` only where it was chosen."""
        data = asdict(self)
        if self.thinking is None:
            del data["thinking"]
        return data


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked, in the user's words."""

    task: Task
    text: str = ""
    """The question, the words to find or, for a caption, its given beginning."""

    images: tuple[Image, ...] = ()
    regions: tuple[Region, ...] = ()
    """Regions on the newest image; the text may refer to them as [1], [2] and so on."""

    region_form: RegionForm = RegionForm.AUTO
    """How the regions reach the model, those in `history` too."""

    history: tuple[Message, ...] = ()
    """The turns before this one; an assistant's text there is `Reply.raw`."""

    choices: tuple[str, ...] = ()
    """The answer must be one of these; (): it is free."""

    pattern: str = ""
    """A regular expression that the whole answer must match; "": it is free."""

    schema: str = ""
    """A JSON Schema, as JSON, that the answer must be valid by; "": it is free."""

    sampling: Sampling | None = None
    """How tokens are drawn; None: as the family says."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given: a family writes it, an engine sends it."""

    messages: tuple[Message, ...]
    """The conversation with prepared images; the last message is the question."""

    frame: Frame | None = None
    """The sizes of the image that regions in the answer are on; None: there is no image."""

    crop: Box | None = None
    """The part of the user's image that the frame is of; None: all of it."""

    chat_template: str | None = None
    """A Jinja template; None: the checkpoint's own."""

    thinking: bool | None = None
    """Whether the model reasons before it answers; None: as its template says."""

    keep_special_tokens: bool = False
    """Whether special tokens are decoded."""

    answer_prefix: str = ""
    """How the answer must begin; the engine does not repeat it in what it yields."""

    default_phrase: str = ""
    """The phrase of regions that the answer itself leaves unnamed."""

    choices: tuple[str, ...] = ()
    """The answer must be one of these; (): it is free."""

    pattern: str = ""
    """A regular expression that the whole answer must match; "": it is free."""

    schema: str = ""
    """A JSON Schema, as JSON, that the answer must be valid by; "": it is free."""

    stop: tuple[str, ...] = ()
    """Stop strings: the answer ends before the first of them."""

    note: str = ""
    """What people should know about how they were understood."""


class StopReason(StrEnum):
    """Why an answer ended."""

    FINISHED = "finished"  # the model ended it
    LENGTH = "length"  # it reached the limit of new tokens
    FILTERED = "filtered"  # the content filter of a server cut it off
    CANCELLED = "cancelled"  # a person stopped it
    FAILED = "failed"  # an error cut it off


class TextChunk(str):
    """A piece of an answer's text, with how sure the model was of the tokens that end in it."""

    __slots__ = ("logprobs", "queue_position", "stop")

    queue_position: int
    """How many requests are answered before this one; while there are any, the text is ""."""

    logprobs: tuple[float, ...]
    """Natural logarithms of the tokens' probabilities; (): not known."""

    stop: StopReason | None
    """Why the answer ends with this chunk; None: it goes on."""

    def __new__(
        cls,
        text: str = "",
        *,
        logprobs: tuple[float, ...] = (),
        queue_position: int = 0,
        stop: StopReason | None = None,
    ) -> TextChunk:
        chunk = super().__new__(cls, text)
        chunk.logprobs, chunk.queue_position, chunk.stop = logprobs, queue_position, stop
        return chunk


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast an answer came, by the clock of this program."""

    first_token_s: float
    """Seconds from the request to the first token, loading and waiting included."""

    seconds: float
    """Seconds from the request until now."""

    tokens: int
    """Tokens that the model has written; 0: the engine does not say."""

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second since the first one; 0 where that is not known."""
        since = self.seconds - self.first_token_s
        return (self.tokens - 1) / since if since > 0 and self.tokens > 1 else 0.0


class ReplyState(StrEnum):
    """Whether an answer holds regions."""

    FOUND = "found"  # the answer holds regions
    NONE = "none"  # it holds none and no markup, or says that there is nothing
    PARTLY_UNREADABLE = "partly unreadable"  # it holds regions, and others that cannot be read
    UNREADABLE = "unreadable"  # it holds markup that cannot be read
    SPACE_UNKNOWN = "space unknown"  # it holds regions, but not what their numbers count


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What an answer says about one of several things that were looked for."""

    name: str
    """The thing; mentions of it have it as their `target`."""

    state: ReplyState
    """Whether it was found."""

    raw: str = ""
    """The model's own text about it alone; "": one text is about all of them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer so far."""

    raw: str
    """The model's own text."""

    text: str
    """The answer for people: `raw` without markup, reasoning and end markers."""

    mentions: tuple[Mention, ...] = ()
    state: ReplyState = ReplyState.NONE
    reasoning: str = ""
    """What the model wrote before its answer; no regions are read there."""

    parsed_places: tuple[ParsedPlace, ...] = ()
    """Where the regions stand in `raw`."""

    note: str = ""
    """What people should know about how they were understood, or how the answer was read."""

    space: str = ""
    """The name of the coordinate space that was chosen or guessed; "": the family's own."""

    queue_position: int = 0
    """How many requests are answered before this one; while there are any, there is no text."""

    targets: tuple[TargetResult, ...] = ()
    """What is said about each of several things that were looked for; (): there was one."""

    is_waiting: bool = False
    """Whether the model has written nothing yet: the engine only shows that it is alive."""

    stop: StopReason | None = None
    """Why the answer ended; None: it is still growing, or that is not known."""

    timing: Timing | None = field(default=None, compare=False)
    """How fast the answer came; None: not known."""

    def count_regions(self, target: str) -> int:
        """Return how many regions there are of one of several things that were looked for."""
        return sum(len(one.regions) for one in self.mentions if one.target == target)
