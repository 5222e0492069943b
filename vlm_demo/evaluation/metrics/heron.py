"""The score of Japanese-Heron-Bench: two marks by a judge (https://arxiv.org/abs/2404.07824).

The judge reads a description of the picture, the question, a reference answer and the model's, and
writes a mark from 1 to 10 for each on its first line. A category's score is 100 times the model's
mean over the reference's, and the benchmark's the mean of its three categories. Both rules are
those of the published script (https://github.com/turingmotors/heron, eval_heron_bench.py).
"""

from __future__ import annotations

from collections.abc import Sequence

Marks = tuple[float, float]
"""The mark of the reference answer, and that of the model's."""


def read_marks(judgement: str) -> Marks | None:
    """Return the two marks on the first line; None: the judge answered something else."""
    words = judgement.split("\n", maxsplit=1)[0].replace(",", " ").split()
    if len(words) != 2:
        return None
    try:
        reference, model = map(float, words)
    except ValueError:
        return None
    return (reference, model) if 0 <= reference <= 10 and 0 <= model <= 10 else None


def relative_score(marks: Sequence[Marks]) -> float | None:
    """Return 100 times the model's mean over the reference's; None: there are no such marks."""
    reference = sum(one for one, _ in marks)
    return 100 * sum(other for _, other in marks) / reference if reference else None
