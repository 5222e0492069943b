"""Several answers that are streamed side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

from vlm_demo.engines.channel import HEARTBEAT_S, PACE_S, Channel, run_in_thread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnswerProgress(Generic[T]):
    """How far one of several answers has come."""

    newest: T | None = None
    seconds: float = 0.0  # from the start of all until `newest` came
    done: bool = False
    error: Exception | None = None


def stream_side_by_side(
    sources: Sequence[Callable[[], Generator[T | None, None, None]]],
) -> Generator[tuple[AnswerProgress[T], ...], None, None]:
    """Read several answers at once, each at its own pace; one that fails leaves the others alone.

    The first yield comes at once and others from time to time, whether anything is new or not.
    The sources yield None while they have nothing new. Closing the iterator closes them.
    """
    channel: Channel[tuple[AnswerProgress[T], ...]] = Channel()
    answers: list[AnswerProgress[T]] = [AnswerProgress() for _ in sources]
    updating = Lock()
    start = time.monotonic()

    def update(index: int, progress: AnswerProgress[T]) -> None:
        with updating:
            answers[index] = progress
            channel.put(tuple(answers))
            if all(answer.done for answer in answers):
                channel.finish()

    def read(index: int) -> None:
        progress: AnswerProgress[T] = AnswerProgress()
        try:
            with closing(sources[index]()) as items:
                for item in items:
                    if channel.is_closed:
                        return
                    if item is not None:
                        progress = AnswerProgress(item, time.monotonic() - start)
                        update(index, progress)
        except Exception as error:  # the border of a thread: shown where it is read
            progress = replace(progress, error=error)
        finally:
            update(index, replace(progress, done=True))

    newest = tuple(answers)
    yield newest
    if not sources:
        return
    for index in range(len(sources)):
        run_in_thread(partial(read, index), f"answer {index} of {len(sources)}")
    with closing(channel.iterate(HEARTBEAT_S, newest_only=True, pace_s=PACE_S)) as updates:
        for new in updates:
            newest = new or newest
            yield newest
