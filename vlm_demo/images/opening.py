"""Opens pictures. Everything that comes in is checked, and becomes upright RGB.

Pictures keep their full resolution, because regions are drawn and exported on them.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from vlm_demo.errors import ImageError
from vlm_demo.images.decoding_work import check_image_work, check_sides
from vlm_demo.images.pdf_pages import draw_page, is_pdf, is_pdf_file
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message

MAX_BYTES = 20_000_000
"""Largest file that is opened, in bytes, unless a caller says otherwise."""

MAX_PIXELS = 40_000_000
"""Largest picture that is opened, width times height, unless a caller says otherwise."""

QUICK_PIXELS = 4_200_000
"""Largest picture, width times height, that needs no worker: one of 2048 x 2048."""

QUICK_BYTES = 8_000_000
"""Largest file that needs no worker."""

QUICK_SCANS = 16
"""Largest number of scans of a JPEG that needs no worker."""

QUICK_CHUNKS = 1_000
"""Largest number of chunks of a PNG that needs no worker."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
"""Formats that are opened, by Pillow's names. The others are rare, or run programs (EPS)."""

_READABLE = "PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF and HEIC"

DAMAGE_ERRORS = (
    OSError,
    SyntaxError,
    LookupError,
    TypeError,
    ValueError,
    EOFError,
    OverflowError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow and its decoders raise for damaged files, found by damaging files of each format."""

pillow_heif.register_heif_opener()
# Damage and size are checked here; Pillow's warnings about them would only clutter the terminal.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


Content = bytes | Path
"""What is in a file; or a PDF on the disk, of which no more is read than a page needs."""


class ImageDecoder(Protocol):
    """Opens pictures somewhere else than in the process that asks."""

    def open(self, content: Content, *, max_pixels: int, frame: int) -> Image.Image:
        """Open the content of a file, as `open_content` does."""

    def ask(self, question: dict[str, Any], content: Content) -> tuple[dict[str, Any], bytes]:
        """Have `frames.answer_question` answer about the content of a file."""


_decoder: ImageDecoder | None = None


def set_decoder(decoder: ImageDecoder | None) -> None:
    """Have all pictures of this process opened by a decoder; None: here.

    A program that opens pictures of strangers sets one that can be stopped (`image_workers`).
    """
    global _decoder
    _decoder = decoder


def get_decoder() -> ImageDecoder | None:
    """Return the decoder that was set; None: there is none."""
    return _decoder


def is_quick_to_open(content: Content) -> bool:
    """Whether any file of this kind and size is decoded in a fraction of a second.

    Those are JPEG and PNG with few pixels, and few scans or chunks, all found without decoding.
    """
    if isinstance(content, Path):
        return False
    if len(content) > QUICK_BYTES or not content.startswith((b"\xff\xd8", b"\x89PNG\r\n\x1a\n")):
        return False
    try:
        check_image_work(content, max_scans=QUICK_SCANS, max_chunks=QUICK_CHUNKS)
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            is_animated = bool(getattr(image, "is_animated", False))
            return image.width * image.height <= QUICK_PIXELS and not is_animated
    except (ImageError, UnidentifiedImageError, Image.DecompressionBombError, *DAMAGE_ERRORS):
        return False


def open_image(
    source: Path | bytes | BinaryIO,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    frame: int = 0,
) -> Image.Image:
    """Open a picture: RGB, upright, one frame, transparency over white, without metadata.

    Args:
        source: a file's path, its content, or an open file, read from its current position.
        max_bytes: larger files are refused without being read.
        max_pixels: larger pictures (width times height) are refused without being decoded.
        frame: which frame of an animation, or page of a TIFF or PDF, from 0.

    Raises:
        ImageError: it is not a picture that can be read, or is too large.
    """
    content = load_content(source, max_bytes)
    if _decoder:
        return _decoder.open(content, max_pixels=max_pixels, frame=frame)
    return open_content(content, max_pixels=max_pixels, frame=frame)


def open_content(content: Content, *, max_pixels: int, frame: int) -> Image.Image:
    """Open the content of a file in this process; see `open_image`.

    Raises:
        ImageError: it is not a picture that can be read, or is too large.
    """
    if isinstance(content, Path) or is_pdf(content):
        return draw_page(content, frame, max_pixels=max_pixels)
    check_image_work(content)
    Image.init()  # otherwise `open` knows the names of five formats only
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            check_size(image.size, max_pixels)
            return to_plain_rgb(turn_upright(image, frame))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_many_pixels(max_pixels)) from error
    except UnidentifiedImageError as error:
        raise ImageError(_explain_unreadable(content)) from error
    except DAMAGE_ERRORS as error:
        raise ImageError(
            "This image is damaged and cannot be read to its end. Try another file."
        ) from error


def shrink_image(image: Image.Image, longest_side: int) -> Image.Image:
    """Scale an image down so that no side is longer than this, in pixels; or return it as it is."""
    longest = max(image.size)
    if longest <= longest_side:
        return image
    width, height = (max(1, round(side * longest_side / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def load_content(source: Path | bytes | BinaryIO, max_bytes: int) -> Content:
    """Read a source as `read_content` does; a PDF on the disk stays there.

    Raises:
        ImageError: it is empty, too large, or cannot be read.
    """
    if not isinstance(source, Path) or not is_pdf_file(source):
        return read_content(source, max_bytes)
    size = source.stat().st_size
    if size > max_bytes:
        raise ImageError(_too_many_bytes(size, max_bytes))
    return source


def read_content(source: Path | bytes | BinaryIO, max_bytes: int) -> bytes:
    """Read a source, but no more than is allowed.

    Raises:
        ImageError: it is empty, too large, or cannot be read.
    """
    if isinstance(source, bytes):
        content = source
    elif isinstance(source, Path):
        try:
            size = source.stat().st_size
            if size > max_bytes:
                raise ImageError(_too_many_bytes(size, max_bytes))
            content = source.read_bytes()
        except OSError as error:
            raise ImageError(
                "The file {source} cannot be read: {reason}.", source=source, reason=error.strerror
            ) from error
    else:
        content = source.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ImageError(_too_many_bytes(len(content), max_bytes))
    if not content:
        raise ImageError("This file is empty. Choose an image.")
    return content


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a picture without pixels, with too many, or with a side of too many.

    Raises:
        ImageError: it is too large, or empty.
    """
    width, height = size
    if width < 1 or height < 1:
        raise ImageError("This image has no pixels. Try another file.")
    check_sides(size)
    if width * height > max_pixels:
        own = TranslatableText(
            "It has {width} x {height}.", {"width": f"{width:,}", "height": f"{height:,}"}
        )
        raise ImageError(join_texts(_too_many_pixels(max_pixels), own))


def turn_upright(image: Image.Image, frame: int) -> Image.Image:
    """Decode a frame and turn it as its EXIF orientation says."""
    image.seek(frame)
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except DAMAGE_ERRORS:
        return image  # the pixels are fine; only the metadata is damaged


def to_plain_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB without metadata."""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    elif image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    plain = image.convert("RGB") if image.mode != "RGB" else image.copy()
    plain.info.clear()
    plain.getexif().clear()
    return plain


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale greyscale values of 16 or 32 bits to 0..255.

    16-bit values span their whole range; of others, only the range that the picture uses is known.
    """
    import numpy as np  # only here: few pictures have such values, and numpy is slow to import

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode.startswith("I") and values.min() >= 0 and values.max() <= 65_535:
        scaled = values / 257
    else:
        span = float(values.max() - values.min()) or 1.0
        scaled = (values - values.min()) / span * 255
    return Image.fromarray(scaled.round().astype(np.uint8))


def _explain_unreadable(content: bytes) -> DisplayText:
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in content[:4096]):
        return message("SVG is not supported. Save the image as PNG first.")
    return TranslatableText(
        "This file is not a supported image ({formats}).", {"formats": _READABLE}
    )


def _too_many_bytes(size: int, max_bytes: int) -> TranslatableText:
    return TranslatableText(
        "This file has {size} MB; the limit is {most} MB. Make it smaller.",
        {"size": f"{size / 1e6:.0f}", "most": f"{max_bytes / 1e6:.0f}"},
    )


def _too_many_pixels(max_pixels: int) -> TranslatableText:
    return TranslatableText(
        "This image is too large; the limit is {most} megapixels.",
        {"most": f"{max_pixels / 1e6:.0f}"},
    )
