"""What an operator wants to know of a running page: requests, and what has gone wrong lately."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from vlm_demo.server.failed_answers import FailedAnswers

MAX_EVENTS = 200
"""Number of warnings and errors that are remembered, the newest."""

MINUTE_S = 60.0

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Methods that are counted by name; a client may send any word."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Requests that are counted together."""

    method: str
    path: str  # of the route
    status: int


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """A warning or an error of the program."""

    time: datetime
    level: str
    source: str  # name of the logger
    message: str


class Monitor(logging.Handler):
    """Counts requests, and remembers the newest warnings and errors in the log of the program."""

    def __init__(self) -> None:
        """Begin to count."""
        super().__init__(logging.WARNING)
        self.is_ending = False  # whether new requests are refused, because the program ends
        self.started = datetime.now(UTC)
        self.failed = FailedAnswers()
        self._requests: Counter[RequestKey] = Counter()
        self._seconds: Counter[RequestKey] = Counter()
        self._minute: deque[float] = deque()  # monotonic times of the newest requests
        self._events: deque[LoggedEvent] = deque(maxlen=MAX_EVENTS)
        self._events_by_source: Counter[tuple[str, str]] = Counter()
        self._guard = Lock()  # of all these; `lock` belongs to the handler

    def attach(self) -> None:
        """Listen to what the program logs, until `detach`."""
        logging.getLogger("vlm_demo").addHandler(self)

    def detach(self) -> None:
        """Listen no longer."""
        logging.getLogger("vlm_demo").removeHandler(self)

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request that has been answered."""
        key = RequestKey(method if method in METHODS else "other", path, status)
        now = time.monotonic()
        with self._guard:
            self._requests[key] += 1
            self._seconds[key] += seconds  # type: ignore[assignment]  # Counter adds any number
            self._minute.append(now)
            self._forget_before(now - MINUTE_S)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a warning or an error."""
        event = LoggedEvent(
            datetime.fromtimestamp(record.created, UTC),
            record.levelname.lower(),
            record.name,
            record.getMessage(),
        )
        with self._guard:
            self._events.append(event)
            self._events_by_source[event.level, event.source] += 1

    def requests(self) -> Mapping[RequestKey, tuple[int, float]]:
        """Return how many requests there were, and how many seconds they took together."""
        with self._guard:
            return {key: (count, self._seconds[key]) for key, count in self._requests.items()}

    def requests_last_minute(self) -> int:
        """Return how many requests were answered in the last 60 seconds."""
        with self._guard:
            self._forget_before(time.monotonic() - MINUTE_S)
            return len(self._minute)

    def events(self) -> list[LoggedEvent]:
        """Return the newest warnings and errors, the newest first."""
        with self._guard:
            return list(reversed(self._events))

    def event_counts(self) -> Mapping[tuple[str, str], int]:
        """Return how many warnings and errors there were, by level and source."""
        with self._guard:
            return dict(self._events_by_source)

    def _forget_before(self, moment: float) -> None:
        while self._minute and self._minute[0] < moment:
            self._minute.popleft()
