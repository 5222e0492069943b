"""Why two answers differ: a near tie that rounding decides, or an error.

Two ways of computing the same thing add numbers in another order, so their results differ by
rounding. Where two next tokens are almost equally likely, that decides between them; models with
random weights come to such places now and then. Where they are not, something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Difference = Literal["", "near ties", "error"]
"""Why texts differ; "": they are the same, or there are none."""

MAX_ROUNDINGS = 30.0
"""Largest margin of a near tie, in rounding errors. The errors of both sides add up, those of
other orders of addition are some times larger, and a margin that is an error is thousands."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place at which two answers to one prompt part."""

    token: int  # index within the answer, from 0
    margin: float  # between the logits of the two tokens, computed more finely
    rounding: float  # largest rounding error of a logit, in the model's own number format

    @property
    def is_near_tie(self) -> bool:
        """Whether rounding can have decided."""
        return self.margin <= MAX_ROUNDINGS * self.rounding


@dataclass(slots=True)
class TextComparison:
    """Whether two sides gave the same texts and, where they did not, why."""

    compared: int = 0
    divergences: list[Divergence | None] = field(default_factory=list)  # None: unexplained

    def add(self, same: bool, explain: Callable[[], Divergence | None]) -> None:
        """Add a pair of texts; `explain` is called only where they differ."""
        self.compared += 1
        if not same:
            self.divergences.append(explain())

    @property
    def identical(self) -> bool | None:
        """Whether all texts were the same; None: there are none."""
        return not self.divergences if self.compared else None

    @property
    def difference(self) -> Difference:
        """Why texts differ: all by near ties, or one at least by an error."""
        if not self.divergences:
            return ""
        ties = all(part is not None and part.is_near_tie for part in self.divergences)
        return "near ties" if ties else "error"

    def describe(self) -> str:
        """Say how many texts differ and why; "" where none does."""
        if not self.divergences:
            return ""
        same = self.compared - len(self.divergences)
        return f"{same} of {self.compared} texts equal; {_describe_all(self.divergences)}"


def _describe_all(divergences: Sequence[Divergence | None]) -> str:
    known = [part for part in divergences if part is not None]
    if len(known) < len(divergences):
        return "not a near tie: the prompts differ"
    worst = max(known, key=lambda part: part.margin / max(part.rounding, 1e-30))
    kind = "near ties" if worst.is_near_tie else "NOT a near tie"
    return (
        f"{kind}: logits {worst.margin:.1e} apart at token {worst.token}, "
        f"rounding errors up to {worst.rounding:.1e}"
    )
