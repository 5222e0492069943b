"""Runs a published benchmark and writes its result: `results.json`, and `questions.jsonl` beside.

The result has the form that lmms-eval gives its own (results, n-samples, versions, config, hashes),
with what else a comparison needs: the family, the prompt, the data's hash, and an interval.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.errors import SettingsError
from vlm_demo.evaluation.metrics.bootstrap import bootstrap_interval
from vlm_demo.evaluation.published.answering import SAMPLING, Examiner, choose_task
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.journal import AnswerJournal
from vlm_demo.evaluation.published.question import PublishedQuestion
from vlm_demo.evaluation.published.summary import Summary
from vlm_demo.families import get_family
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.results.processor import processor_name
from vlm_demo.results.run_files import QUESTIONS_FILE, RESULTS_FILE

RESULTS_FOLDER = Path("evaluations")
"""Below which results are written unless another folder is given."""

_CHARACTERS = 8
"""Length of the part of a run's hash that is in the name of its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a benchmark is run."""

    data: Path | None = None  # the user's folder or file; None: the benchmark has its own questions
    out: Path | None = None  # where the result is written; None: in a folder below `below`
    below: Path = RESULTS_FOLDER
    is_kept: bool = True  # whether anything is written
    limit: int | None = None  # about how many questions; None: all
    seed: int = 0  # chooses the questions of a limit, and what intervals are drawn from
    judge: str = ""  # name of the model that judges answers; "": none


def run_published(
    benchmark: PublishedBenchmark, backend: Backend, model: str, options: RunOptions
) -> dict[str, Any]:
    """Read the user's folder, ask, score and write; an earlier start in the same folder goes on.

    Raises:
        InputError: the folder cannot be used.
        SettingsError: a judge is needed, or the results are of another run.
        VlmDemoError: the model failed; what was answered is kept.
    """
    backend.spec(model)  # an unknown model is refused before the folder is read
    if benchmark.judge_prompt is not None:
        if not options.judge:
            raise SettingsError(
                f"{benchmark.title} is scored by a judge. Name a model of the menu: --judge."
            )
        backend.spec(options.judge)
    data = options.data
    if data is None:
        raise SettingsError(
            f"{benchmark.title} needs a folder of its data: --data FOLDER, with {benchmark.needs}."
        )
    if options.out is not None:
        _check_place(options.out, data)
    questions = sample_questions(benchmark.read(data), options.limit, options.seed)
    return run_questions(benchmark, questions, backend, model, options)


def run_questions(
    benchmark: PublishedBenchmark,
    questions: Sequence[PublishedQuestion],
    backend: Backend,
    model: str,
    options: RunOptions,
) -> dict[str, Any]:
    """Ask, score and write; an earlier start in the same folder goes on.

    Returns:
        What `results.json` has, and as `folder` where it is; "": it was not kept.

    Raises:
        SettingsError: the results are of another run, or would lie among the data.
        VlmDemoError: the model failed; what was answered is kept.
    """
    spec = backend.spec(model)
    config = {  # which run it is: what another one must share to go on
        "benchmark": benchmark.name,
        "model": model,
        "checkpoint": spec.checkpoint,
        "family": spec.family,
        "weights": weights_revision(spec),
        "sampling": SAMPLING.to_data(),
        "limit": options.limit,
        "seed": options.seed,
        "judge": options.judge,
        **_describe_questions(questions, backend, spec),
    }
    out = _choose_folder(options, config) if options.is_kept else None
    journal = AnswerJournal(out, config, data=options.data)
    answered_before = len(journal.answers)
    start = time.monotonic()
    graded = Examiner(benchmark, backend, model, options.judge).ask_all(questions, journal)
    seconds = time.monotonic() - start
    summary = benchmark.summary(graded)
    result = {
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "model": model,
        "results": dict(summary.scores),
        "measure": benchmark.measure,
        "full": benchmark.full,
        "interval_95": _interval(summary, options.seed),
        "n-samples": len(questions),
        "failed": sum(bool(one.answer.error) for one in graded),
        "unscored": sum(one.verdict.score is None for one in graded),
        "rule": benchmark.rule,
        "source": benchmark.source,
        "notes": dict(summary.notes),
        "versions": {"vlm_demo": _version()},
        "config": config,
        "number_format": spec.number_format.value,
        "model_facts": describe_model(spec),
        "processor": processor_name(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "throughput": {"questions": len(questions) - answered_before, "seconds": round(seconds, 2)},
        "questions_file": QUESTIONS_FILE,
        "data_folder": str(options.data.resolve()) if options.data else "",
    }
    if out is not None:
        with atomic_write(out / RESULTS_FILE) as file:
            file.write(json.dumps(result, ensure_ascii=False, indent=1).encode())
    return {**result, "folder": str(out or "")}


def _choose_folder(options: RunOptions, config: Mapping[str, Any]) -> Path:
    """Return the folder of a run: the one that was given, or one of its own for each run."""
    identity = f"{_file_name(config['model'])}-{_hash(dict(config))[:_CHARACTERS]}"
    out = options.out or options.below / str(config["benchmark"]) / identity
    if options.data is not None:
        _check_place(out, options.data)
    return out


def _check_place(out: Path, data: Path) -> None:
    if out.resolve().is_relative_to(data.resolve()):
        raise SettingsError(
            f"The result would be written among the data: {out}. Give another folder as --out."
        )


def describe_model(spec: ModelSpec) -> dict[str, Any]:
    """Return what lists of models are filtered by: the model may be on another menu later."""
    return {
        "parameters": spec.parameters,
        "licence": spec.licence,
        "commercial": spec.commercial,
        "runs": spec.runs,
        "engine": spec.engine,
    }


def sample_questions(
    questions: Sequence[PublishedQuestion], limit: int | None, seed: int
) -> list[PublishedQuestion]:
    """Return about `limit` questions, or all: a fair sample by the seed, in their own order.

    Questions of one unit stay together.
    """
    units = list(dict.fromkeys(one.unit or one.id for one in questions))
    if limit is None or limit >= len(units):
        return list(questions)
    chosen = set(random.Random(seed).sample(units, limit))
    return [one for one in questions if (one.unit or one.id) in chosen]


def _describe_questions(
    questions: Sequence[PublishedQuestion], backend: Backend, spec: ModelSpec
) -> dict[str, Any]:
    """Return plain data that says what a model is asked, and in which words."""
    tasks = sorted({choose_task(backend, spec.name, one.task) for one in questions})
    instructions = {task: get_family(spec.family).instructions.get(task, "") for task in tasks}
    compared = [one for one in questions if not one.is_extra]
    content = [[one.id, one.text, dict(one.truth)] for one in compared]
    return {
        "tasks": [str(task) for task in tasks],
        "questions": len(questions),
        "data_hash": _hash(content),
        "prompt_hash": _hash({str(task): text for task, text in instructions.items()}),
    }


def _interval(summary: Summary, seed: int) -> Mapping[str, float] | None:
    found = bootstrap_interval(summary.units, seed=seed)
    return None if found is None else {"low": found[0], "high": found[1]}


def _hash(content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def _file_name(model: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", model).strip("-.") or "model"


def _version() -> str:
    try:
        return version("vlm-demo")
    except PackageNotFoundError:
        return ""
