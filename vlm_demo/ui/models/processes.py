"""A command of the program in a process of its own: its memory is freed when it ends.

A crash does not take the page with it, and stopping it keeps what it has written.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from typing import Any, Literal

from vlm_demo.errors import InputError

StateName = Literal["running", "stopping", "done", "stopped", "failed"]
"""How a process is doing."""

_LINES = 20
"""Number of lines at the end of what a process wrote in which its problem is looked for."""

_PATIENCE_S = 20
"""Seconds after which a process that was told to end is ended."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How the process is doing that was started last."""

    name: StateName
    label: Mapping[str, Any]  # what it was started with, for people
    problem: str  # the last line that it wrote, where it failed


class OwnProcess:
    """At most one process at a time."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._label: Mapping[str, Any] = {}
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._is_stopped = False
        atexit.register(self._end)

    def start(
        self, arguments: Sequence[str], label: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        """Start `python -m vlm_demo` with arguments.

        Args:
            arguments: of the command line.
            label: what people call it.
            environ: additions to the environment.

        Raises:
            InputError: another one is running.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                raise InputError("Something is already running. Wait for it, or stop it.")
            self._label, self._is_stopped = dict(label), False
            self._lines = deque(maxlen=_LINES)
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "vlm_demo", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **environ},
            )
            listen = partial(_keep_lines, process, self._lines)
            Thread(target=listen, name="listen to a process", daemon=True).start()

    def stop(self) -> None:
        """Tell the process to end; what it has written stays."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._is_stopped = True
                self._process.send_signal(signal.SIGINT)

    def state(self) -> ProcessState | None:
        """Return how it is doing; None: none was started."""
        with self._lock:
            if self._process is None:
                return None
            code = self._process.poll()
            problem = "" if code in (None, 0) or self._is_stopped else self._read_problem()
            return ProcessState(self._name(code), self._label, problem)

    def _name(self, code: int | None) -> StateName:
        if self._is_stopped:
            return "stopping" if code is None else "stopped"
        if code is None:
            return "running"
        return "failed" if code else "done"

    def _read_problem(self) -> str:
        return next((line for line in reversed(self._lines.copy()) if line), "")

    def _end(self) -> None:
        """End the process with the program."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()


def _keep_lines(process: subprocess.Popen[bytes], lines: deque[str]) -> None:
    """Keep the last lines that a process writes, until it ends."""
    assert process.stderr is not None
    with process.stderr as errors:
        for content in errors:
            lines.append(content.decode("utf-8", "replace").strip())
    process.wait()
