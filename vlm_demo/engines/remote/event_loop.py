"""Asynchronous work for synchronous callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

from vlm_demo.errors import EngineError

_Result = TypeVar("_Result")


class LoopThread:
    """An event loop that runs in a thread of its own."""

    def __init__(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start the thread; `last` is what remains to be done when all work has ended."""
        self._last = last
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._closing = asyncio.Event()
        self._open = True
        self._lock = Lock()  # guards `_open`, so that all work begins before the loop is closed
        self._thread = Thread(target=self._run, name="event loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Begin with some work; cancelling the future ends it.

        Raises:
            EngineError: the loop is closed.
        """
        with self._lock:
            if self._open:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise EngineError("This model was unloaded. Please try again.")

    def close(self) -> None:
        """End all work, and the thread."""
        with self._lock:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._last()
