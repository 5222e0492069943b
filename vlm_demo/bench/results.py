"""How the measures came out: rows, and the report of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from vlm_demo.bench.measures import MEASURES, Measure
from vlm_demo.bench.near_ties import Difference, TextComparison


@dataclass(frozen=True, slots=True)
class BenchRow:
    """The result of one measure."""

    id: str
    value: float | None  # None: it could not be measured, and the note says why
    spread: tuple[float, float] | None = None  # smallest and largest of the repeats
    identical: bool | None = None  # whether both sides gave the same text; None: there are no texts
    note: str = ""
    difference: Difference = ""

    @property
    def measure(self) -> Measure:
        """What was measured."""
        return MEASURES[self.id]

    @property
    def is_met(self) -> bool | None:
        """Whether the target was reached; None: there is none, or no value."""
        return None if self.value is None else self.measure.is_met_by(self.value)

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        entry: dict[str, Any] = {
            "id": self.id,
            "value": _round(self.value),
            "target": self.measure.target,
            "unit": self.measure.unit,
            "spread": [_round(value) for value in self.spread] if self.spread else None,
            "identical": self.identical,
        }
        more = {"difference": self.difference, "note": self.note}
        return entry | {key: text for key, text in more.items() if text}


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The results of one run, and the machine."""

    machine: Mapping[str, Any]
    rows: Sequence[BenchRow]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"machine": dict(self.machine), "rows": [row.to_json() for row in self.rows]}


@dataclass(slots=True)
class Comparison:
    """Two sides that are measured in turns; the result is their ratio."""

    numerators: list[float] = field(default_factory=list)
    denominators: list[float] = field(default_factory=list)
    texts: TextComparison = field(default_factory=TextComparison)

    def add(self, numerator: float, denominator: float) -> None:
        """Add one repeat."""
        self.numerators.append(numerator)
        self.denominators.append(denominator)

    def describe_rates(self) -> str:
        """Say what both sides reach, where the numbers are tokens per second."""
        ours, theirs = median(self.numerators), median(self.denominators)
        return f"{ours:.0f} against {theirs:.0f} tokens per second"

    def row(self, id: str, note: str = "") -> BenchRow:
        """Return the ratio of the medians, and the smallest and largest ratio of the repeats."""
        pairs = zip(self.numerators, self.denominators, strict=True)
        ratios = [numerator / denominator for numerator, denominator in pairs]
        return BenchRow(
            id,
            median(self.numerators) / median(self.denominators),
            (min(ratios), max(ratios)),
            self.texts.identical,
            "; ".join(filter(None, (note, self.texts.describe()))),
            self.texts.difference,
        )


def median_row(id: str, values: Sequence[float], note: str = "", **more: Any) -> BenchRow:
    """Return the median of repeats, where there is only one side."""
    return BenchRow(id, median(values), (min(values), max(values)), note=note, **more)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
