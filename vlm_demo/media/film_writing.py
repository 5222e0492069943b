"""Writes films that browsers play, as far as this computer's OpenCV can.

Its wheels hold no encoder of H.264, which is patented; where a system's FFmpeg has one, it is used.
Otherwise it is VP9 in MP4, or VP8 in WebM: https://developer.mozilla.org/en-US/docs/Web/Media
(video codec guide) says that all current browsers play these.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image as PilImage
from PIL.Image import Image, Resampling

from vlm_demo.errors import FilmError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.media.capture import import_cv2
from vlm_demo.values import Size


@dataclass(frozen=True, slots=True)
class FilmCodec:
    """A way to write films."""

    tag: str
    """Four letters by which OpenCV knows it."""

    ending: str
    """Of the files, without a dot."""


BROWSER_CODECS = (FilmCodec("avc1", "mp4"), FilmCodec("vp09", "mp4"), FilmCodec("VP80", "webm"))
"""Those that browsers play, the most common first."""


@cache
def browser_codec() -> FilmCodec:
    """Return how to write a film that browsers play.

    Raises:
        FilmError: this computer cannot.
    """
    for codec in BROWSER_CODECS:
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"try.{codec.ending}"
            try:
                _write(path, [_grey_picture()], 10, codec)
            except FilmError:
                continue
        return codec
    raise FilmError(
        "This computer cannot write videos that browsers play: its OpenCV has no encoder for "
        "H.264, VP9 or VP8. Install opencv-python-headless from PyPI, which has one."
    )


def write_film(
    path: Path, images: Iterable[Image], rate: float, *, codec: FilmCodec | None = None
) -> int:
    """Write pictures as a film, as they come; return how many there were.

    The first sets the size, in even numbers of pixels; others are scaled to it. The file appears
    when it is complete.

    Args:
        path: of the film, with the ending of the codec.
        images: in order; each is shown equally long.
        rate: pictures a second.
        codec: None: one that browsers play.

    Raises:
        FilmError: this computer cannot write such films, or there are no pictures.
        FileError: the file cannot be written.
    """
    codec = codec or browser_codec()
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"film.{codec.ending}"
        count = _write(draft, images, rate, codec)
        with atomic_write(path) as target, draft.open("rb") as source:
            shutil.copyfileobj(source, target)
    return count


def _write(path: Path, images: Iterable[Image], rate: float, codec: FilmCodec) -> int:
    writer: Any = None
    count, size = 0, (0, 0)
    try:
        for image in images:
            if writer is None:
                size = _even(image.size)
                writer = _open_writer(path, rate, codec, size)
            writer.write(_to_array(image, size))
            count += 1
    finally:
        if writer is not None:
            writer.release()
    if not count:
        raise FilmError("There are no frames to make a video of.")
    if not path.is_file() or not path.stat().st_size:
        raise FilmError("The video could not be written: the disk may be full.")
    return count


def _open_writer(path: Path, rate: float, codec: FilmCodec, size: Size) -> Any:
    cv2 = import_cv2()
    tag = cv2.VideoWriter_fourcc(*codec.tag)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, tag, rate, size)
    if not writer.isOpened():
        raise FilmError("This computer's OpenCV cannot write {tag} videos.", tag=codec.tag)
    return writer


def _even(size: Size) -> Size:
    width, height = size
    return max(2, width - width % 2), max(2, height - height % 2)


def _to_array(image: Image, size: Size) -> Any:
    """Return a picture as OpenCV takes it: blue, green, red."""
    fitted = image if image.size == size else image.resize(size, Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(fitted.convert("RGB"))[:, :, ::-1])


def _grey_picture() -> Image:
    return PilImage.new("RGB", (64, 64), "grey")
