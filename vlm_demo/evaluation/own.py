"""Questions of one's own: the ZIP that the page saves, whose right places a person has drawn.

Measures: mean_iou, over all right places, 0 for one that was missed; hit_rate, the share of them
that are met with IoU >= 0.5; and extra, the model's places that meet no right one, as a number.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from vlm_demo.analysis.ground_truth import Known, read_archive, standings
from vlm_demo.backend import Backend
from vlm_demo.evaluation.base import Benchmark, Scores
from vlm_demo.images import open_image
from vlm_demo.values import Region, Request


def read(data: Path) -> Benchmark:
    """Return the benchmark that stands in a ZIP.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    with TemporaryDirectory() as folder:
        read_archive(data, Path(folder))  # a broken one is refused before a model is loaded
    return Benchmark("own", partial(run, data))


def run(
    data: Path,
    backend: Backend,
    model: str,
    seed: int,  # noqa: ARG001  nothing is drawn by lot
    count: int | None,
) -> Scores:
    """Ask the first `count` questions, or all, and measure."""
    with TemporaryDirectory() as folder:
        questions = read_archive(data, Path(folder))[:count]
        asked = tqdm(questions, desc=model, unit="question", disable=None, file=sys.stderr)
        answers = [(known.truth, {model: _places(backend, model, known)}) for known in asked]
    (standing,) = standings(answers)
    return {
        "mean_iou": standing.mean_iou,
        "hit_rate": standing.hit_rate,
        "extra": standing.extra,
        "n": len(questions),
    }


def _places(backend: Backend, model: str, known: Known) -> tuple[Region, ...]:
    request = Request(known.task, known.words, (open_image(known.picture),))
    *_, reply = backend.answer(model, request)
    return tuple(region for mention in reply.mentions for region in mention.regions)


BENCHMARK = Benchmark("own", read=read)
