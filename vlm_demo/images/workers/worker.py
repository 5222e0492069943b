"""The program of a worker: opens the pictures that come in, one after the other.

It runs with little memory, less right to the processor than the page, and none of the page's
environment variables, in which keys may be.
"""

from __future__ import annotations

import contextlib
import os
import sys

from vlm_demo.errors import DocumentError, ImageError
from vlm_demo.images.frames import answer_question
from vlm_demo.images.opening import open_content
from vlm_demo.images.workers.messages import read_message, write_message
from vlm_demo.translatable_text import text_to_json

MAX_MEMORY = 4 << 30
"""Most bytes of address space: a picture of 40 megapixels takes a quarter of it."""

NICENESS = 10
"""How much less of the processor a worker gets than the page."""


def main() -> None:
    """Answer messages until the page is gone."""
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no message
    _limit()
    while True:
        try:
            asked, content = read_message(source)
        except EOFError:
            return
        try:
            if asked["task"] != "open":
                write_message(target, *answer_question(asked, content))
                continue
            image = open_content(content, max_pixels=asked["max_pixels"], frame=asked["frame"])
            write_message(target, {"size": image.size}, image.tobytes())
            del image
        except ImageError as error:
            is_document = isinstance(error, DocumentError)
            refusal = {"refused": text_to_json(error.message), "is_document": is_document}
            write_message(target, refusal)


def _limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(NICENESS)


if __name__ == "__main__":
    main()
    sys.exit(0)
