"""Draws films of moving shapes, with their ground truth: for tests, and to try tracking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from vlm_demo.scenes.kinds import COLOURS, KINDS
from vlm_demo.scenes.painting import draw_shape
from vlm_demo.scenes.scene import SceneObject
from vlm_demo.values import Box, Size

SIZE = (320, 240)
"""Width and height of the films in pixels."""


@dataclass(frozen=True, slots=True)
class MovingShape:
    """A shape that moves to and fro between two places."""

    colour: str
    kind: str
    side: int  # pixels
    start: tuple[float, float]  # of its centre, in pixels
    end: tuple[float, float]
    period_s: float  # seconds from start to end and back

    def centre(self, seconds: float) -> tuple[float, float]:
        """Return where its centre is at a time, in pixels."""
        turn = (seconds / self.period_s) % 1
        share = 2 * turn if turn < 0.5 else 2 - 2 * turn
        (ax, ay), (bx, by) = self.start, self.end
        return ax + (bx - ax) * share, ay + (by - ay) * share


CROSSING_SHAPES = (
    MovingShape("red", "circle", 64, (50, 60), (270, 60), 20),
    MovingShape("blue", "square", 60, (270, 180), (50, 180), 16),
    MovingShape("green", "triangle", 64, (160, 45), (160, 195), 24),
)
"""Three shapes; the third crosses the ways of the others."""


def draw_film_frame(
    seconds: float, shapes: Sequence[MovingShape] = CROSSING_SHAPES, size: Size = SIZE
) -> tuple[Image.Image, tuple[SceneObject, ...]]:
    """Return the picture at a time, and what is in it; later shapes cover earlier ones."""
    image = Image.new("RGB", size, "white")
    objects = []
    for shape in shapes:
        x, y = shape.centre(seconds)
        corner = round(x - shape.side / 2), round(y - shape.side / 2)
        width, height = draw_shape(
            image, shape.kind, COLOURS[shape.colour].shades[0], shape.side, corner
        )
        corners = (*corner, corner[0] + width, corner[1] + height)
        box = Box.normalize(*corners, by=size)
        objects.append(SceneObject(KINDS[shape.kind], shape.colour, box))
    return image, tuple(objects)
