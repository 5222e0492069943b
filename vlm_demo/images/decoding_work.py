"""Refuses pictures that take much more work to decode than their size lets one think.

Files may say the same thing over and over in a few bytes each time. What is counted here is what
real files have few of; nothing is decoded for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vlm_demo.errors import ImageError
from vlm_demo.translatable_text import TranslatableText, message

MAX_SCANS = 100
"""Largest number of scans of a JPEG, each of which passes over the whole picture.

Encoders write about 10.
"""

MAX_CHUNKS = 20_000
"""Largest number of chunks of a PNG. Encoders that divide 20 MB finely write about 5,000."""

MAX_SIDE = 100_000
"""Longest side of a picture in pixels: decoders handle each row on its own."""

_START_OF_SCAN = b"\xff\xda"
"""Begins a scan; inside of one, 0x00 follows 0xFF (ITU T.81, sections B.1.1.3 and F.1.2.3)."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""Begins a PNG file: https://www.w3.org/TR/png-3/#5PNG-file-signature."""

_CHUNK_FRAME = 12
"""Bytes of a PNG chunk beside its data: length, type and checksum."""


def check_image_work(
    content: bytes, *, max_scans: int = MAX_SCANS, max_chunks: int = MAX_CHUNKS
) -> None:
    """Refuse a file that would keep a decoder busy for long.

    Raises:
        ImageError: it has too many scans or chunks.
    """
    if content.startswith(b"\xff\xd8"):
        scans = content.count(_START_OF_SCAN)
        if scans > max_scans:
            raise ImageError(TranslatableText(_TOO_MANY_SCANS, {"count": f"{scans:,}"}))
    elif content.startswith(_PNG_SIGNATURE):
        for number, _ in enumerate(_chunk_starts(content)):
            if number >= max_chunks:
                raise ImageError(TranslatableText(_TOO_MANY_CHUNKS, {"count": f"{max_chunks:,}"}))


def check_sides(size: tuple[int, int]) -> None:
    """Refuse a picture with a side of more pixels than any real one has.

    Raises:
        ImageError: a side is too long.
    """
    if max(size) > MAX_SIDE:
        raise ImageError(
            "This image is too long: {size} pixels; the limit is {max_side}.",
            size=f"{max(size):,}",
            max_side=f"{MAX_SIDE:,}",
        )


def _chunk_starts(content: bytes) -> Iterator[int]:
    position = len(_PNG_SIGNATURE)
    while position + _CHUNK_FRAME <= len(content):
        yield position
        (length,) = struct.unpack_from(">I", content, position)
        position += length + _CHUNK_FRAME


_TOO_MANY_SCANS = message(
    "This image has {count} scans, far more than it needs. Save it again with another program."
)

_TOO_MANY_CHUNKS = message(
    "This image has more than {count} chunks, far more than it needs. Save it again with "
    "another program."
)
