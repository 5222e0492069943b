"""Writes errors of events to the log, each as what it is: a refusal in one line, a bug in full.

Gradio prints a traceback of each to standard error, also of a file that it refuses to open, which
lets anybody fill a log.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio.queueing
import gradio.routes
from gradio.exceptions import Error

log = logging.getLogger(__name__)

_OWN_FOLDER = str(Path(__file__).parents[1])
"""Folder of this program. What fails outside of it are data that Gradio does not take."""


class _LoggedTracebacks:
    """Stands for the module `traceback` in Gradio: what would be printed goes to the log."""

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)

    def print_exc(self) -> None:
        """Write the exception that is being handled to the log."""
        error = sys.exception()
        frames = traceback.extract_tb(error.__traceback__) if error else []
        if isinstance(error, Error) or not any(_OWN_FOLDER in frame.filename for frame in frames):
            log.warning("Refused the data of an event: %s.", _describe(error, frames))
        else:
            log.error("An event failed.", exc_info=error)


def _describe(error: BaseException | None, frames: Sequence[traceback.FrameSummary]) -> str:
    """Return the type of an error and where it was raised: its message may repeat the data."""
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def log_event_errors() -> None:
    """Have Gradio's queue and routes write errors to the log of the program."""
    logged = _LoggedTracebacks()
    for module in (gradio.queueing, gradio.routes):
        module.__dict__["traceback"] = logged
