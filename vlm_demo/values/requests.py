"""What the user asked, and what the model is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from PIL.Image import Image

from vlm_demo.translatable_text import DisplayText
from vlm_demo.values.regions import (
    Box,
    Region,
    RegionForm,
    Size,
)

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
    """One turn of a conversation. Its images come before its text, each behind its label."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()
    regions: tuple[Region, ...] = ()
    """Regions that the text refers to, on the newest image at that time."""

    film_times: tuple[float, ...] = ()
    """When each of the images is shown, in seconds, where they are frames of a film; (): not."""

    labels: tuple[str, ...] = ()
    """What stands before each of the images; (): nothing."""


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

    visual_tokens: int | None = None
    """The resolution of images, as one of the numbers of visual tokens that the family offers;
    None: that of the checkpoint."""

    def to_data(self) -> dict[str, Any]:
        """Return the values as plain data; the last two only where they were chosen."""
        data = asdict(self)
        for name in ("thinking", "visual_tokens"):
            if data[name] is None:
                del data[name]
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

    stop: tuple[str, ...] = ()
    """Stop strings beside those of the family: the answer ends before the first of them."""

    sampling: Sampling | None = None
    """How tokens are drawn; None: as the family says."""

    system: str = ""
    """Instructions before the conversation; "": those of the family."""

    visitor: str = ""
    """Who asks, as a keyed hash: visitors take turns, and each has a quota; "": nobody's turn."""

    film_times: tuple[float, ...] = ()
    """When each of the images is shown, in seconds, where they are frames of a film; (): not."""


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

    image_options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the checkpoint's image processor; {}: its own."""

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

    note: DisplayText = ""
    """What people should know about how they were understood."""

    visitor: str = ""
    """Who asks: see `Request.visitor`."""
