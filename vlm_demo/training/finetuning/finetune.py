"""Fine-tunes a model of the menu: the whole of `vlm-demo finetune`, but for what is printed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType

from vlm_demo.backend import Backend
from vlm_demo.catalog.own_models import add_to_menu, own_menu_file
from vlm_demo.errors import InputError, TrainingStoppedError, VlmDemoError
from vlm_demo.settings import Settings
from vlm_demo.training.finetuning.events import EndEvent, Outcome, Stage, StageEvent
from vlm_demo.training.finetuning.log import LogWriter, Report
from vlm_demo.training.finetuning.obstacles import check_trainable
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.finetuning.publishing import check_repository, push
from vlm_demo.training.finetuning.run import FinetuneRun, TrainedModel
from vlm_demo.training.finetuning.run_folder import LOG_NAME, open_folder
from vlm_demo.training.scoring.comparison import ScoreComparison


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """How a run ended."""

    outcome: Outcome
    text: str
    """What happened and what to do, in sentences."""

    folder: Path
    comparison: ScoreComparison | None
    """None: it was not scored."""


def finetune(
    backend: Backend, model: str, options: FinetuneOptions, settings: Settings, report: Report
) -> FinetuneResult:
    """Fine-tune a model; SIGTERM and Ctrl+C end the training after a step and keep what there is.

    Args:
        backend: has the menu.
        model: name on it; "": with `resume`, the model that the run was started with.
        options: of the run.
        settings: of the program: the device, the menu file.
        report: takes what happens, after it is in the log.

    Raises:
        VlmDemoError: something cannot be used or broke off; the log says so, too.
    """
    if options.push:
        check_repository(options.push)
    if not options.resume:
        options.check()
        check_trainable(backend.spec(model))
    name = options.name or _default_name(model, options.data)
    folder, state = open_folder(model, options, name)
    state.options.check()
    spec = backend.spec(state.model)
    check_trainable(spec)
    name = state.options.name or _default_name(state.model, state.options.data)
    if not options.resume:
        _check_name(backend, name)
    log = LogWriter(options.log or folder / LOG_NAME, report, append=options.resume)
    with closing(log), _stopping() as stop:
        try:
            run = FinetuneRun(state, spec, name, folder, settings, log, stop)
            result = _finish(run.train(), state.options, settings, log)
        except TrainingStoppedError as error:
            result = FinetuneResult("stopped", str(error), folder, None)
        except VlmDemoError as error:
            log(EndEvent(outcome="failed", text=str(error), folder=str(folder)))
            raise
        is_listed = result.outcome == "finished"
        log(
            EndEvent(
                outcome=result.outcome,
                text=result.text,
                folder=str(folder),
                name=name if is_listed else "",
            )
        )
    return result


def _finish(
    made: TrainedModel, options: FinetuneOptions, settings: Settings, report: Report
) -> FinetuneResult:
    """Put a model on the menu unless it was stopped or has lost too much, and upload it."""
    folder, comparison = made.folder, made.comparison
    if comparison is None:
        text = (
            f"Stopped after step {made.steps} of {made.planned}. What was learned so far is in "
            f"{folder}, neither scored nor on the menu. Go on with: --resume --out {folder}. Or "
            f"try it as it is: --model {folder}."
        )
        return FinetuneResult("stopped", text, folder, None)
    lost = comparison.lost(options.max_loss)
    if lost and not options.menu_anyway:
        losses = ", ".join(f"{name} by {loss:.3f}" for name, loss in lost.items())
        text = (
            f"Old skills lost more than {options.max_loss:g}: {losses}. The model is in {folder}, "
            "and not on the menu. Train with more old questions (--replay), fewer steps or a lower "
            "rate; or put it on the menu all the same: --resume --menu-anyway --out "
            f"{folder}."
        )
        return FinetuneResult("lost", text, folder, comparison)
    add_to_menu(made.spec, settings.menu or own_menu_file())
    text = f"{made.spec.name} is on the menu. It is in {folder}."
    if options.push:
        report(StageEvent(stage=Stage.PUSHING))
        text = f"{text} Uploaded to {push(folder, options.push)}."
    return FinetuneResult("finished", text, folder, comparison)


def _default_name(model: str, data: str) -> str:
    """Return a name for the menu and a folder: of the model and the data."""
    name = re.sub(r"[^\w.-]+", "-", Path(data).stem).strip("-.") or "data"
    return f"{model.rpartition('/')[2]}-{name}"


def _check_name(backend: Backend, name: str) -> None:
    """Refuse a name that is taken, before a model is trained.

    Raises:
        InputError: it is.
    """
    if any(spec.name == name for spec in backend.menu):
        raise InputError(
            "There is a model called {name} on the menu. Give another --name.", name=name
        )


@contextmanager
def _stopping() -> Iterator[Event]:
    """Return what is set by SIGTERM and Ctrl+C; a second Ctrl+C ends the program at once."""
    stop = Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    earlier = {
        number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
