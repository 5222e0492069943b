"""Asynchronous work for synchronous callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

from vlm_demo.errors import EngineError

_Result = TypeVar("_Result")


class EventLoopThread:
    """An event loop that runs in a thread of its own."""

    def __init__(self, clean_up: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start the thread; `clean_up` runs in the loop when all other work has ended."""
        self._clean_up = clean_up
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._closing = asyncio.Event()
        self._is_open = True
        self._lock = Lock()  # guards `_is_open`, so that no work begins once the loop is closed
        self._thread = Thread(target=self._run, name="event loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Start some work; cancelling the future ends it.

        Raises:
            EngineError: the loop is closed.
        """
        with self._lock:
            if self._is_open:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise EngineError("This model was unloaded. Try again.")

    def close(self) -> None:
        """End all work, and the thread."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._run_until_closing())

    async def _run_until_closing(self) -> None:
        await self._closing.wait()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._clean_up()
