"""What a model could do before: old questions to replay, and the benchmark that is lost or kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, SettingsError
from vlm_demo.evaluation import evaluate
from vlm_demo.evaluation.benchmarks import benchmarks_by_name
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.running import RunOptions, run_published
from vlm_demo.families import get_family
from vlm_demo.training.data import TrainingExample, read_training_data
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.scoring.held_out import split_examples
from vlm_demo.training.scoring.questions import OnDone, choose_questions, score
from vlm_demo.training.scoring.replay import scene_examples

Scores = dict[str, float | None]
"""Shares of right answers by name, 0 to 1; None: not measured."""

SCENES = "scenes"
"""The benchmark of drawn scenes, from which the embedded models were made."""

_SCORED_SHARE = 0.3  # of old data of the user's own


@dataclass(frozen=True, slots=True)
class OldSkills:
    """Old questions, and how well they are answered."""

    title: str
    """What is measured, for people; "": nothing is."""

    replayed: tuple[TrainingExample, ...]
    measure: Callable[[Backend, str, Path, OnDone], Scores]
    """Scores a model of a backend; a folder takes the answers, where there are any to keep."""


def find_old_skills(options: FinetuneOptions, spec: ModelSpec, *, wanted: int) -> OldSkills:
    """Choose what is replayed and what is scored.

    Args:
        options: of the run.
        spec: of the model.
        wanted: how many old examples are replayed, where there are so many.

    Raises:
        InputError: the old data cannot be used.
        SettingsError: there is no such benchmark, or it needs data.
    """
    name = options.old_benchmark or (SCENES if _knows_scenes(spec) else "")
    scenes: Sequence[TrainingExample] = ()
    if _knows_scenes(spec) and options.replay:
        family = get_family(spec.family)
        scenes = scene_examples(family, spec.languages, wanted, options.seed)
    if options.old_data and not options.old_benchmark:
        return _own_questions(options, scenes, wanted)
    if not name:
        return OldSkills("", tuple(scenes), _measure_nothing)
    if published := benchmarks_by_name().get(name):
        if not options.old_data:
            raise SettingsError(
                f"{published.title} needs a folder of its data: --old-data FOLDER, with "
                f"{published.needs}."
            )
        measure = partial(_run_published, published, options)
        return OldSkills(published.title, tuple(scenes), measure)
    return OldSkills(name, tuple(scenes), partial(_run_benchmark, name, options))


def _knows_scenes(spec: ModelSpec) -> bool:
    return spec.made_for == "drawn scene"


def _own_questions(
    options: FinetuneOptions, scenes: Sequence[TrainingExample], wanted: int
) -> OldSkills:
    data = read_training_data(options.old_data)
    if not data.examples:
        raise InputError("There is nothing to ask in {data}.", data=options.old_data)
    split = split_examples(data.examples, _SCORED_SHARE, options.seed)
    questions = choose_questions(split.held_out, options.questions, options.seed)

    def measure(backend: Backend, model: str, _: Path, on_done: OnDone) -> Scores:
        return score(backend, model, questions, on_done)

    replayed = (*scenes, *split.learned[:wanted]) if options.replay else ()
    return OldSkills(Path(options.old_data).name, replayed, measure)


def _measure_nothing(*_: object) -> Scores:
    return {}


def _run_benchmark(
    name: str, options: FinetuneOptions, backend: Backend, model: str, _: Path, on_done: OnDone
) -> Scores:
    on_done(0, 0)
    data = Path(options.old_data) if options.old_data else None
    scores = evaluate(name, backend, model, options.seed, 2 * options.questions, data)
    return {key: value for key, value in scores.items() if key != "n"}


def _run_published(
    benchmark: PublishedBenchmark,
    options: FinetuneOptions,
    backend: Backend,
    model: str,
    folder: Path,
    on_done: OnDone,
) -> Scores:
    on_done(0, 0)
    run = RunOptions(
        data=Path(options.old_data), out=folder, limit=2 * options.questions, seed=options.seed
    )
    results = run_published(benchmark, backend, model, run)["results"]
    return {key: value for key, value in results.items() if isinstance(value, float)}
