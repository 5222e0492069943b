"""The log of a run: a file of JSON lines that grows, and what it says so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from vlm_demo.errors import FileError
from vlm_demo.training.finetuning.events import (
    EVENT,
    EndEvent,
    NoteEvent,
    RunEvent,
    ScoresEvent,
    StageEvent,
    StartEvent,
    StepEvent,
)

Report = Callable[[RunEvent], None]
"""Takes what happens in a run."""


class LogWriter:
    """Writes events to a file, each as soon as it happens, and passes them on."""

    def __init__(self, path: Path, report: Report, *, append: bool) -> None:
        """Open the file.

        Raises:
            FileError: it cannot be written.
        """
        self._path, self._report = path, report
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a" if append else "w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._error(error) from error

    def __call__(self, event: RunEvent) -> None:
        """Write an event and pass it on.

        Raises:
            FileError: it cannot be written, such as on a full disk.
        """
        timed = event.model_copy(update={"time": round(time.time(), 2)})
        try:
            self._file.write(timed.model_dump_json() + "\n")
            self._file.flush()
        except OSError as error:
            raise self._error(error) from error
        self._report(timed)

    def close(self) -> None:
        """Close the file; a line that a full disk cuts off is left."""
        try:
            self._file.close()
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> FileError:
        return FileError(
            "{path} cannot be written: {reason}.", path=self._path, reason=error.strerror or error
        )


@dataclass(frozen=True, slots=True)
class RunLog:
    """What the log of a run says so far."""

    start: StartEvent | None = None
    stage: StageEvent | None = None
    steps: tuple[StepEvent, ...] = ()
    """One a step, in order: those that a resumed run repeats count once."""

    before: ScoresEvent | None = None
    after: ScoresEvent | None = None
    notes: tuple[str, ...] = ()
    end: EndEvent | None = None
    """None: it is running, or was killed."""


@dataclass(slots=True)
class _Reading:
    start: StartEvent | None = None
    stage: StageEvent | None = None
    steps: dict[int, StepEvent] = field(default_factory=dict)
    scores: dict[str, ScoresEvent] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    end: EndEvent | None = None

    def take(self, event: RunEvent) -> None:
        self.end = event if isinstance(event, EndEvent) else None  # a run may go on
        match event:
            case StartEvent():
                self.start = event
            case StageEvent():
                self.stage = event
            case StepEvent():
                self.steps[event.step] = event
            case ScoresEvent():
                self.scores[event.when] = event
            case NoteEvent():
                self.notes[event.text] = None
            case _:
                pass


def read_log(path: Path) -> RunLog:
    """Read the log of a run, finished or not; a line that is not complete is left for later."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:
        return RunLog()  # it has not begun
    reading = _Reading()
    for line in lines:
        if not line.endswith("\n"):
            continue
        try:
            reading.take(EVENT.validate_json(line))
        except ValidationError:
            continue  # a line that a full disk cut off, or of a later version
    return RunLog(
        start=reading.start,
        stage=reading.stage,
        steps=tuple(reading.steps[step] for step in sorted(reading.steps)),
        before=reading.scores.get("before"),
        after=reading.scores.get("after"),
        notes=tuple(reading.notes),
        end=reading.end,
    )
