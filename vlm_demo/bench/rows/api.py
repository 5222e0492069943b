"""The API for other programs: what it adds to an answer, and many requests at the same time."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from statistics import median
from typing import Any

from PIL.Image import Image

from vlm_demo.api.server import run_api
from vlm_demo.backend import Backend
from vlm_demo.bench.chat_client import stream_chat
from vlm_demo.bench.context import BenchContext, Measurement
from vlm_demo.bench.models import IMAGE_SIZE, LLAVA
from vlm_demo.bench.prompts import draw_images, draw_questions
from vlm_demo.bench.results import BenchRow, Comparison, median_row
from vlm_demo.bench.timing import TimedAnswer, time_answer, time_together
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines.remote.image_encoding import data_url
from vlm_demo.settings import Settings
from vlm_demo.values import Reply, Request

QUESTION_WORDS = 15
NAME = "bench"
ANSWERS = 5
"""Number of answers whose first chunks are timed in each repeat."""


class _WatchedBackend(Backend):
    """Remembers when the first text of the newest answer was there."""

    first_at = 0.0  # by time.perf_counter

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        has_begun = False
        for reply in super().answer(model, request):
            if not has_begun and reply.raw:
                has_begun, self.first_at = True, time.perf_counter()
            yield reply


@contextmanager
def _running_api(context: BenchContext) -> Iterator[tuple[_WatchedBackend, str]]:
    """Serve a model, which has answered once; give the backend and the address."""
    spec = ModelSpec(name=NAME, family=LLAVA.family, checkpoint=str(context.checkpoint(LLAVA)))
    backend = _WatchedBackend(
        (spec,), device="cpu", serving=context.serving(context.options.requests)
    )
    try:
        with run_api(backend, Settings()) as address:
            for _ in stream_chat(address, _body("a", 4)):
                pass
            yield backend, address
    finally:
        backend.close()


def _measure_first_chunk(context: BenchContext) -> Iterator[BenchRow]:
    """Measure from the first text in the program until a client has its chunk."""
    questions = draw_questions(context.options.seed, QUESTION_WORDS)
    delays: list[float] = []
    with _running_api(context) as (backend, address):
        for _ in context.repeats("first chunks of the API"):
            own = []
            for question in islice(questions, ANSWERS):
                began = time.perf_counter()
                answer = time_answer(partial(stream_chat, address, _body(question, 8)))
                own.append((began + answer.first_s - backend.first_at) * 1000)
            delays.append(median(own))
    yield median_row("api_first_ms", delays)


def _measure_together(context: BenchContext) -> Iterator[BenchRow]:
    """Measure requests about pictures, one after another and together."""
    options, comparison = context.options, Comparison()
    questions = draw_questions(options.seed, QUESTION_WORDS)
    images = draw_images(options.seed, IMAGE_SIZE)
    with _running_api(context) as (_, address):
        for _ in context.repeats("the API: one after another and together"):
            bodies = [
                [
                    _body(question, options.new_tokens, image)
                    for question, image in islice(
                        zip(questions, images, strict=False), options.requests
                    )
                ]
                for _ in range(2)  # other pictures, so that nothing is cached
            ]
            in_turn = [time_answer(partial(stream_chat, address, body)) for body in bodies[0]]
            together = time_together([partial(stream_chat, address, body) for body in bodies[1]])
            comparison.add(sum(answer.total_s for answer in in_turn), _wall_s(together))
    theirs, ours = median(comparison.numerators), median(comparison.denominators)
    yield comparison.row("api_batch8", f"{theirs:.1f} s against {ours:.1f} s")


def _wall_s(answers: Sequence[TimedAnswer]) -> float:
    return max(answer.total_s for answer in answers)


def _body(question: str, new_tokens: int, image: Image | None = None) -> Mapping[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": question}]
    if image is not None:
        parts.append({"type": "image_url", "image_url": {"url": data_url(image)}})
    messages = [{"role": "user", "content": parts}]
    return {"model": NAME, "messages": messages, "max_tokens": new_tokens, "temperature": 0}


MEASUREMENTS = (
    Measurement(("api_first_ms",), _measure_first_chunk),
    Measurement(("api_batch8",), _measure_together),
)
