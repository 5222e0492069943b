"""SVG: the picture with its regions as shapes and its labels as text, in one file.

Source: https://www.w3.org/TR/SVG11/. ElementTree escapes every phrase, so none can become markup;
nothing in the file runs or is fetched.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Sequence
from xml.etree import ElementTree

from PIL.Image import Image

from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.class_names import to_printable
from vlm_demo.rendering.label_layout import Bounds, Extent, place_labels, shorten_label
from vlm_demo.rendering.palette import INK, colour_of, dash_of
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Size, bounding_box

JPEG_QUALITY = 92
"""Quality of the embedded picture."""


def export_svg(annotated: AnnotatedImage) -> str:
    """Return the picture in full resolution, embedded, with what was found drawn over it."""
    width, height = annotated.size
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "font-family": "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif",
            "font-weight": "650",
        },
    )
    ElementTree.SubElement(root, "title").text = to_printable(annotated.name)
    picture = {"href": _embed(annotated.open()), "width": str(width), "height": str(height)}
    ElementTree.SubElement(root, "image", picture)
    line = max(2.0, min(annotated.size) / 160)
    shapes = ElementTree.SubElement(root, "g", {"fill-opacity": "0.08"})
    for index, mention in enumerate(annotated.mentions):
        _draw(shapes, index, mention, annotated.size, line)
    labels = ElementTree.SubElement(root, "g", {"fill": INK})
    _label(labels, annotated)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _embed(image: Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def _draw(
    parent: ElementTree.Element, index: int, mention: Mention, size: Size, line: float
) -> None:
    """Draw the regions of a mention, each with a dark edge under its colour."""
    group = ElementTree.SubElement(parent, "g", {"class": "mention"})
    ElementTree.SubElement(group, "title").text = to_printable(mention.phrase)
    colour = colour_of(index)
    for region in mention.regions:
        tag, place = _shape(region, size, line)
        if isinstance(region, Point):
            looks = {"fill": colour, "fill-opacity": "1", "stroke": INK}
            ElementTree.SubElement(group, tag, {**place, **looks, "stroke-width": f"{line:g}"})
            continue
        under = {"fill": "none", "stroke": INK, "stroke-width": f"{line + 2:g}"}
        ElementTree.SubElement(group, tag, {**place, **under})
        over = {"fill": colour, "stroke": colour, "stroke-width": f"{line:g}"}
        if dashes := dash_of(index):
            over["stroke-dasharray"] = " ".join(f"{length * line:g}" for length in dashes)
        ElementTree.SubElement(group, tag, {**place, **over})


def _shape(region: Region, size: Size, line: float) -> tuple[str, dict[str, str]]:
    match region:
        case Box():
            x1, y1, x2, y2 = region.to_pixels(size)
            return "rect", _format_numbers({"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1})
        case Point():
            x, y = region.to_pixels(size)
            return "circle", _format_numbers({"cx": x, "cy": y, "r": line * 3})
        case Polygon() if region.further_rings:
            rings = (_join_corners(ring) for ring in region.rings_to_pixels(size))
            return "path", {"d": " ".join(f"M{ring}Z" for ring in rings), "fill-rule": "evenodd"}
        case Polygon():
            return "polygon", {"points": _join_corners(region.to_pixels(size))}


def _join_corners(ring: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in ring)


def _label(parent: ElementTree.Element, annotated: AnnotatedImage) -> None:
    """Write each phrase beside its regions, clear of other labels; without room, its number."""
    letter = max(12.0, min(annotated.size) / 26)  # height in pixels
    named = [
        (index, phrase, bounding_box(region).to_pixels(annotated.size))
        for index, mention in enumerate(annotated.mentions)
        if (phrase := to_printable(mention.phrase))
        for region in mention.regions
    ]
    spots = place_labels(
        [bounds for *_, bounds in named],
        [_extent(shorten_label(phrase), letter) for _, phrase, _ in named],
        [_extent(str(index + 1), letter) for index, *_ in named],
        annotated.size,
    )
    for (index, phrase, _), (spot, in_words) in zip(named, spots, strict=True):
        words = shorten_label(phrase) if in_words else str(index + 1)
        _write(parent, spot, words, phrase, letter, colour_of(index))


def _write(
    parent: ElementTree.Element, spot: Bounds, words: str, phrase: str, letter: float, colour: str
) -> None:
    x1, y1, x2, y2 = spot
    group = ElementTree.SubElement(parent, "g")
    ElementTree.SubElement(group, "title").text = phrase
    place = _format_numbers(
        {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rx": letter / 4}
    )
    ElementTree.SubElement(group, "rect", {**place, "fill": colour})
    # Fonts differ between computers: the length keeps the words in their box.
    at = {"x": x1 + letter * 0.35, "y": y1 + letter * 1.1, "textLength": x2 - x1 - letter * 0.7}
    fitted = {"font-size": f"{letter:.2f}", "lengthAdjust": "spacingAndGlyphs"}
    ElementTree.SubElement(group, "text", {**_format_numbers(at), **fitted}).text = words


def _extent(words: str, letter: float) -> Extent:
    """Return the width and height of a label."""
    return _length(words) * letter + letter * 0.7, letter * 1.5


def _length(words: str) -> float:
    """Estimate the length of words, in heights of a letter."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return wide + 0.56 * (len(words) - wide)


def _format_numbers(numbers: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in numbers.items()}
