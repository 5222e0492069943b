"""What is written to a terminal, and what to a pipe or a file instead."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import NoReturn

from tqdm import tqdm

from vlm_demo.engines import Progress

_UNITS = {"bytes": "B", "shards": " shards", "steps": " steps"}

# A model's words must not move the cursor or rename the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return the text without the characters that steer a terminal."""
    return _CONTROLS.sub("", text)


def print_error(message: str) -> None:
    """Say on one line of standard error what happened and what to do."""
    print(f"Error: {' '.join(printable(message).split())}", file=sys.stderr)


def print_note(message: str) -> None:
    """Tell a person something that is not part of the result."""
    print(printable(message), file=sys.stderr)


class GrowingText:
    """Writes an answer while it grows to a terminal, and only its end to a pipe or a file."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._shown = ""

    def grow(self, text: str) -> None:
        """Show what is new; a text that changed behind the cursor waits for the end."""
        text = printable(text).rstrip()
        if self._live and text.startswith(self._shown):
            print(text.removeprefix(self._shown), end="", flush=True)
            self._shown = text

    def end(self, text: str) -> None:
        """Show the rest of the final text, or all of it again if what is shown is not its start."""
        text = printable(text).rstrip()
        if not text and not self._shown:
            return  # an answer of places alone
        if not text.startswith(self._shown):
            self._shown = ""
            print()
        print(text.removeprefix(self._shown), flush=True)


def show_progress(steps: Iterable[Progress], what: str) -> None:
    """Wait for a long step; each of its stages has a bar where standard error is a terminal."""
    stage: str = ""
    bar: tqdm[NoReturn] = tqdm(disable=True)
    try:
        for step in steps:
            if step.stage != stage:
                bar.close()
                stage, bar = step.stage, _bar(step, what)
            bar.total = step.total
            bar.update(step.done - bar.n)
    finally:
        bar.close()


def _bar(step: Progress, what: str) -> tqdm[NoReturn]:
    return tqdm(
        desc=f"{step.stage.capitalize()} {what}",
        total=step.total,
        unit=_UNITS[step.unit],
        unit_scale=step.unit == "bytes",
        leave=False,
        disable=None,  # where standard error is not a terminal
    )


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Align the cells of each column, the first row being the heading."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
