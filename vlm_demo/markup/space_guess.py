"""Guesses what the numbers of an answer count, where nothing is known of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.markup.coordinate_spaces import N1000, PIXELS, UNIT, CoordinateSpace
from vlm_demo.translatable_text import DisplayText, TranslatableText, message
from vlm_demo.values import Size


@dataclass(frozen=True, slots=True)
class SpaceGuess:
    """A coordinate space, and the reason for it as a sentence for people."""

    space: CoordinateSpace
    reason: DisplayText


Y_FIRST_KEY = "box_2d"
"""The key of Gemini's and Gemma's boxes: thousandths, y before x.

Source: https://ai.google.dev/gemini-api/docs/image-understanding."""


def guess_space(
    places: Sequence[Sequence[float]], size: Size, *, has_y_first_key: bool = False
) -> SpaceGuess | None:
    """Guess the space of the numbers of an answer; None: several spaces are as likely.

    Args:
        places: the numbers of each region as written.
        size: width and height of the picture in pixels.
        has_y_first_key: whether they stand under `Y_FIRST_KEY`.
    """
    numbers = [number for place in places for number in place]
    if not numbers or min(numbers) < 0:
        return None
    largest = max(numbers)
    if largest <= 1:
        return SpaceGuess(UNIT, message("Read as fractions of the image: all numbers are 0 to 1."))
    if has_y_first_key and largest <= 1000:
        return SpaceGuess(
            N1000,
            TranslatableText(
                "Read as thousandths of the image, y before x: the key is {key}.",
                {"key": Y_FIRST_KEY},
            ),
        )
    fits = all(number <= size[index % 2] for place in places for index, number in enumerate(place))
    if largest > 1000:
        words = message(
            "Read as pixels of the image: a number is above 1000, and all lie within it."
        )
        return SpaceGuess(PIXELS, words) if fits else None
    if not fits:
        return SpaceGuess(
            N1000,
            message("Read as thousandths of the image: as pixels, a number would lie outside it."),
        )
    return None
