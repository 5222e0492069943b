"""Shows a run of fine-tuning in a terminal: a bar for each stage, and notes between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from vlm_demo.cli.terminal import print_note

if TYPE_CHECKING:
    from vlm_demo.training.finetuning.events import RunEvent


@contextmanager
def show_run() -> Iterator[Callable[[RunEvent], None]]:
    """Return what shows events, where standard error is a terminal; notes are always printed."""
    bars = _Bars()
    try:
        yield bars.show
    finally:
        bars.close()


class _Bars:
    def __init__(self) -> None:
        self._stage = ""
        self._bar: tqdm[NoReturn] = tqdm(disable=True)

    def show(self, event: RunEvent) -> None:
        match event.event:
            case "stage":
                self._begin(event.stage, event.total)
                self._bar.update(event.done - self._bar.n)
            case "start":
                self._note(
                    f"{event.examples} examples, {event.held_out} held out, {event.old_rows} old "
                    f"rows beside {event.rows - event.old_rows} new ones; "
                    f"{event.trained_parameters:,} parameters are trained."
                )
            case "step":
                self._begin("training", event.steps)
                self._bar.update(event.step - self._bar.n)
                self._bar.set_postfix({"loss": f"{event.loss:.3f}"}, refresh=False)
            case "note":
                self._note(event.text)
            case _:
                pass

    def close(self) -> None:
        self._bar.close()

    def _begin(self, stage: str, total: int | None) -> None:
        if stage != self._stage or total != self._bar.total:
            self._bar.close()
            self._stage = stage
            self._bar = tqdm(desc=stage.capitalize(), total=total, leave=False, disable=None)

    def _note(self, text: str) -> None:
        self._bar.clear()
        print_note(text)
