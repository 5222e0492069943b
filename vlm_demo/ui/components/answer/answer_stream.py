"""The stream of an answer: the reply so far, and the value of the component that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial

from vlm_demo.analysis.multiple_choice import Ranking, rank_in_every_order
from vlm_demo.backend import Backend
from vlm_demo.errors import NoScoresError
from vlm_demo.ui.components.answer.view import (
    answer_value,
    ranking_value,
    rotations_value,
    waiting_value,
)
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.streaming import compute_in_thread, stream_replies
from vlm_demo.values import Reply, Request

AnswerUpdate = tuple[Reply | None, str]
"""A reply, None while it is waited for, and the value of the component that shows it."""

AnswerStream = Generator[AnswerUpdate | None, None, None]
"""Updates of one answer, and None while there is nothing new; the last reply is complete."""


def stream_answer(
    backend: Backend, model: str, request: Request
) -> Generator[Reply | Waiting | None, None, None]:
    """Yield as `stream_replies` does, and until the first word, what the request waits for.

    Raises:
        VlmDemoError: as `Backend.answer` does.
    """
    has_begun, queue_position, start = False, 0, time.monotonic()
    with closing(stream_replies(backend, model, request)) as replies:
        for reply in replies:
            if reply is not None and not reply.is_waiting:
                has_begun = True
            if has_begun:
                yield reply
                continue
            queue_position = reply.queue_position if reply else queue_position
            seconds = time.monotonic() - start
            yield Waiting.observe(backend, model, request, queue_position, seconds)


def stream_updates(
    backend: Backend, model: str, request: Request, show_complete: Callable[[Reply], str]
) -> AnswerStream:
    """Let the model write.

    Args:
        backend: runs the model.
        model: its name on the menu.
        request: what it is asked.
        show_complete: returns the value of the component for the complete reply.
    """
    newest: Reply | None = None
    for new in stream_answer(backend, model, request):
        if isinstance(new, Waiting):
            yield None, waiting_value(new)
            continue
        newest = new or newest
        yield (new, answer_value(new, busy=True)) if new else None
    if newest is not None:
        yield newest, show_complete(newest)


def stream_vqa_updates(
    backend: Backend, model: str, request: Request, *, in_orders: bool
) -> AnswerStream:
    """Answer a question: freely, or by comparing its choices, where `in_orders` in every order."""
    if not request.choices:
        return _stream_free_answer(backend, model, request)
    if in_orders:
        return _stream_orders(backend, model, request)
    return _stream_choice(backend, model, request)


def _stream_free_answer(backend: Backend, model: str, request: Request) -> AnswerStream:
    question = request.text.strip()
    return stream_updates(
        backend, model, request, lambda reply: answer_value(reply, busy=False, note=question)
    )


def _stream_choice(backend: Backend, model: str, request: Request) -> AnswerStream:
    """Compare the choices, or let the model write one where it cannot score them."""
    question = request.text.strip()
    try:
        for logprobs in compute_in_thread(lambda: backend.score(model, request)):
            if logprobs is None:
                yield None
                continue
            ranking = Ranking.of(request.choices, logprobs)
            yield _best_choice(ranking), ranking_value(ranking, busy=False, note=question)
    except NoScoresError:
        yield from _stream_free_answer(backend, model, request)


def _stream_orders(backend: Backend, model: str, request: Request) -> AnswerStream:
    """Compare the choices in one rotation after another."""
    last = len(request.choices)
    circles = rank_in_every_order(request, partial(backend.score, model))
    for count in range(1, last + 1):
        for circle in compute_in_thread(lambda: next(circles)):
            if circle is None:
                yield None
                continue
            yield _best_choice(circle.mean), rotations_value(circle, busy=count < last)


def _best_choice(ranking: Ranking) -> Reply:
    return Reply(ranking.best, ranking.best)
