"""A run in a process of its own: a crash or a full memory does not take the page with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from vlm_demo.training.finetuning.events import EndEvent
from vlm_demo.training.finetuning.log import RunLog, read_log
from vlm_demo.training.finetuning.options import FinetuneOptions, declarations

STOP_PATIENCE_S = 120.0
"""Seconds in which a run that is told to stop finishes its step and saves."""


class RunProcess:
    """A run of `vlm-demo finetune` that this process started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Keep the process and the log that it writes."""
        self._process, self._log = process, log

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def read(self) -> RunLog:
        """Return what its log says; a process that died without a word has failed."""
        ended = not self.is_running  # before the log is read: its last line is there then
        log = read_log(self._log)
        if not ended or log.end is not None:
            return log
        return RunLog(
            log.start, log.stage, log.steps, log.before, log.after, log.notes, self._last_words()
        )

    def stop(self) -> None:
        """Tell it to finish its step, keep what there is, and end; it ends soon."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Stop it, and wait; one that does not end is killed."""
        self.stop()
        try:
            self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> EndEvent:
        file = self._log.with_suffix(".err")
        text = file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""
        line = text.splitlines()[-1].removeprefix("Error: ") if text else "it was ended."
        return EndEvent(outcome="failed", text=f"The run broke off: {line}")


def start_run(
    model: str, options: FinetuneOptions, folder: Path, *, menu: Path | None
) -> RunProcess:
    """Start `vlm-demo finetune` in a process of its own.

    Its errors go to a file beside the log, `run.err`.

    Args:
        model: name on the menu.
        options: of the run; where it logs and writes is set here.
        folder: of the run and its result.
        menu: file of the menu, where it is not the program's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.jsonl")  # the folder itself must be empty
    command = [sys.executable, "-m", "vlm_demo", "finetune", "--model", model]
    command += ["--menu", str(menu)] if menu else []
    command += [*_arguments(options), "--out", str(folder), "--log", str(log)]
    if not options.resume:
        log.unlink(missing_ok=True)
    with log.with_suffix(".err").open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
    return RunProcess(process, log)


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
