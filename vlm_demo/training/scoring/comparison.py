"""Scores before and after: what was gained, what was lost, and whether that is too much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vlm_demo.files.atomic_file import atomic_write

Scores = Mapping[str, float | None]
"""Shares of right answers by name, 0 to 1; None: not measured."""

SCORES_NAME = "scores.json"
"""Name of the file beside a model that says how it was trained and what it scores."""

AGREED = "agreed"
"""The one new score that may not be lost either: what both answers of a pair agree on."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ScorePair:
    """The scores of a model at one time."""

    new: dict[str, float | None] = field(default_factory=dict)
    """On the held-out part of the new data."""

    old: dict[str, float | None] = field(default_factory=dict)
    """On the benchmark of old skills."""


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """What training has changed."""

    before: ScorePair
    after: ScorePair
    old_title: str = ""
    """What the old scores are of; "": there are none."""

    def lost(self, most: float) -> dict[str, float]:
        """Return the old scores, and `AGREED`, that lost more than `most`, and how much."""
        return {name: round(loss, 3) for name, loss in self._losses() if loss > most + _ROUNDING}

    def _losses(self) -> Iterator[tuple[str, float]]:
        pairs = [(name, one, self.after.old.get(name)) for name, one in self.before.old.items()]
        pairs.append((AGREED, self.before.new.get(AGREED), self.after.new.get(AGREED)))
        for name, before, after in pairs:
            if before is not None and after is not None:
                yield name, before - after

    def table(self) -> list[tuple[str, str, str, str]]:
        """Return rows for people: name, before, after, change; the first is the heading."""
        rows = [("SCORE", "BEFORE", "AFTER", "CHANGE")]
        for title, before, after in (
            ("new", self.before.new, self.after.new),
            (self.old_title or "old", self.before.old, self.after.old),
        ):
            for name in before.keys() | after.keys():
                old, new = before.get(name), after.get(name)
                if old is not None or new is not None:
                    rows.append((f"{title}: {name}", _figure(old), _figure(new), _change(old, new)))
        return [rows[0], *sorted(rows[1:], key=lambda row: (not row[0].startswith("new:"), row[0]))]

    def to_data(self) -> dict[str, Any]:
        """Return the scores as plain data."""
        return asdict(self)

    def write(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Write the scores beside a model, with what else is known of its training.

        Raises:
            FileError: it cannot be written.
        """
        data = {**about, **self.to_data()}
        with atomic_write(folder / SCORES_NAME) as file:
            file.write(json.dumps(data, ensure_ascii=False, indent=1, default=str).encode())


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _change(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"{after - before:+.3f}"
