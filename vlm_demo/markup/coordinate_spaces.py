"""Coordinate spaces: what the numbers in a model's text count, on the user's image.

Which space a family uses, and its source, stands in the family's file. A space is a value, so that
a reader that several families share is given the one that applies, and a person can try another
one where sources disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text, message
from vlm_demo.values import Box, Frame, Point, Polygon, Region


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinateSpace:
    """Numbers from 0 to `extent` over the image, or over a square around it."""

    name: str
    """How `Frame.space` chooses it, such as "normalized_1000_xyxy"."""

    title: DisplayText
    """What the numbers count, for people."""

    extent: Callable[[Frame], tuple[float, float]]
    """The numbers (x, y) of the lower right corner; (1, 1) where they are fractions."""

    shift: float = 0.0
    """Added before dividing: 0.5 where a number names a bin and not an edge."""

    padded: bool = False
    """Whether the numbers are over the square on which the image is centred."""

    y_first: bool = False
    """Whether y is written before x."""

    def to_box(self, numbers: Sequence[float], frame: Frame) -> Box:
        """Read four numbers: two opposite corners, in any order, clipped to the image."""
        one, other = self._fractions(numbers[:2], frame), self._fractions(numbers[2:4], frame)
        return Box.normalize(*one, *other, by=(1, 1))

    def to_point(self, numbers: Sequence[float], frame: Frame) -> Point:
        """Read two numbers, clipped to the image."""
        return Point.normalize(*self._fractions(numbers[:2], frame), by=(1, 1))

    def to_polygon(self, numbers: Sequence[float], frame: Frame) -> Polygon:
        """Read the corners of a polygon, two numbers each; a last odd number is left out."""
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        return Polygon(tuple(self.to_point(pair, frame) for pair in pairs))

    def to_fractions(self, numbers: Sequence[float], frame: Frame) -> tuple[float, ...]:
        """Return x, y, x, y, ... as fractions of the image, neither sorted nor clipped."""
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        return tuple(value for pair in pairs for value in self._fractions(pair, frame))

    def to_numbers(self, region: Region, frame: Frame) -> tuple[float, ...]:
        """Return what is written for a region, not rounded: the inverse of the other methods.

        The order is x1, y1, x2, y2 or x, y, x, y, ..., with y first where the space says so.
        """
        match region:
            case Box(x1, y1, x2, y2):
                return (*self._from_fractions(x1, y1, frame), *self._from_fractions(x2, y2, frame))
            case Point(x, y):
                return self._from_fractions(x, y, frame)
            case Polygon(points):
                return tuple(v for p in points for v in self._from_fractions(p.x, p.y, frame))

    def _fractions(self, pair: Sequence[float], frame: Frame) -> tuple[float, float]:
        x, y = reversed(pair) if self.y_first else pair
        width, height = self.extent(frame)
        x, y = (x + self.shift) / width, (y + self.shift) / height
        if self.padded:
            side, (left, top) = square_around(frame)
            x, y = (x * side - left) / frame.original[0], (y * side - top) / frame.original[1]
        return x, y

    def _from_fractions(self, x: float, y: float, frame: Frame) -> tuple[float, float]:
        if self.padded:
            side, (left, top) = square_around(frame)
            x, y = (x * frame.original[0] + left) / side, (y * frame.original[1] + top) / side
        width, height = self.extent(frame)
        x, y = x * width - self.shift, y * height - self.shift
        return (y, x) if self.y_first else (x, y)


def square_around(frame: Frame) -> tuple[int, tuple[int, int]]:
    """Return the side of the square around the image, and the image's upper left corner in it.

    Both are in pixels of the image.
    """
    side, (width, height) = max(frame.original), frame.original
    return side, ((side - width) // 2, (side - height) // 2)


def make_normalized_space(
    extent: float, title: DisplayText, *, shift: float = 0.0
) -> CoordinateSpace:
    """Return a space of numbers from 0 to `extent` over the whole image, however it is resized."""
    name = f"normalized_{extent:g}_xyxy"
    return CoordinateSpace(name=name, title=title, extent=lambda _: (extent, extent), shift=shift)


def with_y_first(space: CoordinateSpace) -> CoordinateSpace:
    """Return the same space with y written before x."""
    return replace(
        space,
        name=space.name.replace("xyxy", "yxyx"),
        title=TranslatableText("{space}, y before x", {"space": as_text(space.title)}),
        y_first=True,
    )


UNIT = make_normalized_space(1, message("fractions of the image, 0 to 1"))
N100 = make_normalized_space(100, message("hundredths of the image, 0 to 100"))
N500 = make_normalized_space(500, message("500ths of the image, 0 to 499"))
N999 = make_normalized_space(999, message("0 to 999 over the image"))
N1000 = make_normalized_space(1000, message("thousandths of the image, 0 to 1000"))
N1024 = make_normalized_space(1024, message("1024ths of the image, 0 to 1023"))
BINS = replace(
    make_normalized_space(1000, message("a thousand bins over the image, 0 to 999"), shift=0.5),
    name="bins_1000_xyxy",
)
SQUARE = CoordinateSpace(
    name="square_1_xyxy",
    title=message("fractions of the image padded to a square, 0 to 1"),
    extent=lambda _: (1.0, 1.0),
    padded=True,
)
PIXELS = CoordinateSpace(
    name="pixel_xyxy",
    title=message("pixels of the image"),
    extent=lambda frame: (float(frame.original[0]), float(frame.original[1])),
)
SEEN_PIXELS = CoordinateSpace(
    name="resized_pixel_xyxy",
    title=message("pixels of the image as it was resized for the model"),
    extent=lambda frame: (float(frame.seen[0]), float(frame.seen[1])),
)

_PLAIN = (UNIT, N100, N500, N999, N1000, N1024, BINS, SQUARE, PIXELS, SEEN_PIXELS)

SPACES: dict[str, CoordinateSpace] = {
    space.name: space for plain in _PLAIN for space in (plain, with_y_first(plain))
}
"""Every space that a person can choose with `Frame.space`, by its name."""

_CODES: dict[str, CoordinateSpace] = {
    "unit": UNIT,
    "n100": N100,
    "n500": N500,
    "n999": N999,
    "n1000": N1000,
    "n1024": N1024,
    "bin+0.5": BINS,
    "square": SQUARE,
    "pixels": PIXELS,
    "resized": SEEN_PIXELS,
}
"""Short names of spaces; x comes first."""

KNOWN_SPACES = ", ".join((*_CODES, *SPACES))
"""What `find_space` takes, for messages; "_yxyx" behind a short name puts y first."""


def find_space(name: str) -> CoordinateSpace | None:
    """Return the space with a name, in full or short; without an order, x comes first.

    "normalized_xyxy" are fractions. None: there is no such space.
    """
    if code := _CODES.get(name.removesuffix("_xyxy").removesuffix("_yxyx")):
        return with_y_first(code) if name.endswith("_yxyx") else code
    spellings = (name, f"{name}_xyxy", name.replace("normalized_", "normalized_1_"))
    return next((SPACES[full] for full in spellings if full in SPACES), None)
