"""Replies at the pace of a page, and errors as people should meet them."""

from __future__ import annotations

import html
import logging
import queue
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import VlmDemoError
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.values import Reply, Request

PACE_S = 0.05
"""Least time between two replies: a page that redraws more often than this only gets slower."""

HEARTBEAT_S = 0.25
"""Longest time without a sign of life: Gradio can stop a generator only when it yields."""

PATIENCE_S = 0.05
"""Time for the first sign of life: what answers sooner is shown at once, and not what it waits for.

A person does not notice it, and the page is drawn once instead of twice.
"""

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception


class _End:
    """Nothing follows."""


def answers(backend: Backend, model: str, request: Request) -> Generator[Reply | None, None, None]:
    """Yield the newest reply from time to time, and None while there is nothing new.

    The first one comes soon, whatever is computed. The last Reply is complete.
    Closing the iterator stops the model.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    arrived: queue.SimpleQueue[Reply | _Failure | _End] = queue.SimpleQueue()
    stopped = Event()

    def read() -> None:
        try:
            with closing(backend.answer(model, request)) as replies:
                for reply in replies:
                    arrived.put(reply)
                    if stopped.is_set():
                        return
        except Exception as error:  # the border of a thread: raised again where it is read
            arrived.put(_Failure(error))
        finally:
            arrived.put(_End())

    in_thread(read, f"answer by {model}")
    try:
        yield from _newest(arrived)
    finally:
        stopped.set()


def awaited(
    backend: Backend, model: str, request: Request
) -> Generator[Reply | Waiting | None, None, None]:
    """Yield as `answers` does, and until the first word, what is waited for.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    begun, ahead = False, 0
    with closing(answers(backend, model, request)) as replies:
        for reply in replies:
            if reply is not None and not reply.queue_position:
                begun = True
            if begun:
                yield reply
                continue
            ahead = reply.queue_position if reply else ahead
            yield Waiting.now(backend, model, request, ahead)


def computed(compute: Callable[[], T]) -> Iterator[T | None]:
    """Yield None at once and from time to time, and at last what `compute` returns.

    Closing the iterator leaves the computation alone; nobody hears of its result.

    Raises:
        Exception: what `compute` raises.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(compute())
        except Exception as error:  # the border of a thread: raised again where it is read
            future.set_exception(error)

    in_thread(run, "computation for the page")
    yield None
    while not wait([future], timeout=HEARTBEAT_S).done:
        yield None
    yield future.result()


def in_thread(work: Callable[[], None], name: str) -> None:
    """Run something in a thread that knows whose visit it is for: ZeroGPU counts by visitor."""
    Thread(target=copy_context().run, args=(work,), name=name, daemon=True).start()


def _newest(arrived: queue.SimpleQueue[Reply | _Failure | _End]) -> Iterator[Reply | None]:
    patience = PATIENCE_S
    while True:
        newest: Reply | None = None
        try:
            item = arrived.get(timeout=patience)
            patience = HEARTBEAT_S
            while isinstance(item, Reply):
                newest = item
                item = arrived.get_nowait()
        except queue.Empty:
            patience = HEARTBEAT_S
            yield newest
            time.sleep(PACE_S if newest else 0)
            continue
        if newest:
            yield newest
        if isinstance(item, _Failure):
            raise item.error
        return


@contextmanager
def errors_raised() -> Iterator[None]:
    """Turn every error into one clear message for a script that asked.

    Raises:
        gr.Error: with words for people.
    """
    try:
        yield
    except Exception as error:
        raise gr.Error(words_for(error), print_exception=False) from error


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show every error as one clear message, and let the handler end.

    A handler that ends before its first yield empties its outputs: begin with `yield gr.skip()`.

    Not as gr.Error, which would cover the components, and so what a person has written, with its
    own sign.
    """
    try:
        yield
    except Exception as error:
        gr.Warning(words_for(error), duration=12, title="Sorry")


def words_for(error: Exception) -> str:
    """The words of an error as HTML, which is what Gradio's messages are."""
    return html.escape(plain_words_for(error), quote=False)


def plain_words_for(error: Exception) -> str:
    """The words of an error of ours; any other is logged, and said plainly."""
    if isinstance(error, VlmDemoError):
        return str(error)
    log.error("A request failed.", exc_info=error)
    return "Something went wrong here. Please try again."
