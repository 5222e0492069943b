"""What is measured, what is aimed at, and how it came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from vlm_demo.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Measure:
    """One number, and what it should be."""

    what: str
    unit: str
    target: float | None = None  # None: reported only
    at_most: bool = False  # whether less is better

    def met(self, value: float) -> bool | None:
        """Whether a value is as aimed at; None: nothing is aimed at."""
        if self.target is None:
            return None
        return value <= self.target if self.at_most else value >= self.target


_TURNS = "first token at later turns of a picture chat: full recompute over ours"
_TASKS = "first token of Ask and Locate on a captioned picture: full recompute over ours"
_VOTE = "one vote, with many in the database already"

MEASURES: Mapping[str, Measure] = {
    "turns_llava": Measure(_TURNS, "x", 15),
    "turns_qwen2_vl": Measure(_TURNS, "x", 20),
    "turns_smolvlm": Measure(_TURNS, "x", 30),
    "second_task": Measure(_TASKS, "x", 10),
    "batch8_short": Measure(
        "short prompts, tokens per second: together over one after another", "x", 3
    ),
    "batch8_picture_ttft": Measure(
        "pictures, mean first token: one after another over together", "x", 2.5
    ),
    "batch8_picture_wall": Measure(
        "pictures, until all are answered: one after another over together", "x", 1.8
    ),
    "batch8_serve": Measure("pictures, tokens per second: ours over transformers serve", "x", 2),
    "stream_overhead": Measure(
        "one stream, tokens per second: the whole path over bare generate", "x", 0.97
    ),
    "stop_steps": Measure("steps computed after a stop", "steps", 1, at_most=True),
    "page_first_ms": Measure("first token: added by the page", "ms", 60, at_most=True),
    "page_keeps_up": Measure("rate shown on the page over rate produced", "x", 0.98),
    "page_box_ms": Measure(
        "first box on the picture, from its closing token", "ms", 100, at_most=True
    ),
    "page_boxes_keep_up": Measure("50 boxes: rate shown over rate produced", "x", 0.98),
    "page_mb": Measure("first load of the page, beyond Gradio's own", "MB", 4, at_most=True),
    "tab_switch_ms": Measure("a click on a tab until it stands there", "ms", 100, at_most=True),
    "import_cpu_s": Measure("CPU time of import vlm_demo.backend", "s", 0.3, at_most=True),
    "page_up_s": Measure("python app.py until its first page", "s", 8, at_most=True),
    "vote_ms_sqlite": Measure(_VOTE, "ms", 20, at_most=True),
    "vote_ms_postgresql": Measure(_VOTE, "ms", 20, at_most=True),
    "turns_embedded_llava15": Measure(_TURNS, "x"),
    "second_task_embedded_llava15": Measure(_TASKS, "x"),
    "second_task_embedded_kosmos2": Measure(_TASKS, "x"),
    "gpu_decode1": Measure("7B on a GPU, tokens per second: ours over plain generate", "x", 1.5),
    "gpu_decode8": Measure("the same, eight together over plain generate", "x", 4),
    "board_s": Measure("board of many votes on 60 models", "s", 3, at_most=True),
    "board_refresh_s": Measure("the same board, 100 votes later", "s", 0.2, at_most=True),
    "kendall_tau": Measure("the same board's order against the truth", "tau", 0.98),
    "coverage": Measure("5,000 votes, 60 models: share within their 95 % intervals", "", 0.9),
    "gpu_bandwidth_share": Measure("alone: share of what memory bandwidth allows", "x", 0.6),
}
"""Every row, by id. A ratio says how many times better the program is."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one measure came out."""

    id: str
    value: float | None  # None: it could not be measured; the note says why
    spread: tuple[float, float] | None = None  # least and greatest of the repeats
    identical: bool | None = None  # whether both sides gave the same text; None: nothing to compare
    note: str = ""

    @property
    def measure(self) -> Measure:
        """What was measured."""
        return MEASURES[self.id]

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None: there is none, or no value."""
        return None if self.value is None else self.measure.met(self.value)

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        entry: dict[str, Any] = {
            "id": self.id,
            "value": _rounded(self.value),
            "target": self.measure.target,
            "unit": self.measure.unit,
            "spread": [_rounded(value) for value in self.spread] if self.spread else None,
            "identical": self.identical,
        }
        return entry | ({"note": self.note} if self.note else {})


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run has measured, and where."""

    machine: Mapping[str, Any]
    rows: Sequence[Row]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"machine": dict(self.machine), "rows": [row.to_json() for row in self.rows]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured. Another seed draws other weights, pictures and questions."""

    seed: int = 0
    repeats: int = 3  # of each comparison; a later turn of a chat is a repeat by itself
    turns: int = 8  # of a chat
    requests: int = 8  # at the same time
    new_tokens: int = 64  # of an answer
    threads: int = 1  # of the CPU, each side
    votes: int = 1_000_000  # in the database when more are cast
    postgresql: str = ""  # URL of an empty database
    tiny: bool = False  # tiny models: whether it all works, not how fast
    only: frozenset[str] = field(default_factory=frozenset)  # ids of rows; empty: all

    def wants(self, ids: Iterable[str]) -> bool:
        """Whether one of these rows is to be measured."""
        return not self.only or any(name in self.only for name in ids)


def check_ids(ids: Iterable[str]) -> frozenset[str]:
    """Return ids of rows.

    Raises:
        SettingsError: there is no such row.
    """
    chosen = frozenset(ids)
    if unknown := sorted(chosen - MEASURES.keys()):
        raise SettingsError(f"There is no row {unknown[0]!r}. Known: {', '.join(MEASURES)}.")
    return chosen


@dataclass(slots=True)
class Pairs:
    """Two sides of a comparison, measured in turns."""

    over: list[float] = field(default_factory=list)  # above the line of the ratio
    under: list[float] = field(default_factory=list)
    identical: bool | None = None

    def add(self, over: float, under: float, *, identical: bool | None = None) -> None:
        """Take one repeat."""
        self.over.append(over)
        self.under.append(under)
        if identical is not None:
            self.identical = identical and self.identical is not False

    def row(self, id: str, note: str = "") -> Row:
        """Return the ratio of the medians, and the least and greatest ratio of a repeat."""
        ratios = [over / under for over, under in zip(self.over, self.under, strict=True)]
        return Row(
            id,
            median(self.over) / median(self.under),
            (min(ratios), max(ratios)),
            self.identical,
            note,
        )


def row_of(id: str, values: Sequence[float], note: str = "", **more: Any) -> Row:
    """Return the median of repeats that are compared with nothing."""
    return Row(id, median(values), (min(values), max(values)), note=note, **more)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
