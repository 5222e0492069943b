"""Benchmarks, one file each: `vlm-demo evaluate --benchmark scenes --model M`.

Those of this folder have questions of their own or of the user. Those of `benchmarks` are published
ones, whose data the user has in a folder.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError, quote_name, suggest_names
from vlm_demo.evaluation.benchmark import Benchmark, Preparation, Question, Scores
from vlm_demo.evaluation.benchmarks import benchmarks_by_name
from vlm_demo.evaluation.published.running import RunOptions, run_questions
from vlm_demo.plugins import discover

__all__ = [
    "Benchmark",
    "Scores",
    "all_benchmarks",
    "evaluate",
    "own_scores",
    "questions_for_battles",
    "run_benchmark",
]


@cache
def all_benchmarks() -> dict[str, Benchmark]:
    """Return every benchmark, by name."""
    return discover(__name__, __path__, "BENCHMARK", Benchmark)


def evaluate(
    benchmark: str,
    backend: Backend,
    model: str,
    seed: int = 0,
    count: int | None = None,
    data: Path | None = None,
) -> Scores:
    """Run a benchmark on a model of the backend's menu, and keep nothing.

    Args:
        benchmark: its name.
        backend: holds the model.
        model: name on the menu.
        seed: chooses the questions; the same seed gives the same ones.
        count: about how many questions; by default the benchmark's own number.
        data: file of questions, for a benchmark that has none of its own.

    Raises:
        VlmDemoError: there is no such benchmark or model, its file cannot be used, or the model
            failed.
    """
    options = RunOptions(data=data, limit=count, seed=seed, is_kept=False)
    return own_scores(run_benchmark(benchmark, backend, model, options))


def run_benchmark(
    benchmark: str, backend: Backend, model: str, options: RunOptions
) -> dict[str, Any]:
    """Run a benchmark that is not published, and return what `results.json` has of it.

    Raises:
        VlmDemoError: as `evaluate`, or another run is in the folder that was given.
    """
    chosen = _find_benchmark(benchmark)
    if options.data is not None and not chosen.needs_data:
        raise SettingsError(f"The benchmark {benchmark!r} has its own questions: leave out --data.")
    if options.data is None and chosen.needs_data:
        raise SettingsError(f"The benchmark {benchmark!r} needs a file of questions: --data FILE.")
    japanese = "Japanese" in backend.spec(model).languages
    with TemporaryDirectory() as scratch:
        prepared = chosen.prepare(
            Preparation(
                seed=options.seed,
                count=options.limit,
                data=options.data,
                scratch=Path(scratch),
                knows_japanese=japanese,
            )
        )
        questions = prepared.read(Path(scratch))
        return run_questions(prepared, questions, backend, model, options)


def own_scores(result: Mapping[str, Any]) -> Scores:
    """Return the scores of a run and `n`, the number of questions."""
    return {**result["results"], "n": result["n-samples"]}


def questions_for_battles(
    benchmark: str, seed: int = 0, count: int | None = None
) -> Sequence[Question]:
    """Return questions of a benchmark whose answers can be graded one by one.

    Raises:
        SettingsError: there is no such benchmark, or it has no such questions.
    """
    is_published = benchmark in benchmarks_by_name()
    questions = None if is_published else _find_benchmark(benchmark).questions
    if questions is None:
        able = ", ".join(name for name, one in all_benchmarks().items() if one.questions)
        raise SettingsError(
            f"The benchmark {benchmark!r} has no questions for battles. Choose one of: {able}."
        )
    return questions(seed, count)


def _find_benchmark(name: str) -> Benchmark:
    benchmarks, published = all_benchmarks(), benchmarks_by_name()
    if name in published:
        raise SettingsError(
            f"The questions of {name} are in a folder of yours: vlm-demo evaluate --benchmark "
            f"{name} --data FOLDER."
        )
    if name not in benchmarks:
        known = (*benchmarks, *published)
        raise SettingsError(
            f"There is no benchmark {quote_name(name)}. {suggest_names(name, known)}".strip()
        )
    return benchmarks[name]
