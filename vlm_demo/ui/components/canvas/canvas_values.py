"""Values of the canvas, and the regions that a browser says were marked on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError

from vlm_demo.markup.region_json import read_marked_regions, region_to_json
from vlm_demo.prompting.confidence import apply_confidence_threshold, region_confidences
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import encode_value
from vlm_demo.values import Mention, Point, Region, Reply, bounding_box


def reply_canvas_value(image: UploadedImage, reply: Reply, threshold: float = 0) -> str:
    """Value of the component: a picture and the regions of an answer, with their confidences.

    Regions with a confidence below `threshold`, 0 to 1, are left out.
    """
    confident = apply_confidence_threshold(reply, threshold)
    return canvas_value(image, confident.mentions, region_confidences(confident))


def canvas_value(
    image: UploadedImage | None,
    mentions: Sequence[Mention] = (),
    confidences: Sequence[Sequence[float | None]] = (),
    *,
    regions: Sequence[Region] | None = None,
) -> str:
    """Value of the component: a picture, the mentions on it, and the regions that people mark.

    Args:
        image: with another one, the regions on the old one go.
        mentions: what is drawn and named, as fractions of the picture.
        confidences: those of each mention's regions, 0 to 1.
        regions: take the place of those that are marked; None: they are left alone.
    """
    if image is None:
        return encode_value({"picture": None, "mentions": []})
    content = _canvas_content(image, mentions, confidences)
    if regions is not None:
        content["regions"] = [region_to_json(region) for region in regions]
    return encode_value(content)


def _canvas_content(
    image: UploadedImage,
    mentions: Sequence[Mention],
    confidences: Sequence[Sequence[float | None]],
) -> dict[str, Any]:
    width, height = image.size
    return {
        "picture": {
            "url": image.url,
            "width": width,
            "height": height,
            "name": image.name,
            "fingerprint": image.fingerprint,
        },
        "mentions": [
            _mention_content(index, mention, known or (None,) * len(mention.regions))
            for index, (mention, known) in enumerate(zip_longest(mentions, confidences))
        ],
    }


def _mention_content(
    index: int, mention: Mention, confidences: Sequence[float | None]
) -> dict[str, Any]:
    return {
        "phrase": mention.phrase.strip(),
        "confidence": mention.confidence,
        "colour": colour_of(index),
        "dash": dash_of(index),
        "regions": [
            region_to_json(region) | {"confidence": confidence}
            for region, confidence in zip(mention.regions, confidences, strict=True)
        ],
    }


def read_regions(value: object, image: UploadedImage | None) -> tuple[Region, ...]:
    """Read the regions that a browser says were marked on a picture, in their numbered order.

    A browser may send anything. Regions of another picture are none, and where one of them cannot
    be used or has no area, all are left out: the others' numbers would be wrong.
    """
    if image is None or not isinstance(value, dict):
        return ()
    if value.get("picture") != image.fingerprint:
        return ()
    try:
        regions = read_marked_regions(value.get("regions"))
    except ValidationError:
        return ()
    has_area = all(isinstance(r, Point) or bounding_box(r).area > 0 for r in regions)
    return regions if has_area else ()
