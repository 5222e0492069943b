"""A run in a process of its own: a crash or a full memory does not take the page with it.

What was started is written beside the log, so that a program that starts anew finds the run again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError

from vlm_demo.errors import FileError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.training.finetuning.events import EndEvent
from vlm_demo.training.finetuning.log import RunLog, read_log
from vlm_demo.training.finetuning.options import FinetuneOptions, declarations

STOP_PATIENCE_S = 120.0
"""Seconds in which a run that is told to stop finishes its step and saves."""

_ENDING = ".process.json"
"""What the name of the file ends with that says which process a run is."""

_KILLED = -9
"""Return code of a process that SIGKILL has ended (`subprocess.Popen.returncode`)."""

_CLOCK_S = 2.0
"""Seconds by which the start of the same process may seem to differ, as a clock is set."""


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """Which process a run is, and what it teaches."""

    model: str
    """Name of the base on the menu."""

    name: str
    """Of the folder of the run."""

    number: int
    """Id of the process."""

    started: float
    """When the process began, in seconds since 1970: ids are used again."""

    def is_running(self) -> bool:
        """Whether it has not ended."""
        try:
            process = psutil.Process(self.number)
            is_same = abs(process.create_time() - self.started) < _CLOCK_S
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


_STARTED = TypeAdapter(StartedProcess)


class RunProcess:
    """A run of `vlm-demo finetune` that this program or an earlier one started."""

    def __init__(
        self,
        started: StartedProcess,
        folder: Path,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """Keep what is known of it.

        Args:
            started: which process it is.
            folder: of the run and its result.
            process: the same, where this program started it.
        """
        self.model, self.folder = started.model, folder
        self._started, self._process = started, process

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        if self._process is not None:
            return self._process.poll() is None
        return self._started.is_running()

    def read(self) -> RunLog:
        """Return what its log says; a process that died without a word has failed."""
        is_running = self.is_running  # before the log is read: its last line is there then
        log = read_log(_beside(self.folder, ".jsonl"))
        if is_running:
            # What an earlier start of the run said last says nothing about this one.
            return replace(log, end=None, stage=None) if log.end is not None else log
        return log if log.end is not None else replace(log, end=self._last_words(log))

    def stop(self) -> None:
        """Tell it to finish its step, keep what there is, and end; it ends soon."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
        elif self.is_running:
            psutil.Process(self._started.number).terminate()

    def close(self) -> None:
        """Stop it, and wait; one that does not end is killed."""
        self.stop()
        process = self._process or psutil.Process(self._started.number)
        try:
            process.wait(STOP_PATIENCE_S)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            process.kill()
            process.wait()

    def _last_words(self, log: RunLog) -> EndEvent:
        file = _beside(self.folder, ".err")
        text = file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""
        line = text.splitlines()[-1] if text else ""
        step = log.steps[-1].step if log.steps else 0
        if line.startswith("Error: "):
            reason = line.removeprefix("Error: ")
        elif self._process is not None and self._process.returncode == _KILLED:
            reason = f"The system ended it after step {step}, as it does when the memory is full."
        else:
            reason = f"It was ended from outside after step {step}. {line}".strip()
        return EndEvent(outcome="failed", text=reason)


def start_run(
    model: str, options: FinetuneOptions, folder: Path, *, menu: Path | None
) -> RunProcess:
    """Start `vlm-demo finetune` in a process of its own.

    Its log, its errors and its id go to files beside the folder: `NAME.jsonl`, `NAME.err` and
    `NAME.process.json`.

    Args:
        model: name on the menu.
        options: of the run; where it logs and writes is set here.
        folder: of the run and its result.
        menu: file of the menu, where it is not the program's own.

    Raises:
        FileError: nothing can be written there.
    """
    log = _beside(folder, ".jsonl")  # the folder itself must be empty
    command = [sys.executable, "-m", "vlm_demo", "finetune", "--model", model]
    command += ["--menu", str(menu)] if menu else []
    command += [*_arguments(options), "--out", str(folder), "--log", str(log)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not options.resume:
            log.unlink(missing_ok=True)
        with _beside(folder, ".err").open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
            )
    except OSError as error:
        raise FileError(
            "{path} cannot be written: {reason}.", path=folder, reason=error.strerror or error
        ) from error
    begun = psutil.Process(process.pid).create_time()
    started = StartedProcess(model, folder.name, process.pid, begun)
    with atomic_write(_beside(folder, _ENDING)) as file:
        file.write(_STARTED.dump_json(started))
    return RunProcess(started, folder, process)


def find_newest_run(folder: Path) -> RunProcess | None:
    """Return the run that was started last among those of a folder, by this program or another.

    Args:
        folder: that has the folders of runs, as they are given to `start_run`.
    """
    found = []
    for file in folder.glob(f"*{_ENDING}"):
        try:
            found.append(_STARTED.validate_json(file.read_bytes()))
        except (OSError, ValidationError):
            continue  # it is being removed, or is somebody else's
    if not found:
        return None
    newest = max(found, key=lambda one: one.started)
    return RunProcess(newest, folder / newest.name)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}{ending}")


def _arguments(options: FinetuneOptions) -> Iterator[str]:
    """Return the flags that say what differs from the defaults."""
    for option in declarations():
        value = getattr(options, option.name)
        if value == option.default or option.name in ("out", "log"):
            continue
        if isinstance(value, bool):
            yield option.flag if value else option.flag.replace("--", "--no-", 1)
        else:
            yield from (option.flag, str(value))
