"""Traces the coordinates of one place from the raw output to pixels of the user's picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlm_demo.analysis.diagnosis.coordinates import Numbers, flatten, is_written_in
from vlm_demo.markup.coordinate_spaces import CoordinateSpace, square_around
from vlm_demo.translatable_text import DisplayText, TextValues, TranslatableText, as_text, message
from vlm_demo.values import Box, Frame, ParsedPlace, Region, Reply, Size


@dataclass(frozen=True, slots=True)
class ConversionStep:
    """One step of the conversion, and the numbers after it, x before y."""

    title: str  # marked for translation
    detail: DisplayText  # what was done to get here
    numbers: Numbers = ()


@dataclass(frozen=True, slots=True)
class ConversionTrace:
    """The conversion of one place from the output to pixels of the user's picture."""

    phrase: str
    mention: int | None  # its index in the reply
    place: ParsedPlace
    steps: tuple[ConversionStep, ...]


def trace_conversion(
    seen: ParsedPlace,
    place: ParsedPlace,
    reply: Reply,
    space: CoordinateSpace,
    frame: Frame,
    crop: Box | None,
) -> ConversionTrace:
    """Trace one place of a reply.

    Args:
        seen: the place on the picture that the model saw.
        place: the same on the user's whole picture; it differs where there was a `crop`.
        reply: what both are part of.
        space: the coordinate space of the numbers.
        frame: sizes of the picture that the model saw.
        crop: the part of the user's picture that this was; None: all of it.
    """
    phrase, mention = _find_mention(place, reply)
    steps = (*_convert(seen, space, frame, reply.raw), *_undo_crop(place, frame, crop))
    return ConversionTrace(phrase, mention, place, steps)


def counts_model_pixels(space: CoordinateSpace) -> bool:
    """Whether the numbers count pixels of the picture as it was resized for the model."""
    one, other = Frame((1, 1), (2, 2)), Frame((1, 1), (3, 3))
    return space.extent(one) != space.extent(other)


def _find_mention(place: ParsedPlace, reply: Reply) -> tuple[str, int | None]:
    """Return the phrase that a place belongs to, and the index of its mention."""
    for index, mention in enumerate(reply.mentions):
        if place.region in mention.regions:
            return mention.phrase, index
    return "", None


def _convert(
    place: ParsedPlace, space: CoordinateSpace, frame: Frame, raw: str
) -> tuple[ConversionStep, ...]:
    start, end = place.span
    numbers = place.numbers
    if not is_written_in(space, place, frame):
        # Indices of cells, for example: their coordinates follow from the region they were read as.
        numbers = space.to_numbers(place.region, frame)
    in_extent = _to_extent_fractions(numbers, space, frame)
    unclipped = space.to_fractions(numbers, frame)
    steps = [
        ConversionStep(message("Raw"), raw[start:end].strip()),
        ConversionStep(message("Numbers"), message("as written"), place.numbers),
        ConversionStep(message("Declared space"), _describe_space(space, frame), in_extent),
    ]
    if counts_model_pixels(space) and frame.seen != frame.original:
        seen, original = _format_size(frame.seen), _format_size(frame.original)
        detail: DisplayText = TranslatableText(
            "the model saw {seen}, the image is {size}", {"seen": seen, "size": original}
        )
        steps.append(
            ConversionStep(message("Resize undone"), detail, _scale(unclipped, frame.original))
        )
    if space.padded and frame.original[0] != frame.original[1]:
        side, (left, top) = square_around(frame)
        template = message("of a square of {size} pixels, {padding} above and below were padding")
        if left:
            template = message(
                "of a square of {size} pixels, {padding} left and right were padding"
            )
        values: TextValues = {"size": _format_size((side, side)), "padding": left or top}
        detail = TranslatableText(template, values)
        steps.append(
            ConversionStep(message("Padding undone"), detail, _scale(unclipped, frame.original))
        )
    detail = _describe_pixels(unclipped, place.region, frame.original)
    return (
        *steps,
        ConversionStep(message("Pixels"), detail, flatten(place.region, frame.original)),
    )


def _undo_crop(place: ParsedPlace, frame: Frame, crop: Box | None) -> Iterator[ConversionStep]:
    """Say where a place is on the picture that was cropped; `frame` is that of the crop."""
    if crop is None:
        return
    width, height = frame.original
    whole = round(width / (crop.x2 - crop.x1)), round(height / (crop.y2 - crop.y1))
    detail = TranslatableText(
        "the model saw a crop of {size} pixels", {"size": _format_size(frame.original)}
    )
    yield ConversionStep(message("Crop undone"), detail, flatten(place.region, whole))


def _describe_space(space: CoordinateSpace, frame: Frame) -> DisplayText:
    width, height = space.extent(frame)
    if width == height == 1:
        return space.title
    until = f"{width:g}" if width == height else f"{width:g}, {height:g}"
    shifted = f"+ {space.shift:g}, " if space.shift else ""
    return TranslatableText(
        "{space}: {arithmetic}",
        {"space": as_text(space.title), "arithmetic": f"{shifted}÷ {until}"},
    )


def _to_extent_fractions(numbers: Sequence[float], space: CoordinateSpace, frame: Frame) -> Numbers:
    """Return fractions of the space's extent, x first: the picture, or the square around it."""
    return replace(space, padded=False).to_fractions(numbers, frame)


def _scale(fractions: Sequence[float], size: Size) -> Numbers:
    return tuple(value * size[index % 2] for index, value in enumerate(fractions))


def _format_size(size: Size) -> str:
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


def _describe_pixels(unclipped: Sequence[float], region: Region, size: Size) -> DisplayText:
    """Say which picture the pixels are of, and what was done to make the numbers a region."""
    is_swapped = False
    if isinstance(region, Box) and len(unclipped) == 4:
        x1, y1, x2, y2 = unclipped
        is_swapped = x1 > x2 or y1 > y2
    is_clipped = any(not -1e-9 <= value <= 1 + 1e-9 for value in unclipped)
    template = message("of the image, {size}")
    match is_swapped, is_clipped:
        case True, True:
            template = message("of the image, {size}; corners reordered; clipped to the image")
        case True, False:
            template = message("of the image, {size}; corners reordered")
        case False, True:
            template = message("of the image, {size}; clipped to the image")
    return TranslatableText(template, {"size": _format_size(size)})
