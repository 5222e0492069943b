"""The calls of the view of fine-tuning."""

from __future__ import annotations

import atexit
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.batch.manager import BatchManager
from vlm_demo.catalog.own_models import add_to_menu, own_menu_file
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.server.operators import is_operator, require_operator
from vlm_demo.settings import Settings, on_zerogpu
from vlm_demo.training.finetuning.obstacles import check_trainable
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.packages import check_packages
from vlm_demo.training.finetuning.process import RunProcess, find_newest_run, start_run
from vlm_demo.training.finetuning.run_folder import make_entry, read_run
from vlm_demo.training.preview import preview_data
from vlm_demo.ui.calls import add_call, explain_errors
from vlm_demo.ui.models.finetuning.displayed import (
    describe_models,
    describe_preview,
    describe_run,
)
from vlm_demo.ui.models.finetuning.sources import DataSource, SourceKind, SourceTaker
from vlm_demo.ui.visitors import read_owner

PREVIEWED_ROWS = 2_000
"""Largest number of rows that are read to show some."""

PREVIEWED = 10
"""Number of examples that are shown."""

MAX_STEPS, MAX_QUESTIONS = 100_000, 5_000
"""Largest numbers of steps, and of questions for each score, that the page starts."""


@dataclass
class FinetuneCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    takers: SourceTaker
    run: RunProcess | None = None
    sources: dict[str, DataSource] = field(default_factory=dict)
    """What each visitor has looked at, by visitor."""

    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Find the run again that an earlier start of the program has begun."""
        self.run = find_newest_run(self.settings.fine_tuned)

    def models_finetune_start(self, request: gr.Request) -> dict[str, Any]:
        """Return the models, which of them can learn, and how the newest run goes."""

        def read() -> dict[str, Any]:
            may_train = self._may_train(request)
            return {
                "may_train": may_train,
                "models": describe_models(self.backend.menu) if may_train else [],
                "run": self._describe() if may_train else None,
            }

        return explain_errors(read)

    def models_finetune_data(
        self, model: str, kind: str, upload: str, request: gr.Request
    ) -> dict[str, Any]:
        """Take data and return ten examples as the model will read them.

        Args:
            model: that is to learn.
            kind: one of `SourceKind`.
            upload: path of the uploaded file; "": the data comes from elsewhere.
            request: who asks.
        """

        def take() -> dict[str, Any]:
            self._require_right(request)
            check_packages()
            spec = self._find_learner(model)
            if kind not in set(SourceKind):
                raise InputError("Choose what the model should learn from.")
            owner = read_owner(request)
            self.sources.pop(owner, None)
            source = self.takers.take(SourceKind(kind), str(upload), owner)
            options = _make_options(source, most=PREVIEWED_ROWS)
            preview = preview_data(spec, options, PREVIEWED)
            self.sources[owner] = source
            return describe_preview(preview)

        return explain_errors(take)

    def models_finetune(
        self, model: str, name: str, steps: int, questions: int, request: gr.Request
    ) -> dict[str, Any]:
        """Start a run on the data that this visitor has looked at.

        Args:
            model: that is to learn.
            name: of the new model on the menu; "": one that follows from the model.
            steps: of training; 0: as many as the data needs.
            questions: about how many each score is from.
            request: who asks.
        """

        def start() -> dict[str, Any]:
            self._require_right(request)
            check_packages()
            spec = self._find_learner(model)
            source = self.sources.get(read_owner(request))
            if source is None or not source.path.exists():
                raise InputError("Look at the examples first.")
            with self.lock:
                self._require_none()
                folder = self._find_folder(str(name).strip() or f"{spec.name}-tuned")
                source = source.move_to(folder.with_name(f"{folder.name}-data"))
                options = _make_options(
                    source,
                    name=folder.name,
                    steps=min(max(0, int(steps)), MAX_STEPS) or None,
                    questions=min(max(1, int(questions)), MAX_QUESTIONS),
                )
                self._start(spec.name, options, folder)
            return {"run": self._describe()}

        return explain_errors(start)

    def models_finetune_resume(self, request: gr.Request) -> dict[str, Any]:
        """Go on with the newest run, which was stopped or broke off."""

        def resume() -> dict[str, Any]:
            self._require_right(request)
            check_packages()
            with self.lock:
                self._require_none()
                run = self._require_run()
                state = read_run(run.folder)
                self._start(state.model, FinetuneOptions(resume=True), run.folder)
            return {"run": self._describe()}

        return explain_errors(resume)

    def models_finetune_state(self, request: gr.Request) -> dict[str, Any]:
        """Return how the newest run goes; a model that is ready is on the menu then."""
        return explain_errors(
            lambda: {"run": self._describe() if self._may_train(request) else None}
        )

    def models_finetune_stop(self, request: gr.Request) -> dict[str, Any]:
        """Let the run finish its step, keep what there is, and end."""

        def stop() -> dict[str, Any]:
            self._require_right(request)
            self._require_run().stop()
            return {"run": self._describe(is_stopping=True)}

        return explain_errors(stop)

    def models_finetune_list(self, request: gr.Request) -> dict[str, Any]:
        """Put on the menu what the newest run has made, although it was stopped or lost skills."""

        def enter() -> dict[str, Any]:
            self._require_right(request)
            with self.lock:
                self._require_none()
                run = self._require_run()
                state = read_run(run.folder)
                base, name = self.backend.spec(state.model), run.folder.name
                entry = make_entry(base, state.options, name, run.folder)
                add_to_menu(entry, self.settings.menu or own_menu_file())
                self.backend.add_from_menu(self.settings.menu)
            return {"run": self._describe()}

        return explain_errors(enter)

    def _may_train(self, request: gr.Request) -> bool:
        return is_operator(request) and not on_zerogpu()

    def _require_right(self, request: gr.Request) -> None:
        require_operator(request)
        if not self._may_train(request):
            raise InputError("Models cannot be fine-tuned on this page.")

    def _require_none(self) -> None:
        if self.run is not None and self.run.is_running:
            raise InputError("Something is already running. Wait for it, or stop it.")

    def _require_run(self) -> RunProcess:
        if self.run is None:
            raise InputError("No model was fine-tuned here.")
        return self.run

    def _find_learner(self, model: str) -> ModelSpec:
        """Return a model that can learn.

        Raises:
            VlmDemoError: it cannot; the message says why.
        """
        spec = self.backend.spec(str(model))
        check_trainable(spec)
        if not spec.is_here:
            raise InputError("The files of this model are not on this computer yet.")
        return spec

    def _find_folder(self, name: str) -> Path:
        """Return the folder of a run, whose name no model has yet.

        Raises:
            InputError: this is no name.
        """
        if not re.fullmatch(r"[\w.-]{1,80}", name) or name.startswith("."):
            raise InputError("A name has letters, digits, dots and hyphens only.")
        taken = {spec.name for spec in self.backend.menu}
        folder, number, free = self.settings.fine_tuned, 2, name
        while free in taken or any((folder / f"{free}{end}").exists() for end in ("", "-data")):
            number, free = number + 1, f"{name}-{number}"
        return folder / free

    def _start(self, model: str, options: FinetuneOptions, folder: Path) -> None:
        run = start_run(model, options, folder.resolve(), menu=self.settings.menu)
        self.run = run
        atexit.register(run.stop)

    def _describe(self, *, is_stopping: bool = False) -> dict[str, Any] | None:
        run = self.run
        if run is None:
            return None
        log = run.read()
        menu = {spec.name for spec in self.backend.menu}
        if log.end is not None and log.end.name and log.end.name not in menu:
            menu |= {spec.name for spec in self.backend.add_from_menu(self.settings.menu)}
        return describe_run(run, log, is_listed=run.folder.name in menu, is_stopping=is_stopping)


def _make_options(source: DataSource, **options: Any) -> FinetuneOptions:
    """Return the options of a run that learns from a source."""
    method = Method.DPO if source.kind is SourceKind.VOTES else Method.LORA
    chosen = FinetuneOptions(data=str(source.path.resolve()), method=method, **options)
    chosen.check()
    return chosen


def add_finetune_calls(backend: Backend, settings: Settings, batches: BatchManager) -> None:
    """Add the calls to the page, which is being built."""
    calls = FinetuneCalls(backend, settings, SourceTaker(settings, batches))
    all_calls: tuple[Callable[..., Any], ...] = (
        calls.models_finetune_start,
        calls.models_finetune_data,
        calls.models_finetune,
        calls.models_finetune_resume,
        calls.models_finetune_state,
        calls.models_finetune_stop,
        calls.models_finetune_list,
    )
    for call in all_calls:
        add_call(call, "fine-tuning", 8)
