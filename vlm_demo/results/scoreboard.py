"""A table of models by benchmarks, of the newest comparable runs.

Runs can be compared where they asked the same questions, so each benchmark has one hash of its data
that counts: the one of most models, and of several such, that of the newest run. A model that has
only runs on other questions keeps its newest, which is marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vlm_demo.results.run_files import Run, RunResult


@dataclass(frozen=True, slots=True)
class Column:
    """A benchmark."""

    name: str
    title: str
    measure: str
    full: float  # the main measure where all answers are right
    rule: str
    source: str
    questions: int  # of the data that count
    data_hash: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a model scored on a benchmark."""

    run: str  # id
    result: RunResult
    is_comparable: bool  # whether it was asked the questions that count


@dataclass(frozen=True, slots=True)
class ScoreboardRow:
    """A model in a number format."""

    model: str
    number_format: str
    cells: Mapping[str, Cell]  # by benchmark


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The whole table; columns and rows have the order of their names."""

    columns: Sequence[Column]
    rows: Sequence[ScoreboardRow]


def build_scoreboard(runs: Mapping[str, Run]) -> Scoreboard:
    """Return the table of those runs, by their ids, that have ended."""
    ended = [(name, run.result) for name, run in runs.items() if run.result is not None]
    by_benchmark: dict[str, list[tuple[str, RunResult]]] = {}
    for name, result in sorted(ended, key=lambda one: one[1].date):
        by_benchmark.setdefault(result.benchmark, []).append((name, result))
    columns: list[Column] = []
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    for benchmark in sorted(by_benchmark):
        own = by_benchmark[benchmark]
        columns.append(_build_column(own))
        for name, result in own:  # the oldest first
            key = result.model, result.number_format
            is_comparable = result.config.data_hash == columns[-1].data_hash
            before = cells.setdefault(key, {}).get(benchmark)
            if before is None or is_comparable or not before.is_comparable:
                cells[key][benchmark] = Cell(name, result, is_comparable)
    rows = [ScoreboardRow(*key, cells[key]) for key in sorted(cells)]
    return Scoreboard(columns, rows)


def _build_column(runs: Sequence[tuple[str, RunResult]]) -> Column:
    counted = _choose_hash(result for _, result in runs)
    newest = next(result for _, result in reversed(runs) if result.config.data_hash == counted)
    return Column(
        name=newest.benchmark,
        title=newest.title or newest.benchmark,
        measure=newest.measure,
        full=newest.full,
        rule=newest.rule,
        source=newest.source,
        questions=newest.n_samples,
        data_hash=counted,
        tasks=tuple(map(str, (newest.config.model_extra or {}).get("tasks", []))),
    )


def _choose_hash(results: Iterable[RunResult]) -> str:
    models = {(one.config.data_hash, one.model, one.number_format): None for one in results}
    counts = Counter(data_hash for data_hash, _, _ in models)
    return max(reversed(counts), key=counts.__getitem__)
