"""What is printed: results for a terminal, a pipe or a program; notes, errors and progress bars."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from vlm_demo.engines import OnProgress, Progress
from vlm_demo.rendering.export import to_json_line

_UNITS = {"bytes": "B", "shards": " shards", "steps": " steps"}

# The text of a model must not move the cursor or rename the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def program_name() -> str:
    """Return what one types to start this program the same way."""
    return "vlm-demo" if Path(sys.argv[0]).stem == "vlm-demo" else "python -m vlm_demo"


def printable(text: str) -> str:
    """Return the text without the characters that control a terminal."""
    return _CONTROLS.sub("", text)


def print_error(message: str) -> None:
    """Say on one line of standard error what happened and what to do."""
    print(f"Error: {' '.join(printable(message).split())}", file=sys.stderr)


def print_note(message: str) -> None:
    """Tell people something that is not part of the result."""
    print(printable(message), file=sys.stderr)


def print_json(value: object) -> None:
    """Print a result as one line of JSON."""
    sys.stdout.write(to_json_line(value))


def print_table(rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows with aligned columns; the first row is the heading."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


class GrowingText:
    """Prints an answer as it grows to a terminal, and only when it is complete elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._printed = ""

    def grow(self, text: str) -> None:
        """Print what is new; a text whose printed part has changed waits for the end."""
        text = printable(text).rstrip()
        if self._is_terminal and text.startswith(self._printed):
            print(text.removeprefix(self._printed), end="", flush=True)
            self._printed = text

    def end(self, text: str) -> None:
        """Print the rest of the final text, or all of it if another beginning was printed."""
        text = printable(text).rstrip()
        if not text and not self._printed:
            return  # an answer of boxes alone
        if not text.startswith(self._printed):
            self._printed = ""
            print()
        print(text.removeprefix(self._printed), flush=True)


def show_progress(steps: Iterable[Progress], what: str) -> None:
    """Wait for a long task; each of its stages has a bar where standard error is a terminal."""
    with progress_bar(what) as show:
        for step in steps:
            show(step)


@contextmanager
def progress_bar(what: str) -> Iterator[OnProgress]:
    """Return what shows how far a long task has come: a bar for each of its stages."""
    stage: str = ""
    bar: tqdm[NoReturn] = tqdm(disable=True)

    def show(step: Progress) -> None:
        nonlocal stage, bar
        if step.stage != stage:
            bar.close()
            stage, bar = step.stage, _bar(step, what)
        bar.total = step.total
        bar.update(step.done - bar.n)

    try:
        yield show
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
