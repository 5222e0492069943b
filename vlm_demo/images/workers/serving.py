"""The loop of a worker's program: it answers the messages that come in, one after the other.

It runs with little memory, less right to the processor than the page, and none of the page's
environment variables, in which keys may be.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.images.workers.messages import read_message, write_message
from vlm_demo.translatable_text import text_to_json

MAX_MEMORY = 4 << 30
"""Most bytes of address space: a picture of 40 megapixels takes a quarter of it."""

NICENESS = 10
"""How much less of the processor a worker gets than the page."""

Answer = Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]
"""What a worker does with a message: from its JSON and its bytes to those of the answer."""


def serve_messages(answer: Answer) -> None:
    """Answer messages until the page is gone.

    An InputError becomes `{"refused": its text, "kind": the name of its class}`.
    """
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
            write_message(target, *answer(asked, content))
        except InputError as error:
            refusal = {"refused": text_to_json(error.message), "kind": type(error).__name__}
            write_message(target, refusal)


def _limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(NICENESS)
