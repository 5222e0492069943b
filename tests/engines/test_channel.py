"""The bridge between threads, and its races."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from contextvars import ContextVar
from threading import Event, Thread
from weakref import ref

import pytest

from vlm_demo.engines.channel import Channel, clear_frames

visitor: ContextVar[str] = ContextVar("visitor", default="nobody")


def start(*threads: Thread) -> None:
    for thread in threads:
        thread.start()


def test_items_come_in_order_and_then_the_end() -> None:
    channel: Channel[int] = Channel()
    assert all(channel.put(number) for number in range(3))
    channel.finish()
    assert list(channel.iterate()) == [0, 1, 2]


def test_items_that_are_false_are_items() -> None:
    channel: Channel[str] = Channel()
    channel.put("")
    channel.finish()
    assert list(channel.iterate(0.01, newest_only=True)) == [""]


def test_what_was_put_before_an_error_comes_before_it() -> None:
    channel: Channel[int] = Channel()
    channel.put(1)
    channel.finish(ValueError("broken"))
    items = channel.iterate()
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_the_first_end_counts_and_nothing_follows_it() -> None:
    channel: Channel[int] = Channel()
    channel.finish()
    channel.finish(ValueError("too late"))
    assert not channel.put(1)
    assert list(channel.iterate()) == []


@pytest.mark.parametrize("error", [None, ValueError("broken")])
def test_the_newest_item_comes_alone_but_never_gets_lost(error: Exception | None) -> None:
    channel: Channel[int] = Channel()
    for number in range(5):
        channel.put(number)
    channel.finish(error)
    items, began = channel.iterate(1.0, newest_only=True, pace_s=5.0), time.monotonic()
    assert next(items) == 4
    with pytest.raises(type(error) if error else StopIteration):
        next(items)
    assert time.monotonic() - began < 2.0  # nobody waits for the pace before the end


def test_a_silent_channel_beats_sooner_at_first() -> None:
    channel: Channel[int] = Channel()
    with closing(channel.iterate(60.0, first_heartbeat_s=0.01)) as items:
        assert next(items) is None
        channel.put(1)
        assert next(items) == 1
    with closing(Channel[int]().iterate(0.01)) as items:
        assert [next(items) for _ in range(3)] == [None] * 3


def test_items_come_at_the_pace_of_the_reader() -> None:
    channel: Channel[int] = Channel()
    for number in (1, 2):
        channel.put(number)
    began = time.monotonic()
    with closing(channel.iterate(1.0, pace_s=0.1)) as items:
        assert [next(items), next(items)] == [1, 2]
    assert time.monotonic() - began >= 0.1


def test_a_waiting_reader_hears_of_the_end() -> None:
    channel: Channel[int] = Channel()
    start(Thread(target=lambda: (time.sleep(0.1), channel.finish())))
    assert list(channel.iterate()) == []


@pytest.mark.parametrize("newest_only", [False, True])
def test_nothing_is_lost_or_out_of_order_among_many_threads(newest_only: bool) -> None:
    """Four producers race for the queue and for the end; the order of each one holds."""
    channel: Channel[tuple[int, int]] = Channel()
    unfinished = [None] * 4

    def produce(producer: int) -> None:
        for number in range(2_000):
            channel.put((producer, number))
        unfinished.pop()
        if not unfinished:
            channel.finish()

    start(*(Thread(target=produce, args=(producer,)) for producer in range(4)))
    received = [item for item in channel.iterate(0.01, newest_only=newest_only) if item]
    for producer in range(4):
        numbers = [number for thread, number in received if thread == producer]
        assert numbers == sorted(numbers)
        assert newest_only or numbers == list(range(2_000))
    assert received[-1][1] == 1_999


def test_of_many_ends_at_once_one_counts() -> None:
    for _ in range(50):
        channel: Channel[int] = Channel()
        begin = Event()

        def end(channel: Channel[int] = channel, begin: Event = begin) -> None:
            begin.wait()
            channel.finish(ValueError())

        start(*(Thread(target=end) for _ in range(4)))
        begin.set()
        with pytest.raises(ValueError):
            next(channel.iterate())


def test_closing_the_reader_stops_the_producer_at_its_next_item() -> None:
    channel: Channel[int] = Channel()
    stopped = Event()

    def count() -> Generator[int, None, None]:
        try:
            number = 0
            while True:
                yield number
                number += 1
                time.sleep(0.001)
        finally:
            stopped.set()

    channel.feed(count, "count")
    with closing(channel.iterate()) as items:
        assert next(items) == 0
        assert not stopped.is_set()
    assert channel.is_closed
    assert stopped.wait(5.0)


def test_what_a_source_raises_is_raised_where_it_is_read() -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    channel: Channel[int] = Channel()
    channel.feed(fail, "fail")
    items = channel.iterate()
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_a_source_that_exits_ends_the_stream_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())

    def leave() -> Generator[int, None, None]:
        yield 1
        raise SystemExit

    channel: Channel[int] = Channel()
    channel.feed(leave, "leave")
    assert list(channel.iterate()) == [1]
    assert ended.wait(5.0)


def test_a_source_knows_whose_visit_it_is_for() -> None:
    def tell() -> Iterator[str]:
        yield visitor.get()

    channel: Channel[str] = Channel()
    token = visitor.set("somebody")
    try:
        channel.feed(lambda: (name for name in tell()), "tell")
    finally:
        visitor.reset(token)
    assert list(channel.iterate()) == ["somebody"]


def test_an_error_lets_go_of_what_its_frames_and_those_of_its_causes_hold() -> None:
    class Weights:
        pass

    held: list[ref[Weights]] = []

    def load() -> None:
        weights = Weights()
        held.append(ref(weights))
        raise KeyError

    def fail() -> None:
        weights = Weights()
        held.append(ref(weights))
        try:
            load()
        except KeyError as error:
            raise ValueError from error

    try:
        fail()
    except ValueError as error:
        clear_frames(error)
        assert [weights() for weights in held] == [None, None]
