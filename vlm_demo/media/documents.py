"""Documents: the pages of a PDF or TIFF, and the frames of an animation, one picture at a time.

A page is a picture like any other once it is drawn. Nothing is held: each page is drawn when it is
asked for, from the file, in the worker that opens pictures where there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vlm_demo.errors import DocumentError
from vlm_demo.images.frames import FrameKind, FrameList, draw_thumbnails, list_frames
from vlm_demo.images.opening import MAX_BYTES, MAX_PIXELS, load_content, open_image

MAX_PAGES = 1_000
"""Largest number of pages that are taken at a time."""

_RANGE = re.compile(r"\s*(?P<first>[0-9]{1,6})\s*(?:-\s*(?P<last>[0-9]{1,6}))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """A file with pages or frames."""

    path: Path
    frames: FrameList
    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS

    @property
    def pages(self) -> int:
        """How many there are."""
        return self.frames.count

    @property
    def kind(self) -> FrameKind:
        """What they are: pages of a document, or frames of an animation."""
        return self.frames.kind

    def page(self, index: int) -> Image.Image:
        """Draw a page.

        Args:
            index: which one, from 0.

        Raises:
            DocumentError: there is no such page.
            ImageError: it cannot be drawn, or takes too long.
        """
        if not 0 <= index < self.pages:
            raise DocumentError("This file has {count} pages.", count=self.pages)
        return open_image(
            self.path, max_bytes=self.max_bytes, max_pixels=self.max_pixels, frame=index
        )

    def draw_thumbnails(self, indices: list[int], longest_side: int) -> list[bytes]:
        """Draw pages small; see `images.frames.draw_thumbnails`.

        Raises:
            DocumentError: there is no such page.
            ImageError: the file cannot be opened, or takes too long.
        """
        if any(not 0 <= index < self.pages for index in indices):
            raise DocumentError("This file has {count} pages.", count=self.pages)
        content = load_content(self.path, self.max_bytes)
        return draw_thumbnails(
            content, indices, max_pixels=self.max_pixels, longest_side=longest_side
        )


def open_document(
    path: Path, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> Document:
    """Open a file with pages; a picture is one of one page.

    Args:
        path: a PDF, or a picture.
        max_bytes: larger files are refused without being read.
        max_pixels: largest page, width times height.

    Raises:
        ImageError: the file is empty, too large, or cannot be read. A damaged one is refused when
            its first page is asked for.
    """
    content = load_content(path, max_bytes)
    return Document(path, list_frames(content), max_bytes, max_pixels)


def choose_pages(words: str, count: int) -> tuple[int, ...]:
    """Read which pages of a document are meant.

    Args:
        words: numbers from 1 and ranges, as in "1-3, 7"; "": all.
        count: how many pages the document has.

    Returns:
        The pages, from 0, in the order in which they are named, each once.

    Raises:
        DocumentError: these are no pages, or the document does not have them, or they are more
            than are taken at a time.
    """
    if not words.strip():
        if count > MAX_PAGES:
            raise DocumentError(
                "This document has {count} pages; at most {most} are taken at a time. Choose "
                "pages, such as 1-{most}.",
                count=f"{count:,}",
                most=MAX_PAGES,
            )
        return tuple(range(count))
    chosen: dict[int, None] = {}
    check_pages(words)
    for match in map(_RANGE.fullmatch, words.split(",")):
        assert match is not None  # this was checked
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not 1 <= first <= last <= count:
            raise DocumentError(
                "There are no pages {pages}: this document has {count}.",
                pages=match[0].strip(),
                count=count,
            )
        chosen.update(dict.fromkeys(range(first - 1, last)))
        if len(chosen) > MAX_PAGES:
            raise DocumentError("At most {most} pages are taken at a time.", most=MAX_PAGES)
    return tuple(chosen)


def check_pages(words: str) -> None:
    """Refuse words that name no pages, whatever the document; "" is all pages.

    Raises:
        DocumentError: these are no pages.
    """
    if words.strip() and not all(map(_RANGE.fullmatch, words.split(","))):
        raise DocumentError("Write pages as numbers and ranges, such as 1-3, 7.")
