"""Writes pictures into requests: as they are where that is small, otherwise as JPEG.

JPEG is what every server opens; llama.cpp, for one, reads no WebP.
"""

from __future__ import annotations

import base64
import io

from PIL.Image import Image

SMALL_BYTES = 200_000
"""Largest PNG that is sent without asking whether JPEG would be smaller."""

MAX_BYTES = 1_400_000
"""Largest JPEG of a picture of up to `MAX_BUDGET_PIXELS`; as base64 it has a third more."""

MAX_BUDGET_PIXELS = 2_048 * 2_048
"""Pixels of the largest picture to which `MAX_BYTES` applies; of larger ones, more is sent."""

MUCH_SMALLER = 0.5
"""Largest share of a PNG's bytes for which JPEG is worth its blurred edges."""

QUALITIES = (90, 75, 50, 25)
"""Qualities that are tried in turn until a JPEG is small enough; colours are not thinned out."""


def data_url(image: Image) -> str:
    """Write a picture as a data URL.

    Drawings, screenshots and small pictures are sent as PNG, which keeps every pixel: there it is
    hardly larger. Photographs are sent as JPEG.
    """
    kind, content = _encode(image)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encode(image: Image) -> tuple[str, bytes]:
    png = _save(image, "PNG", compress_level=1)  # a third larger than usual, far sooner
    if len(png) <= SMALL_BYTES:
        return "png", png
    share = max(1.0, image.width * image.height / MAX_BUDGET_PIXELS)
    limit = round(MAX_BYTES * share)
    jpeg = b""
    for quality in QUALITIES:
        jpeg = _save(image, "JPEG", quality=quality, subsampling=0)
        if len(jpeg) <= limit:
            break
    is_smaller = len(jpeg) <= MUCH_SMALLER * len(png) or len(png) > limit
    return ("jpeg", jpeg) if is_smaller else ("png", png)


def _save(image: Image, file_format: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, file_format, **options)
    return content.getvalue()
