"""An output of a model, as the form describes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vlm_demo.analysis.diagnosis import (
    placeholder_prompt,
)
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.prompting.family import Family
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.values import Frame, Prompt, Size

STAND_IN_SIZE = (640, 480)
"""Width and height of the picture that an output is read for where none is given."""

MAX_SIDE = 100_000
"""Largest width or height, in pixels, that can be entered."""

MAX_CHARACTERS = 20_000
"""Largest length of an output."""


@dataclass(frozen=True, slots=True)
class KnownPrompt:
    """The prompt of an output that came from the page; it counts while the output is unchanged."""

    raw: str
    family: str
    prompt: Prompt  # without pictures

    @classmethod
    def of(cls, raw: str, family: str, prompt: Prompt) -> KnownPrompt:
        """Note a prompt without its pictures, whose pixels would stay in memory."""
        messages = tuple(replace(message, images=()) for message in prompt.messages)
        return cls(raw, family, replace(prompt, messages=messages))


@dataclass(frozen=True, slots=True)
class InspectedOutput:
    """The values of the form, checked."""

    image: UploadedImage | None
    raw: str
    family: Family
    frame: Frame
    prompt: Prompt

    @classmethod
    def read(
        cls,
        image: UploadedImage | None,
        raw: str,
        family: str,
        space: str,
        token: str | None,
        width: float | None,
        height: float | None,
        model_width: float | None,
        model_height: float | None,
        known: KnownPrompt | None,
    ) -> InspectedOutput:
        """Check the values; a browser can send anything.

        Raises:
            InputError: a size is missing or out of range, or the output is too long.
            UnknownModelError: there is no such family.
        """
        if len(raw) > MAX_CHARACTERS:
            raise InputError(
                "This is too long: the limit is {max_characters} characters.",
                max_characters=f"{MAX_CHARACTERS:,}",
            )
        original = image.size if image else _read_size(width, height)
        is_resized = None not in (model_width, model_height)
        seen = _read_size(model_width, model_height) if is_resized else original
        frame = Frame(original, seen, space if space in SPACES else "")
        is_known = known is not None and (known.raw, known.family) == (raw, family)
        prompt = known.prompt if known and is_known else placeholder_prompt(token or "")
        if prompt.crop and prompt.frame:  # the numbers of the output count the crop
            frame = replace(prompt.frame, seen=seen, space=frame.space)
        return cls(image, raw, get_family(family), frame, prompt)


def _read_size(width: float | None, height: float | None) -> Size:
    """Read a width and a height in pixels.

    Raises:
        InputError: one is missing or out of range.
    """
    if not (width and height and 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InputError("Add the image, or enter its width and height in pixels.")
    return int(width), int(height)
