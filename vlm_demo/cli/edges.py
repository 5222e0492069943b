"""The doors to the heavy parts of the program, each opened only by the command that needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.evaluation.bench.rows import Options, Report
from vlm_demo.types import Mention


def draw(image: Image, mentions: Sequence[Mention]) -> Image:
    """Return a copy of the picture with the places drawn into it."""
    from vlm_demo import drawing

    return drawing.draw(image, mentions)


def train(recipe: str, out: Path | None, *, fresh: bool) -> Path:
    """Train the recipe's model, from its last checkpoint unless `fresh`; return its folder."""
    from vlm_demo import training

    return training.train(recipe, out, fresh)


def evaluate(
    benchmark: str, backend: Backend, model: str, *, seed: int, count: int | None
) -> Mapping[str, float | int | None]:
    """Return the model's scores (0 to 1; None: not measured) and `n`, the number of questions."""
    from vlm_demo import evaluation

    return evaluation.evaluate(benchmark, backend, model, seed, count)


def bench(options: Options, say: Callable[[str], None]) -> Report:
    """Measure how fast the program is; `say` is told how far it is."""
    from vlm_demo.evaluation.bench import running

    return running.run(options, say)
