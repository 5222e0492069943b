"""Files in which several pictures are, where pictures are given: films, PDFs, TIFFs with pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL.Image import Image

from vlm_demo.errors import DocumentError, FilmError, ImageError
from vlm_demo.images.opening import MAX_BYTES, MAX_PIXELS
from vlm_demo.images.pdf_pages import is_pdf_file
from vlm_demo.media.containers import is_film
from vlm_demo.media.documents import Document, choose_pages, open_document
from vlm_demo.media.film_strip import STRIP_FRAMES, FilmStrip, open_film_strip
from vlm_demo.media.films import MAX_FILM_BYTES
from vlm_demo.units import format_film_time

FILM_SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"),
        *(".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv"),
    )
)
"""Endings of names of files that are taken for films where many files are looked through."""

DOCUMENT_SUFFIXES = frozenset((".pdf", ".tif", ".tiff"))
"""Endings of names of files that may have pages, likewise."""

FramedFile = Document | FilmStrip
"""A file in which several pictures are."""


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """Which frames of each film, and which pages of each document, are taken."""

    frames: int = STRIP_FRAMES
    """Number of frames of a film, evenly spaced."""

    rate: float = 0
    """Frames a second of a film, in place of a number; 0: a number."""

    pages: str = ""
    """Pages of a document, from 1: "1-3, 7"; "": all."""


@dataclass(frozen=True, slots=True)
class FramedImage:
    """A frame of a film, or a page of a document, that is read when it is opened."""

    file: FramedFile
    index: int
    """Which one, from 0: a place on the strip, or a page."""

    @property
    def page(self) -> int | None:
        """Its number in a document, from 1; None: it is of a film."""
        return self.index + 1 if isinstance(self.file, Document) else None

    @property
    def seconds(self) -> float | None:
        """When it is shown in a film, in seconds; None: it is of a document."""
        return self.file.frames.times[self.index] if isinstance(self.file, FilmStrip) else None

    @property
    def label(self) -> str:
        """Its time or its page, as people read it: "0:12.5", "Page 3"."""
        if self.seconds is not None:
            return format_film_time(self.seconds)
        return f"Page {self.page}"

    @property
    def facts(self) -> dict[str, float]:
        """Its time or its page, for programs."""
        if self.seconds is not None:
            return {"seconds": round(self.seconds, 3)}
        return {"page": self.index + 1}

    def name_after(self, name: str) -> str:
        """Return a name beside that of its file, in the order of frames when sorted.

        They are "film.mp4 00-00-12.500.png" and "report.pdf page 003.png".
        """
        if self.seconds is None:
            digits = max(3, len(str(self.file.pages)))
            return f"{name} page {self.page:0{digits}d}.png"
        minutes, rest = divmod(round(self.seconds * 1000), 60_000)
        hours, minutes = divmod(minutes, 60)
        return f"{name} {hours:02d}-{minutes:02d}-{rest / 1000:06.3f}.png"

    def open(self) -> Image:
        """Read it.

        Raises:
            ImageError: it is damaged, or its file is gone or takes too long.
        """
        try:
            return self.file.page(self.index)
        except FilmError as error:
            raise ImageError(error.message) from error


def may_be_framed(name: str) -> bool:
    """Whether a file of this name may be a film, or a document with pages."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in FILM_SUFFIXES or suffix in DOCUMENT_SUFFIXES


def open_framed_file(
    path: Path,
    choice: FrameChoice | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    max_film_bytes: int = MAX_FILM_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> FramedFile | None:
    """Open a film or a document by its content; None: it is an ordinary picture, or unknown.

    A GIF and other animations are pictures here, as everywhere where pictures are given.

    Args:
        path: the file.
        choice: which frames of a film.
        max_bytes: of a TIFF.
        max_film_bytes: of a film, or a PDF.
        max_pixels: of a page, width times height.

    Raises:
        FilmError: it is a film that cannot be read, or is too large.
        ImageError: it is a document that cannot be read, or is too large.
    """
    choice = choice or FrameChoice()
    head = _read_head(path)
    if is_film(path) and not head.startswith(b"GIF8"):
        return open_film_strip(
            path, max_bytes=max_film_bytes, count=choice.frames, rate=choice.rate
        )
    if path.suffix.lower() in FILM_SUFFIXES:
        return open_film_strip(path, max_bytes=max_film_bytes)  # says what is wrong with it
    if is_pdf_file(path):
        return open_document(path, max_bytes=max_film_bytes, max_pixels=max_pixels)
    if not head.startswith((b"II", b"MM")):  # TIFF 6.0, section 2
        return None
    document = open_document(path, max_bytes=max_bytes, max_pixels=max_pixels)
    return document if document.pages > 1 else None


def list_framed_images(file: FramedFile, choice: FrameChoice) -> tuple[FramedImage, ...]:
    """Return the frames or pages of a file that are chosen, in order; nothing is read yet.

    Raises:
        DocumentError: a document does not have these pages, or too many.
    """
    if isinstance(file, FilmStrip):
        return tuple(FramedImage(file, index) for index in range(file.pages))
    return tuple(FramedImage(file, index) for index in choose_pages(choice.pages, file.pages))


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise DocumentError(
            "The file {source} cannot be read: {reason}.",
            source=str(path),
            reason=error.strerror or str(error),
        ) from error
