"""The queue: its length, positions in it, and requests that take too long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from support.engines import LONG, TinyEngine, wait_until

from vlm_demo.engines import FreeMemory
from vlm_demo.engines.local.scheduling import generation_job
from vlm_demo.errors import AnswerTimeoutError, OutOfMemoryError, QueueFullError
from vlm_demo.values import Sampling, TextChunk


def test_a_full_queue_refuses_and_those_who_wait_know_their_place(model: TinyEngine) -> None:
    running = [model.engine.stream(model.prompt(), LONG) for _ in range(4)]
    for pieces in running:
        assert next(pieces).queue_position == 0
    waiting = [model.engine.stream(model.prompt(), Sampling(max_new_tokens=3)) for _ in range(3)]
    assert [next(pieces).queue_position for pieces in waiting] == [1, 2, 3]
    with pytest.raises(QueueFullError, match="number 4 in the queue"):
        next(model.engine.stream(model.prompt(), LONG))
    waiting[0].close()
    wait_until(lambda: model.engine.usage().waiting == 2)
    running[0].close()
    assert "".join(waiting[1]) and "".join(waiting[2])
    for pieces in running[1:]:
        pieces.close()
    wait_until(lambda: model.is_idle)


def test_who_waits_hears_of_it_and_can_leave(model: TinyEngine) -> None:
    """A stream can be closed only when it yields, so it does from time to time."""
    running = [model.engine.stream(model.prompt(), LONG) for _ in range(4)]
    for pieces in running:
        next(pieces)
    waiting = model.engine.stream(model.prompt(), LONG)
    assert [next(waiting).queue_position for _ in range(3)] == [1, 1, 1]
    for pieces in (waiting, *running):
        pieces.close()
    wait_until(lambda: model.is_idle)


def test_an_answer_that_takes_too_long_ends_and_its_text_stays(
    open_tiny: Callable[..., TinyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_tiny("llava", timeout_s=600)
    now = 0.0
    monkeypatch.setattr(generation_job, "time", SimpleNamespace(monotonic=lambda: now))
    pieces: list[TextChunk] = []
    with pytest.raises(AnswerTimeoutError, match="longer than 600 seconds"):
        for piece in model.engine.stream(model.prompt(), LONG):
            pieces.append(piece)
            now = 601.0
    assert pieces
    wait_until(lambda: model.is_idle)
    assert model.tokens(model.prompt(), Sampling(max_new_tokens=2))


def test_a_model_that_never_comes_back_does_not_hold_its_readers(
    open_tiny: Callable[..., TinyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlm_demo.engines.local.scheduling.generation_job.GRACE_S", 0.1)
    model = open_tiny("llava", timeout_s=0.2)
    released = threading.Event()
    forward = model.engine._model.forward

    def stuck(**inputs: Any) -> Any:
        released.wait(60)
        return forward(**inputs)

    monkeypatch.setattr(model.engine._model, "forward", stuck)
    try:
        with pytest.raises(AnswerTimeoutError):
            list(model.engine.stream(model.prompt(), LONG))
    finally:
        released.set()


def test_a_request_that_would_not_fit_is_refused_before_anything_is_computed(
    model: TinyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vlm_demo.engines.local.engine.free_memory", lambda _: FreeMemory(ram=1_000_000)
    )
    model.engine._budget.clear()
    begun = model.engine.usage().requests
    with pytest.raises(OutOfMemoryError, match=r"at most .* new tokens"):
        list(model.engine.stream(model.prompt(), LONG))
    assert model.engine.usage().requests == begun
    assert model.tokens(model.prompt(), Sampling(max_new_tokens=2))
