"""Which files may hold a film: found by their first bytes, never by their names.

FFmpeg, by which OpenCV reads films, also opens lists of other files and of addresses (HLS,
`ffconcat`): a stranger's list would make the program read what it names. Only real containers pass.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.errors import FilmError
from vlm_demo.translatable_text import TranslatableText, message

HEAD_BYTES = 400
"""Bytes of a file that are looked at: two packets of MPEG-TS."""

_SIGNATURES = (
    (0, b"\x1aE\xdf\xa3"),  # Matroska and WebM: https://www.rfc-editor.org/rfc/rfc8794
    (0, b"GIF8"),
    (0, b"OggS"),  # https://www.rfc-editor.org/rfc/rfc3533
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, such as WMV
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream: ISO/IEC 13818-1
    (0, b"\x00\x00\x01\xb3"),  # MPEG-1 and MPEG-2 video
)

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""Types of the first box of MP4 and QuickTime files: ISO/IEC 14496-12, and Apple's QTFF."""

_PICTURE_BRANDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"mif2", b"msf1", b"miaf", b"avif", b"avis"),
)
"""Brands of pictures, which are in the same container as MP4: HEIC (ISO/IEC 23008-12, annex B) and
AVIF (https://aomediacodec.github.io/av1-avif/)."""

_TS_PACKET = 188
"""Bytes of a packet of an MPEG transport stream, each of which begins with 0x47."""

NOT_A_FILM = message(
    "This file is not a supported video (MP4, MOV, WebM, MKV, AVI, MPEG, WMV, FLV, Ogg or GIF)."
)
"""What is said of a file that is no film, whatever its name is."""


def is_film(path: Path) -> bool:
    """Whether a file begins as a film does; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _begins_film(file.read(HEAD_BYTES))
    except OSError:
        return False


def check_container(path: Path, max_bytes: int) -> None:
    """Refuse a file that is no film, or too large.

    Raises:
        FilmError: it is one of these, or cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise FilmError(
            "The video cannot be read: {reason}", reason=error.strerror or str(error)
        ) from error
    if size > max_bytes:
        raise FilmError(
            "This video has {size} MB; the limit is {most} MB. Cut it, or save it in lower "
            "quality.",
            size=f"{size / 1e6:.0f}",
            most=f"{max_bytes / 1e6:.0f}",
        )
    if not _begins_film(head):
        raise FilmError(TranslatableText(NOT_A_FILM))


def _begins_film(head: bytes) -> bool:
    if any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        return True
    if head[4:8] in _BOXES and len(head) > 8:
        return head[4:8] != b"ftyp" or head[8:12] not in _PICTURE_BRANDS
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return True
    return head[:1] == b"G" and head[_TS_PACKET : _TS_PACKET + 1] == b"G"
