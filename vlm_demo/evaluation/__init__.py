"""Benchmarks, one file each: `python -m vlm_demo evaluate --benchmark scenes --model M`."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError
from vlm_demo.evaluation.base import Benchmark, Question, Scores
from vlm_demo.plugins import discover

__all__ = ["Benchmark", "Scores", "all_benchmarks", "evaluate", "questions_for_battles"]


@cache
def all_benchmarks() -> dict[str, Benchmark]:
    """Return every benchmark, by name."""
    return discover(__name__, __path__, "BENCHMARK")


def evaluate(
    benchmark: str,
    backend: Backend,
    model: str,
    seed: int = 0,
    count: int | None = None,
    data: Path | None = None,
) -> Scores:
    """Run a benchmark on a model of the backend's menu.

    Args:
        benchmark: its name.
        backend: what answers.
        model: name on the menu.
        seed: chooses the questions; the same seed asks the same ones.
        count: about how many questions; the benchmark's own number without it.
        data: file of the questions, for a benchmark that brings none.

    Raises:
        VlmDemoError: there is no such benchmark or model, its file cannot be used, or the model
            failed.
    """
    chosen = _benchmark(benchmark)
    if data is not None:
        if chosen.read is None:
            raise SettingsError(f"The benchmark {benchmark!r} brings its own questions.")
        chosen = chosen.read(data)
    if chosen.run is None:
        raise SettingsError(f"The benchmark {benchmark!r} needs a file of questions: --data FILE.")
    return chosen.run(backend, model, seed, count)


def questions_for_battles(
    benchmark: str, seed: int = 0, count: int | None = None
) -> Sequence[Question]:
    """Return questions of a benchmark whose answers can be graded one by one.

    Raises:
        SettingsError: there is no such benchmark, or it has none.
    """
    questions = _benchmark(benchmark).questions
    if questions is None:
        able = ", ".join(name for name, one in all_benchmarks().items() if one.questions)
        raise SettingsError(
            f"The benchmark {benchmark!r} has no questions for battles. Those that have: {able}."
        )
    return questions(seed, count)


def _benchmark(name: str) -> Benchmark:
    if name not in all_benchmarks():
        known = ", ".join(all_benchmarks())
        raise SettingsError(f"There is no benchmark {name!r}. Known: {known}.")
    return all_benchmarks()[name]
