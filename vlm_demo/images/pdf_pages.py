"""Pages of PDF files as pictures, each drawn when it is asked for.

PDFium draws them (https://pypdfium2.readthedocs.io); it runs no scripts of a document. A page is
drawn at a resolution that keeps small print readable, within a limit of pixels, so that a poster
costs no more than a letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import sqrt
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from PIL import Image

from vlm_demo.errors import DocumentError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # it has no types

DPI = 200
"""Resolution at which a page is drawn, in pixels per inch: that of an ordinary scan."""

MAX_PAGE_PIXELS = 8_000_000
"""Largest picture of a page, width times height: A4 at the resolution has 3.9 million."""

POINTS_PER_INCH = 72
"""The unit of a page's size, ISO 32000-1, section 8.3.2.3."""

MAX_SIDE_POINTS = 14_400
"""Longest side of a page in points that is believed: 200 inches (ISO 32000-1, annex C)."""

_HEAD_BYTES = 1024

_PASSWORD = 4
"""PDFium's code of a document that needs a password (`FPDF_ERR_PASSWORD` in fpdfview.h)."""

_lock = Lock()  # PDFium must not be used by two threads at a time


def is_pdf_file(path: Path) -> bool:
    """Whether a file begins as PDFs do; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return is_pdf(file.read(_HEAD_BYTES))
    except OSError:
        return False


def is_pdf(content: bytes) -> bool:
    """Whether a file begins as PDFs do; some bytes may come before (ISO 32000-1, annex H)."""
    return b"%PDF-" in content[:_HEAD_BYTES]


def count_pages(content: bytes | Path) -> int:
    """Return how many pages a PDF has, given its content or its file.

    Raises:
        DocumentError: it is encrypted or damaged.
    """
    with _open_pdf(content) as pdf:
        return len(pdf)


def draw_page(
    content: bytes | Path, index: int, *, max_pixels: int, longest_side: int | None = None
) -> Image.Image:
    """Draw a page of a PDF.

    Args:
        content: the file, or what is in it.
        index: which page, from 0.
        max_pixels: largest picture, width times height.
        longest_side: longest side of the picture in pixels; None: what the resolution makes.

    Raises:
        DocumentError: it is encrypted or damaged, or there is no such page.
    """
    with _open_pdf(content) as pdf:
        if not 0 <= index < len(pdf):
            raise DocumentError("This document has {count} pages.", count=len(pdf))
        return _draw(pdf, index, max_pixels, longest_side)


def _draw(pdf: PdfDocument, index: int, max_pixels: int, longest_side: int | None) -> Image.Image:
    from pypdfium2 import PdfiumError  # only here: few files are PDFs

    try:
        with closing(pdf[index]) as page:
            width, height = (min(max(side, 1.0), MAX_SIDE_POINTS) for side in page.get_size())
            scale = DPI / POINTS_PER_INCH
            if longest_side:
                scale = min(scale, longest_side / max(width, height))
            scale = min(scale, sqrt(min(max_pixels, MAX_PAGE_PIXELS) / (width * height)))
            with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
                image: Image.Image = bitmap.to_pil()
                return image.convert("RGB")
    except (PdfiumError, ValueError) as error:
        raise DocumentError(
            "Page {number} of this document is damaged and cannot be shown.", number=index + 1
        ) from error


@contextmanager
def _open_pdf(content: bytes | Path) -> Iterator[PdfDocument]:
    """Open a document; no other thread uses PDFium meanwhile."""
    from pypdfium2 import PdfDocument, PdfiumError  # only here: few files are PDFs

    with _lock:
        try:
            pdf = PdfDocument(content)
        except FileNotFoundError as error:
            raise DocumentError("This file is gone. Add it again.") from error
        except PdfiumError as error:
            if error.err_code == _PASSWORD:
                raise DocumentError(
                    "This document is encrypted. Save a copy without a password and add that."
                ) from error
            raise DocumentError(
                "This document is damaged and cannot be opened. Try another file."
            ) from error
        with closing(pdf):
            yield pdf
