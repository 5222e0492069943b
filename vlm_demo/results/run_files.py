"""The files of a run: `results.json`, which says what was measured, and a line for each question.

`results.json` has the form that lmms-eval gives its own (results, n-samples, versions, config,
hashes), with what else a comparison needs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vlm_demo.errors import InputError, describe_validation_error

RESULTS_FILE = "results.json"
"""Name of the file with the scores of a run."""

QUESTIONS_FILE = "questions.jsonl"
"""Name of the file with a line for each question; the first line says which run it is."""

MAX_RUNS = 5_000
"""Largest number of runs in a folder that are read."""

MAX_RESULT_BYTES = 5_000_000
"""Largest size of `results.json`."""

log = logging.getLogger(__name__)


class RunConfig(BaseModel):
    """What a run follows from."""

    model_config = ConfigDict(extra="allow")

    benchmark: str
    model: str
    checkpoint: str = ""
    family: str = ""
    limit: int | None = None
    seed: int = 0
    judge: str = ""
    questions: int | None = None  # how many are asked
    data_hash: str = ""
    prompt_hash: str = ""
    weights: str = ""


class Interval(BaseModel):
    """A 95 % bootstrap interval."""

    low: float
    high: float


class RunResult(BaseModel):
    """What is read of `results.json`."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    benchmark: str
    model: str
    title: str = ""
    measure: str
    results: dict[str, float | int | None]
    full: float = Field(1.0, gt=0)
    interval_95: Interval | None = None
    n_samples: int = Field(alias="n-samples", ge=0)
    failed: int = 0
    unscored: int = 0
    rule: str = ""
    source: str = ""
    notes: dict[str, Any] = {}
    versions: dict[str, str] = {}
    config: RunConfig
    number_format: str = "auto"
    model_facts: dict[str, Any] = {}
    processor: str = ""
    date: str = ""
    data_folder: str = ""

    @property
    def score(self) -> float | None:
        """The main measure."""
        return self.results.get(self.measure)


@dataclass(frozen=True, slots=True)
class Run:
    """A run in its folder."""

    folder: Path
    config: RunConfig
    result: RunResult | None  # None: it has not ended
    answered: int = 0  # questions so far, of one that has not ended

    @property
    def data(self) -> Path | None:
        """Folder of the benchmark's data; None: it is not known."""
        if self.result is None or not self.result.data_folder:
            return None
        return Path(self.result.data_folder)


@dataclass(slots=True)
class Runs:
    """The runs below a folder, by an id that does not say where it is, and what cannot be read."""

    by_id: dict[str, Run] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)  # paths within the folder


def find_runs(folder: Path) -> Runs:
    """Read the runs of a folder and of those below it; one that is damaged is reported."""
    found = Runs()
    for questions in _list_question_files(folder):
        name = questions.parent.relative_to(folder).as_posix()
        try:
            found.by_id[name] = read_run(questions.parent)
        except InputError as error:
            log.warning("%s", error)
            found.damaged.append(name)
    return found


def find_run(folder: Path, name: str) -> Run:
    """Return a run by its id, which anybody may have written.

    Raises:
        InputError: there is none.
    """
    run = find_runs(folder).by_id.get(name)
    if run is None:
        raise InputError("This run is not in the folder of results any more.")
    return run


def read_run(folder: Path) -> Run:
    """Read a run.

    Raises:
        InputError: its files are damaged, or not of a run.
    """
    results, questions = folder / RESULTS_FILE, folder / QUESTIONS_FILE
    try:
        if results.is_file():
            state = results.stat()
            result = _read_result(results, state.st_mtime_ns, state.st_size)
            return Run(folder, result.config, result, result.n_samples)
        with questions.open("rb") as lines:
            config = RunConfig.model_validate(json.loads(next(lines))["run"])
            return Run(folder, config, None, sum(line.endswith(b"\n") for line in lines))
    except ValidationError as error:
        reason = describe_validation_error(error)
        raise InputError(f"{results} is of no run: {reason}.") from error
    except (OSError, ValueError, KeyError, TypeError, StopIteration, RecursionError) as error:
        raise InputError(f"{questions} is of no run: {error}") from error


@lru_cache(maxsize=MAX_RUNS)
def _read_result(path: Path, _written_ns: int, size: int) -> RunResult:
    if size > MAX_RESULT_BYTES:
        raise ValueError(f"it has {size} bytes")
    return RunResult.model_validate_json(path.read_bytes())


def _list_question_files(folder: Path) -> Sequence[Path]:
    """Return the files of answers below a folder, at most `MAX_RUNS`."""
    files: list[Path] = []
    for path in _walk(folder):
        files.append(path)
        if len(files) == MAX_RUNS:
            break
    return sorted(files)


def _walk(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.rglob(QUESTIONS_FILE)
    except OSError as error:
        log.warning("%s cannot be read: %s", folder, error)
