"""Questions of one's own: the ZIP that the page saves, with regions that a person has drawn.

Measures: mean_iou, over all regions of the ground truth, 0 for one that was missed; hit_rate, the
share of them found with IoU >= 0.5; and extra, the number of the model's regions that match none.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from vlm_demo.analysis.ground_truth import LabelledQuestion, rank_models, read_archive
from vlm_demo.backend import Backend
from vlm_demo.evaluation.benchmark import Benchmark, Scores
from vlm_demo.images.opening import open_image
from vlm_demo.values import Region, Request


def read(data: Path) -> Benchmark:
    """Return the benchmark with the questions of a ZIP.

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
    seed: int,  # noqa: ARG001  nothing is random
    count: int | None,
) -> Scores:
    """Ask the first `count` questions, or all, and measure."""
    with TemporaryDirectory() as folder:
        questions = read_archive(data, Path(folder))[:count]
        progress = tqdm(questions, desc=model, unit="question", disable=None, file=sys.stderr)
        answers = [
            (question.ground_truth, {model: _find_regions(backend, model, question)})
            for question in progress
        ]
    (score,) = rank_models(answers)
    return {
        "mean_iou": score.mean_iou,
        "hit_rate": score.hit_rate,
        "extra": score.extra,
        "n": len(questions),
    }


def _find_regions(backend: Backend, model: str, question: LabelledQuestion) -> tuple[Region, ...]:
    request = Request(question.task, question.words, (open_image(question.image),))
    *_, reply = backend.answer(model, request)
    return tuple(region for mention in reply.mentions for region in mention.regions)


BENCHMARK = Benchmark("own", read=read)
