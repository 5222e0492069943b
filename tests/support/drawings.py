"""Plain drawings that no generator of the project made: shapes in pure colours on white."""

import math

from PIL import Image, ImageDraw

Pixels = tuple[float, float, float, float]


def drawing(size: tuple[int, int], *things: tuple[str, str, Pixels]) -> Image.Image:
    """Draw (colour, shape, x1 y1 x2 y2 in pixels) on white."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for colour, shape, (x1, y1, x2, y2) in things:
        match shape:
            case "circle":
                pen.ellipse((x1, y1, x2, y2), fill=colour)
            case "square":
                pen.rectangle((x1, y1, x2, y2), fill=colour)
            case "triangle":
                pen.polygon([((x1 + x2) / 2, y1), (x2, y2), (x1, y2)], fill=colour)
            case "star":
                pen.polygon(_star((x1, y1, x2, y2)), fill=colour)
    return picture


def _star(box: Pixels) -> list[tuple[float, float]]:
    """Ten corners of a five-pointed star that fills the box."""
    corners = []
    for index in range(10):
        radius, angle = (1.0 if index % 2 == 0 else 0.4), math.pi * index / 5
        corners.append((radius * math.sin(angle), -radius * math.cos(angle)))
    xs, ys = zip(*corners, strict=True)
    x1, y1, x2, y2 = box
    return [
        (
            x1 + (x - min(xs)) / (max(xs) - min(xs)) * (x2 - x1),
            y1 + (y - min(ys)) / (max(ys) - min(ys)) * (y2 - y1),
        )
        for x, y in corners
    ]
