"""Several requests at the same time: batched, one after another, or by `transformers serve`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import mean, median
from threading import Lock

from vlm_demo.bench.context import BenchContext, Measurement
from vlm_demo.bench.models import IMAGE_SIZE, LLAVA
from vlm_demo.bench.near_ties import TextComparison
from vlm_demo.bench.plain_generate import PlainGenerate
from vlm_demo.bench.program import Program
from vlm_demo.bench.prompts import draw_images, draw_questions, write_prompt
from vlm_demo.bench.results import BenchRow, Comparison
from vlm_demo.bench.timing import TimedAnswer, time_answer, time_together
from vlm_demo.bench.transformers_serve import TransformersServe, transformers_serve
from vlm_demo.values import Request, Sampling, Task

SHORT_WORDS = 85  # with the template about 90 tokens
QUESTION_WORDS = 15  # with the picture's 576 tokens about 600

Batch = Sequence[Request]


def _measure_short(context: BenchContext) -> Iterator[BenchRow]:
    """Measure text alone, where most of the time goes into decoding."""
    comparison, plain = Comparison(), PlainGenerate.load(context.checkpoint(LLAVA))
    with closing(_load_batching_program(context)) as batched:
        for batch in _short_batches(context):
            one_by_one, at_once = _ask_in_turn(plain, batch), _ask_program(batched, batch)
            rates = _rate(at_once, context), _rate(one_by_one, context)
            comparison.add(*rates)
            _compare_texts(comparison.texts, plain, batch, one_by_one, at_once)
    yield comparison.row("batch8_short", comparison.describe_rates())


def _measure_images(context: BenchContext) -> Iterator[BenchRow]:
    """Measure different pictures, where most of the time goes into prompts."""
    first, plain = Comparison(), PlainGenerate.load(context.checkpoint(LLAVA))
    wall = Comparison(texts=first.texts)
    with closing(_load_batching_program(context)) as batched:
        for batch in _image_batches(context, "one after another and together"):
            one_by_one, at_once = _ask_in_turn(plain, batch), _ask_program(batched, batch)
            first.add(_first_s(one_by_one), _first_s(at_once))
            wall.add(_wall_s(one_by_one), _wall_s(at_once))
            _compare_texts(first.texts, plain, batch, one_by_one, at_once)
    yield first.row("batch8_picture_ttft", _describe_times(first))
    yield wall.row("batch8_picture_wall", _describe_times(wall))


def _measure_against_serve(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the same pictures against `transformers serve` with as many clients."""
    comparison, threads = Comparison(), context.options.threads
    plain = PlainGenerate.load(context.checkpoint(LLAVA))
    with (
        transformers_serve(context.checkpoint(LLAVA), threads) as server,
        closing(_load_batching_program(context)) as batched,
    ):
        prompt = write_prompt(LLAVA.family, Request(Task.CHAT, "a"))
        time_answer(partial(server.answer, prompt, 4))
        for batch in _image_batches(context, "transformers serve and ours"):
            theirs, ours = _ask_server(server, batch), _ask_program(batched, batch)
            rates = _rate(ours, context), _rate(theirs, context)
            comparison.add(*rates)
            _compare_texts(comparison.texts, plain, batch, theirs, ours)
    yield comparison.row("batch8_serve", comparison.describe_rates())


def _load_batching_program(context: BenchContext) -> Program:
    """Load the model so that it answers all requests at the same time, and ask it once."""
    serving = context.serving(context.options.requests)
    program = Program(context.checkpoint(LLAVA), LLAVA.family, serving)
    time_answer(
        partial(program.answer, Request(Task.CHAT, "a", sampling=Sampling(max_new_tokens=4)))
    )
    return program


def _short_batches(context: BenchContext) -> Iterator[Batch]:
    options = context.options
    questions = draw_questions(options.seed, SHORT_WORDS)
    sampling = Sampling(max_new_tokens=options.new_tokens)
    for _ in context.repeats("short prompts: one after another and together"):
        texts = islice(questions, options.requests)
        yield [Request(Task.CHAT, text, sampling=sampling) for text in texts]


def _image_batches(context: BenchContext, how: str) -> Iterator[Batch]:
    options = context.options
    questions = draw_questions(options.seed, QUESTION_WORDS)
    images = draw_images(options.seed, IMAGE_SIZE)
    sampling = Sampling(max_new_tokens=options.new_tokens)
    for _ in context.repeats(f"pictures: {how}"):
        both = islice(zip(questions, images, strict=False), options.requests)
        yield [Request(Task.CHAT, text, (image,), sampling=sampling) for text, image in both]


def _ask_program(program: Program, batch: Batch) -> list[TimedAnswer]:
    return time_together([partial(program.answer, request) for request in batch])


def _ask_in_turn(plain: PlainGenerate, batch: Batch) -> list[TimedAnswer]:
    """Let each request wait for those before it, as demos do that call `generate` from a queue."""
    turn = Lock()

    def answer(request: Request) -> Iterator[str]:
        prompt = write_prompt(LLAVA.family, request)
        with turn:
            yield from plain.answer(prompt, _new_tokens(request))

    return time_together([partial(answer, request) for request in batch])


def _ask_server(server: TransformersServe, batch: Batch) -> list[TimedAnswer]:
    return time_together(
        [
            partial(server.answer, write_prompt(LLAVA.family, request), _new_tokens(request))
            for request in batch
        ]
    )


def _new_tokens(request: Request) -> int:
    return request.sampling.max_new_tokens if request.sampling else 0


def _first_s(answers: Sequence[TimedAnswer]) -> float:
    return mean(answer.first_s for answer in answers)


def _wall_s(answers: Sequence[TimedAnswer]) -> float:
    return max(answer.total_s for answer in answers)


def _rate(answers: Sequence[TimedAnswer], context: BenchContext) -> float:
    """Return tokens per second; the models never end an answer early."""
    return len(answers) * context.options.new_tokens / _wall_s(answers)


def _compare_texts(
    texts: TextComparison,
    plain: PlainGenerate,
    batch: Batch,
    theirs: Sequence[TimedAnswer],
    ours: Sequence[TimedAnswer],
) -> None:
    for request, one, other in zip(batch, theirs, ours, strict=True):
        prompt = write_prompt(LLAVA.family, request)
        explain = partial(plain.measure_divergence, prompt, one.text, other.text)
        texts.add(one.has_text_of(other), explain)


def _describe_times(comparison: Comparison) -> str:
    theirs, ours = median(comparison.numerators), median(comparison.denominators)
    return f"{theirs:.1f} s against {ours:.1f} s"


MEASUREMENTS = (
    Measurement(("batch8_short",), _measure_short),
    Measurement(("batch8_picture_ttft", "batch8_picture_wall"), _measure_images),
    Measurement(("batch8_serve",), _measure_against_serve),
)
