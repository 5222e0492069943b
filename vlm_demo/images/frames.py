"""What is inside of one file: the frames of an animation, or the pages of a document.

They are counted, timed and drawn small, for a strip to choose from, without keeping any: the
worker of a page has one of them in memory at a time.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError

from vlm_demo.errors import DocumentError, ImageError
from vlm_demo.images.decoding_work import check_image_work
from vlm_demo.images.opening import (
    DAMAGE_ERRORS,
    FORMATS,
    Content,
    check_size,
    get_decoder,
    shrink_image,
    to_plain_rgb,
    turn_upright,
)
from vlm_demo.images.pdf_pages import count_pages, draw_page, is_pdf

FrameKind = Literal["picture", "document", "animation", "film"]
"""What a file is: one picture, pages, or frames with times; films are opened in `media`."""

MAX_FRAMES = 10_000
"""Largest number of frames that is believed."""

TIMING_S = 5.0
"""Seconds after which the times of an animation's frames are no longer looked for."""

DEFAULT_DURATION_MS = 100
"""How long browsers show a frame of an animation that says nothing, or less than 20 ms."""

MAX_THUMBNAILS = 24
"""Largest number of frames that are drawn small at a time."""

MAX_THUMBNAIL_SIDE = 320
"""Longest side of a small picture in pixels."""

_JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class FrameList:
    """How many frames or pages a file has."""

    count: int = 1
    kind: FrameKind = "picture"
    times: tuple[float, ...] = ()
    """Seconds from the beginning at which each frame is shown first; (): that is not known."""


def list_frames(content: Content) -> FrameList:
    """Return the frames or pages of a file's content; one where that cannot be found out."""
    try:
        answer, _ = _ask({"task": "frames"}, content)
    except ImageError:
        return FrameList()
    return FrameList(int(answer["count"]), answer["kind"], tuple(answer["times"]))


def draw_thumbnails(
    content: Content, frames: Sequence[int], *, max_pixels: int, longest_side: int
) -> list[bytes]:
    """Draw frames or pages small.

    Args:
        content: the file.
        frames: which ones, from 0; at most `MAX_THUMBNAILS`.
        max_pixels: larger pictures (width times height) are refused without being decoded.
        longest_side: of a small picture, in pixels; at most `MAX_THUMBNAIL_SIDE`.

    Returns:
        A JPEG for each; b"" where one is damaged.

    Raises:
        ImageError: the file cannot be opened, or takes too long.
    """
    question = {
        "task": "thumbnails",
        "frames": list(frames[:MAX_THUMBNAILS]),
        "max_pixels": max_pixels,
        "longest_side": min(longest_side, MAX_THUMBNAIL_SIDE),
    }
    answer, joined = _ask(question, content)
    parts, at = [], 0
    for length in answer["lengths"]:
        parts.append(joined[at : at + length])
        at += length
    return parts


def answer_question(question: dict[str, Any], content: Content) -> tuple[dict[str, Any], bytes]:
    """Answer a question about the content of a file in this process.

    Raises:
        ImageError: the file cannot be opened.
    """
    if question["task"] == "frames":
        return asdict(_list_here(content)), b""
    parts = _draw_here(
        content, question["frames"], question["max_pixels"], question["longest_side"]
    )
    return {"lengths": list(map(len, parts))}, b"".join(parts)


def _ask(question: dict[str, Any], content: Content) -> tuple[dict[str, Any], bytes]:
    decoder = get_decoder()
    return decoder.ask(question, content) if decoder else answer_question(question, content)


def _list_here(content: Content) -> FrameList:
    if isinstance(content, Path) or is_pdf(content):
        return FrameList(max(1, count_pages(content)), "document")
    Image.init()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            count = min(max(1, int(getattr(image, "n_frames", 1))), MAX_FRAMES)
            if count == 1:
                return FrameList()
            if image.format == "TIFF":
                return FrameList(count, "document")
            return FrameList(count, "animation", _find_times(image, count))
    except (*DAMAGE_ERRORS, Image.DecompressionBombError):
        return FrameList()


def _find_times(image: Image.Image, count: int) -> tuple[float, ...]:
    """Return when each frame is shown first, in seconds; (): it takes too long to find out."""
    end, at_ms, times = time.monotonic() + TIMING_S, 0.0, []
    with suppress(*DAMAGE_ERRORS):
        for index in range(count):
            image.seek(index)
            image.load()
            times.append(at_ms / 1000)
            duration = float(image.info.get("duration", 0))
            at_ms += duration if duration >= 20 else DEFAULT_DURATION_MS
            if time.monotonic() > end:
                return ()
    return tuple(times) if len(times) == count else ()


def _draw_here(
    content: Content, frames: Sequence[int], max_pixels: int, longest_side: int
) -> list[bytes]:
    if isinstance(content, Path) or is_pdf(content):
        return [_draw_small_page(content, index, max_pixels, longest_side) for index in frames]
    check_image_work(content)
    Image.init()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            check_size(image.size, max_pixels)
            return [_draw_small_frame(image, index, longest_side) for index in frames]
    except (UnidentifiedImageError, Image.DecompressionBombError, *DAMAGE_ERRORS) as error:
        raise ImageError("This image is damaged. Try another file.") from error


def _draw_small_page(content: Content, index: int, max_pixels: int, longest_side: int) -> bytes:
    try:
        page = draw_page(content, index, max_pixels=max_pixels, longest_side=longest_side)
    except DocumentError:
        return b""
    return _encode(page)


def _draw_small_frame(image: Image.Image, index: int, longest_side: int) -> bytes:
    try:
        return _encode(shrink_image(to_plain_rgb(turn_upright(image, index)), longest_side))
    except DAMAGE_ERRORS:
        return b""


def _encode(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
