"""Visitors take turns in a waiting line, and nobody fills it for the others."""

from __future__ import annotations

import threading

import pytest

from vlm_demo.engines.fair_queue import FairQueue
from vlm_demo.engines.remote.request_queue import RequestQueue
from vlm_demo.errors import QueueFullError


def queue(*requests: tuple[str, int]) -> FairQueue[tuple[str, int]]:
    waiting: FairQueue[tuple[str, int]] = FairQueue()
    for request in requests:
        waiting.add(request[0], request)
    return waiting


def test_the_first_request_of_each_visitor_comes_before_anybodys_second() -> None:
    waiting = queue(*(("a", number) for number in range(20)), ("b", 0), ("c", 0), ("b", 1))
    expected = [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("a", 2)]
    assert list(waiting)[:6] == expected
    assert [waiting.take() for _ in range(6)] == expected
    waiting.add("d", ("d", 0))
    assert [waiting.take() for _ in range(2)] == [("a", 3), ("d", 0)]


def test_a_full_line_drops_the_newest_request_of_who_has_most() -> None:
    waiting = queue(("a", 0), ("a", 1), ("a", 2), ("b", 0))
    assert waiting.make_room("c") == ("a", 2)
    assert waiting.make_room("a") is None  # nobody has more
    assert waiting.make_room("b") is None  # one more than b has: taking it away is not fairer
    assert waiting.make_room("c") == ("a", 1)
    assert waiting.make_room("c") is None
    assert list(waiting) == [("a", 0), ("b", 0)]


def test_what_leaves_is_gone_and_an_empty_line_says_so() -> None:
    waiting = queue(("a", 0), ("b", 0))
    assert waiting.remove(("a", 0))
    assert not waiting.remove(("a", 0))
    assert list(waiting) == [("b", 0)]
    waiting.take()
    assert len(waiting) == 0
    with pytest.raises(IndexError):
        waiting.take()


def test_a_server_is_asked_for_another_visitor_first() -> None:
    line = RequestQueue(batch=1, waiting=3)
    with line.enter(1.0, "a"):
        order: list[str] = []
        entered = threading.Semaphore(0)

        def ask(visitor: str, name: str) -> None:
            try:
                with line.enter(0.01, visitor) as positions:
                    entered.release()
                    list(positions)
                    order.append(name)
            except QueueFullError:
                order.append(f"{name} refused")

        threads = []
        for visitor, name in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")):
            threads.append(threading.Thread(target=ask, args=(visitor, name)))
            threads[-1].start()
            assert entered.acquire(timeout=10)
        threads[2].join(10)
        assert order == ["a3 refused"]
    for thread in threads:
        thread.join(10)
    assert order == ["a3 refused", "a1", "b1", "a2"]
    assert line.count() == (0, 0)
