"""The calls of the view of evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.results.published import read_published
from vlm_demo.results.question_lines import Which, list_questions
from vlm_demo.results.run_files import find_run, find_runs
from vlm_demo.server.operators import is_operator, require_operator
from vlm_demo.settings import Settings, on_zerogpu
from vlm_demo.ui.calls import add_call, explain_errors
from vlm_demo.ui.files.folders import find_file
from vlm_demo.ui.models.evaluation.board import board_data, question_data, unfinished_data
from vlm_demo.ui.models.processes import OwnProcess
from vlm_demo.ui.visitors import read_owner

MAX_PAGE = 50
"""Largest number of questions that are sent at a time."""

MAX_QUESTIONS = 20_000
"""Largest number of questions of a run that the page starts."""

STARTED_HERE = ("scenes", "scenes-choices", "own")
"""Benchmarks that the page can start: those whose questions it has, or is given as a file."""


@dataclass(frozen=True)
class EvaluationCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    process: OwnProcess

    def models_evaluations(self, request: gr.Request) -> dict[str, Any]:
        """Return the table of models by benchmarks, and what this visitor may do."""

        def read() -> dict[str, Any]:
            runs = find_runs(self.settings.evaluations)
            published, problems = read_published(self.settings.evaluations)
            menu = {spec.name: spec for spec in self.backend.menu}
            may_run = is_operator(request) and not on_zerogpu()
            here = [spec for spec in self.backend.menu if spec.is_here and spec.runs_here]
            return board_data(runs, published, menu) | {
                "problems": [*problems, *runs.damaged] if is_operator(request) else [],
                "may_run": may_run,
                "models": [
                    {"name": spec.name, "title": spec.title or spec.name}
                    for spec in here
                    if spec.engine != "automatic" and may_run
                ],
                "job": self._describe_job(),
            }

        return explain_errors(read)

    def models_evaluation_questions(
        self, run: str, which: str, start: int, count: int
    ) -> dict[str, Any]:
        """Return some questions of a run.

        Args:
            run: its id.
            which: "all", "wrong", "right" or "failed".
            start: number of questions that are left out.
            count: number of those that are returned, at most `MAX_PAGE`.
        """

        def read() -> dict[str, Any]:
            if which not in get_args(Which):
                raise InputError("There are no questions of this kind.")
            found = find_run(self.settings.evaluations, str(run))
            first, most = max(0, int(start)), min(max(1, int(count)), MAX_PAGE)
            total, records = list_questions(found, which, first, most)  # type: ignore[arg-type]  # checked
            return {"total": total, "questions": [question_data(record) for record in records]}

        return explain_errors(read)

    def models_evaluate(
        self, benchmark: str, model: str, count: int, upload: str, request: gr.Request
    ) -> dict[str, Any]:
        """Start a run in a process of its own.

        Args:
            benchmark: one of `STARTED_HERE`.
            model: of the menu; its files must be on this computer.
            count: about how many questions.
            upload: path of an uploaded ZIP of own questions; "": none.
            request: who asks.
        """

        def start() -> dict[str, Any]:
            require_operator(request)
            if on_zerogpu():
                raise InputError("Runs cannot be started on a Space with ZeroGPU.")
            if benchmark not in STARTED_HERE:
                raise InputError("This benchmark is started by the command line.")
            spec = self.backend.spec(str(model))
            spec.require_runnable()
            if not spec.is_here:
                raise InputError("The files of this model are not on this computer yet.")
            arguments = ["evaluate", "--benchmark", benchmark, "--model", spec.name]
            arguments += ["--limit", str(min(max(1, int(count)), MAX_QUESTIONS))]
            if benchmark == "own":
                arguments += ["--data", str(self._find_upload(upload, request))]
            if self.settings.menu:
                arguments += ["--menu", str(self.settings.menu)]
            label = {"benchmark": benchmark, "model": spec.name}
            self.process.start(
                arguments, label, {"VLM_DEMO_EVALUATIONS": str(self.settings.evaluations)}
            )
            return {"job": self._describe_job()}

        return explain_errors(start)

    def models_evaluation_job(self) -> dict[str, Any]:
        """Return how the run goes that was started last."""
        return explain_errors(lambda: {"job": self._describe_job()})

    def models_evaluation_stop(self, request: gr.Request) -> dict[str, Any]:
        """Stop the run; its answers are kept, and it goes on when it is started again."""

        def stop() -> dict[str, Any]:
            require_operator(request)
            self.process.stop()
            return {"job": self._describe_job()}

        return explain_errors(stop)

    def _find_upload(self, path: str, request: gr.Request) -> Any:
        file = find_file(path, read_owner(request)) if path else None
        if file is None:
            raise InputError("Add the ZIP of your own questions first.")
        return file

    def _describe_job(self) -> dict[str, Any] | None:
        state = self.process.state()
        if state is None:
            return None
        unfinished = [
            unfinished_data(run)
            for run in find_runs(self.settings.evaluations).by_id.values()
            if run.result is None
            and {"benchmark": run.config.benchmark, "model": run.config.model} == state.label
        ]
        progress = max(unfinished, key=lambda one: one["answered"], default=None)
        return {
            **state.label,
            "state": state.name,
            "problem": state.problem,
            "answered": progress and progress["answered"],
            "questions": progress and progress["questions"],
        }


def add_evaluation_calls(backend: Backend, settings: Settings) -> EvaluationCalls:
    """Add the calls to the page, which is being built."""
    calls = EvaluationCalls(backend, settings, OwnProcess())
    for call in (
        calls.models_evaluations,
        calls.models_evaluation_questions,
        calls.models_evaluate,
        calls.models_evaluation_job,
        calls.models_evaluation_stop,
    ):
        add_call(call, "evaluations", 8)
    return calls
