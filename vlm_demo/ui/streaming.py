"""Replies at the pace of a page, and errors as the page shows them."""

from __future__ import annotations

import errno
import html
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import gradio as gr
from gradio.context import LocalContext

from vlm_demo.backend import Backend
from vlm_demo.engines.channel import HEARTBEAT_S, PACE_S, Channel
from vlm_demo.errors import FileError, VlmDemoError
from vlm_demo.translatable_text import DisplayText, TranslatableText, message
from vlm_demo.ui.i18n import translate
from vlm_demo.ui.i18n.visitor_language import choose_language
from vlm_demo.values import Reply, Request

PATIENCE_S = 0.05
"""Longest time in seconds before the first item of a stream.

An answer that begins sooner is shown at once, without what it waits for: a person does not notice,
and the page is drawn once instead of twice.
"""

log = logging.getLogger(__name__)

T = TypeVar("T")


def stream_replies(
    backend: Backend, model: str, request: Request
) -> Generator[Reply | None, None, None]:
    """Yield the newest reply from time to time, and None while there is nothing new.

    The first item comes soon, whatever is computed. The last reply is complete. Closing the
    iterator stops the model.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    channel: Channel[Reply] = Channel()
    channel.feed(lambda: backend.answer(model, request), f"answer by {model}")
    yield from channel.iterate(
        HEARTBEAT_S, first_heartbeat_s=PATIENCE_S, newest_only=True, pace_s=PACE_S
    )


def compute_in_thread(compute: Callable[[], T]) -> Iterator[T | None]:
    """Yield None at once and from time to time, and at last what `compute` returns.

    Closing the iterator does not stop the computation; its result is dropped.

    Raises:
        Exception: what `compute` raises.
    """

    def source() -> Generator[T, None, None]:
        yield compute()

    channel: Channel[T] = Channel()
    channel.feed(source, "computation for the page")
    yield None
    yield from channel.iterate(HEARTBEAT_S)


@contextmanager
def raise_gradio_errors() -> Iterator[None]:
    """Turn every error into one clear message for the program that called.

    Raises:
        gr.Error: with a message for people.
    """
    try:
        yield
    except Exception as error:
        text = html.escape(str(error_message(error)), quote=False)  # Gradio's messages are HTML
        raise gr.Error(text, print_exception=False) from error


@contextmanager
def show_errors() -> Iterator[None]:
    """Show every error as one clear message, and let the handler end.

    A handler that ends before its first yield empties its outputs: begin with `yield gr.skip()`.
    A gr.Error would cover the components with a sign, and so what a person has written.
    """
    try:
        yield
    except Exception as error:
        show_message(gr.Warning, error_message(error), duration=12)


def show_message(show: Callable[..., None], text: DisplayText, **options: Any) -> None:
    """Show one of Gradio's messages in the visitor's language.

    Gradio takes everything out of their HTML by which the page could translate them.
    """
    request = LocalContext.request.get()
    language = choose_language(request.headers) if request else "en"
    show(html.escape(translate(text, language), quote=False), **options)


MESSAGE_TITLES = (message("Warning"), message("Info"), message("Error"))
"""Gradio's titles of its messages, which the page translates."""


DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Numbers of errors of a disk: it is full, a quota of it is, it may only be read, or it fails."""


def error_message(error: Exception) -> TranslatableText:
    """Return the message of a VlmDemoError, and of a disk that takes no more.

    Any other error is logged, not shown.
    """
    if isinstance(error, VlmDemoError):
        return error.message
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        log.warning("No file can be written: %s.", error.strerror)
        return FileError("No file can be written here: {reason}.", reason=error.strerror).message
    log.error("A request failed.", exc_info=error)
    return TranslatableText("Something went wrong here. Try again.")
