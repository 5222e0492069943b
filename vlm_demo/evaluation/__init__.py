"""Benchmarks, one file each: `python -m vlm_demo evaluate --benchmark scenes --model M`."""

from functools import cache

from vlm_demo.backend import Backend
from vlm_demo.discovery import entries
from vlm_demo.errors import SettingsError
from vlm_demo.evaluation.base import Benchmark, Scores

__all__ = ["Benchmark", "Scores", "all_benchmarks", "evaluate"]


@cache
def all_benchmarks() -> dict[str, Benchmark]:
    """Return every benchmark, by name."""
    return entries(__name__, __path__, "BENCHMARK")


def evaluate(
    benchmark: str, backend: Backend, model: str, seed: int = 0, count: int | None = None
) -> Scores:
    """Run a benchmark on a model of the backend's menu.

    Args:
        benchmark: its name.
        backend: what answers.
        model: name on the menu.
        seed: chooses the questions; the same seed asks the same ones.
        count: about how many questions; the benchmark's own number without it.

    Raises:
        VlmDemoError: there is no such benchmark or model, or the model failed.
    """
    if benchmark not in all_benchmarks():
        known = ", ".join(all_benchmarks())
        raise SettingsError(f"There is no benchmark {benchmark!r}. Known: {known}.")
    return all_benchmarks()[benchmark].run(backend, model, seed, count)
