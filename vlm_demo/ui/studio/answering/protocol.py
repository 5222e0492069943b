"""What Studio's browser application sends: data that anybody may have written, so all is checked.

The limits here only keep senseless data away; those that people meet (the longest text, the most
things that are looked for, the most pictures of a model) are told in sentences by the backend.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vlm_demo.errors import InputError, describe_validation_error
from vlm_demo.markup.region_json import MarkedRegions
from vlm_demo.values import RegionForm, Task

MAX_TEXT = 1_000_000
"""Largest number of characters of any text."""

MAX_TURNS = 500
"""Largest number of earlier turns of a conversation."""

MAX_IMAGES = 64
"""Largest number of pictures of one turn."""

MAX_TARGETS = 300
"""Largest number of things to look for that are read at all."""

MAX_CHOICES = 100
"""Largest number of possible answers."""

MAX_NAME = 300
"""Largest number of characters of a name: of a model, a picture, a turn."""

Name = Annotated[str, Field(strict=True, max_length=MAX_NAME)]
"""A name."""

Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT)]
"""A text that a person or a model wrote."""

ImageIds = Annotated[list[Name], Field(max_length=MAX_IMAGES)]
"""Names of pictures, as `studio_image` gave them."""

FORMS = {"auto": RegionForm.AUTO, "words": RegionForm.AUTO} | {
    "marks": RegionForm.MARKS,
    "crops": RegionForm.CROP,
    "example": RegionForm.EXAMPLE,
}
"""The forms of marked regions, by the names that the browser uses."""


class Sent(BaseModel):
    """Data of a browser. What is not known is refused: it may be a misspelt option."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingOptions(Sent):
    """How tokens are drawn; what is not given is the model's own."""

    max_new_tokens: int | None = Field(None, strict=True, ge=1, le=1 << 20)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)
    top_k: int | None = Field(None, strict=True, ge=0, le=1 << 20)
    repetition_penalty: float | None = Field(None, ge=0.1, le=10, allow_inf_nan=False)
    seed: int | None = Field(None, strict=True, ge=0, lt=1 << 63)
    thinking: bool | None = Field(None, strict=True)
    visual_tokens: int | None = Field(None, strict=True, ge=1, le=1 << 20)


class EarlierTurn(Sent):
    """A question of the conversation and its answer, or an example of how to answer."""

    text: Text = ""
    raw: Text = ""  # the answer as the model wrote it
    images: ImageIds = []
    regions: MarkedRegions = []


class EarlierAnswer(Sent):
    """An answer to the same request: the model is not asked again."""

    raw: Text
    raws: list[Text] = Field([], max_length=MAX_TARGETS)  # about each of several things


class StudioRequest(Sent):
    """What is asked in one turn."""

    turn: Name
    model: Name
    task: Task
    text: Text = ""
    targets: list[Text] = Field([], max_length=MAX_TARGETS)  # things to find
    images: ImageIds = []
    regions: MarkedRegions = []  # on the newest picture
    region_form: Literal["auto", "words", "marks", "crops", "example"] = "auto"
    history: list[EarlierTurn] = Field([], max_length=MAX_TURNS)  # examples first, oldest first
    system: Text = ""
    choices: list[Text] = Field([], max_length=MAX_CHOICES)
    test_orders: bool = Field(False, strict=True)
    pattern: Text = ""
    schema_text: Text = Field("", alias="schema")
    sampling: SamplingOptions = Field(default_factory=lambda: SamplingOptions.model_validate({}))
    space: Name = ""  # what the numbers of the answer count; "": as the model's family says
    earlier: EarlierAnswer | None = None  # that is only read again, in `space`


SentT = TypeVar("SentT", bound=BaseModel)


def read_sent(kind: type[SentT], value: Any) -> SentT:
    """Read data of a browser.

    Raises:
        InputError: it is not such data; the message says which part.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        reason = describe_validation_error(error)
        raise InputError(
            "The page sent a request that cannot be used: {reason}.", reason=reason
        ) from error
    except RecursionError as error:
        raise InputError("The page sent a request that is nested too deeply.") from error
