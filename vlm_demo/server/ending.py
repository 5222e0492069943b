"""Ends the program in order when it is told to: answers end first, for half a minute at most."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import FrameType

GRACE_S = 30.0
"""Seconds that answers have to end; supervisors such as Docker must wait longer than that."""

POLL_S = 0.2


class Ending:
    """Waits for SIGTERM or Ctrl+C, and then for the answers that are being written."""

    def __init__(self) -> None:
        """Prepare to wait."""
        self._told = Event()

    def install(self) -> None:
        """Take the signals from now on; a second one ends the program at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def wait(self) -> None:
        """Wait until the program is told to end."""
        while not self._told.wait(POLL_S):  # with a limit, so that signals are handled at once
            continue

    def wait_for_answers(self, count: Callable[[], int], grace_s: float = GRACE_S) -> int:
        """Wait until no answer is being written; return how many still were when time ran out.

        Args:
            count: returns the number of answers that are being written or wait for a model.
            grace_s: most seconds to wait.
        """
        end = time.monotonic() + grace_s
        while (left := count()) and time.monotonic() < end:
            time.sleep(POLL_S)
        return left

    def leave(self, threads: Sequence[Thread], wait_s: float = 5.0) -> None:
        """End the process although threads are still loading what nobody needs any more.

        Python would end in the middle of their libraries, which then abort the process.

        Args:
            threads: that may still run; where none does, nothing happens.
            wait_s: seconds that each has to end.
        """
        for thread in threads:
            thread.join(wait_s)
        if any(thread.is_alive() for thread in threads):
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._told.is_set():
            os._exit(128 + number)
        self._told.set()
