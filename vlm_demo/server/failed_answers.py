"""Answers that failed lately, for the operator: what was asked in numbers, and why it failed.

What visitors wrote is not kept: only their flags hold words, which they send with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from vlm_demo.errors import EngineError, QueueFullError, VlmDemoError
from vlm_demo.moderation import ModeratedBackend
from vlm_demo.values import Reply, Request

MAX_FAILURES = 200
"""Number of failures that are remembered, the newest."""


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """An answer that failed."""

    number: int  # 1, 2, 3, ... since the program started
    time: datetime
    model: str
    task: str
    characters: int  # of the question
    images: tuple[tuple[int, int], ...]  # width and height of each
    error: str  # type and message; of a mistake of the program, the type alone


class FailedAnswers:
    """The newest failures. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin without any."""
        self._failures: deque[FailedAnswer] = deque(maxlen=MAX_FAILURES)
        self._count = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """Number of answers that failed since the program started."""
        return self._count

    def note(self, model: str, request: Request, error: Exception) -> None:
        """Remember a failure."""
        name = type(error).__name__
        words = f"{name}: {error}" if isinstance(error, VlmDemoError) else name
        sizes = tuple(image.size for image in request.images)
        with self._lock:
            self._count += 1
            self._failures.append(
                FailedAnswer(
                    self._count,
                    datetime.now(UTC),
                    model,
                    request.task.value,
                    len(request.text),
                    sizes,
                    words,
                )
            )

    def read(self) -> list[FailedAnswer]:
        """Return the newest failures, the newest first."""
        with self._lock:
            return list(reversed(self._failures))

    def remove(self, number: int) -> None:
        """Forget a failure; one that is not there is none."""
        with self._lock:
            kept = [one for one in self._failures if one.number != number]
            self._failures = deque(kept, maxlen=MAX_FAILURES)


class ServedBackend(ModeratedBackend):
    """The backend of a page that is served: it remembers which answers failed."""

    failed: FailedAnswers | None = None

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply as `ModeratedBackend.answer` does, and note how it failed.

        Raises:
            ModerationError: as `ModeratedBackend.answer` does.
            VlmDemoError: as `Backend.answer` does.
        """
        try:
            yield from super().answer(model, request)
        except Exception as error:  # noted, and raised again
            if self.failed is not None and _is_failure(error):
                self.failed.note(model, request, error)
            raise


def _is_failure(error: Exception) -> bool:
    """Whether a model or the program failed, rather than refused what it was asked."""
    if isinstance(error, VlmDemoError):
        return isinstance(error, EngineError) and not isinstance(error, QueueFullError)
    return True
