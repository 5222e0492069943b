"""How much of a page one visitor may take, so that others get their share.

Who is meant is a keyed hash (see `Request.visitor`); work that is nobody's in particular, such as
that of the command line, has no limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from vlm_demo.errors import QuotaError
from vlm_demo.quotas.moving_window import MovingWindow, describe_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The limits of one visitor; 0: none."""

    uploads_an_hour: int = 0
    bytes_kept: int = 0  # of uploads, and of what was made of them
    answers_at_once: int = 0  # that are written or waited for
    answers_an_hour: int = 0


class AnswerQuota:
    """Counts the answers of each visitor. Safe to use from several threads."""

    def __init__(self, quotas: Quotas) -> None:
        """Take the limits."""
        self._at_once = quotas.answers_at_once
        self._window = MovingWindow(_too_many_answers, an_hour=quotas.answers_an_hour)
        self._running: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def admit(self, visitor: str) -> Iterator[None]:
        """Count an answer, which is written in the `with` statement; "" is nobody.

        Raises:
            QuotaError: it is one too many; the message says when to try again.
        """
        if not visitor:
            yield
            return
        with self._lock:
            running = self._running[visitor]
            if self._at_once and running >= self._at_once:
                raise QuotaError(
                    "{running} of your requests are being answered, which is the limit. Wait "
                    "until one of them is done.",
                    running=running,
                )
            self._window.count(visitor)
            self._running[visitor] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[visitor] -= 1
                if not self._running[visitor]:
                    del self._running[visitor]


def _too_many_answers(wait_s: float) -> QuotaError:
    return QuotaError(
        "You have asked for too many answers in the last hour. Wait {when}.",
        when=describe_wait(wait_s),
        wait_s=wait_s,
    )
