"""One stream: the overhead of the path around the model, and how soon a stop takes effect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from statistics import median

from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.models import LLAVA
from vlm_demo.bench.plain_generate import PlainGenerate
from vlm_demo.bench.program import Program
from vlm_demo.bench.prompts import draw_questions, write_prompt
from vlm_demo.bench.results import BenchRow, Comparison
from vlm_demo.bench.timing import time_answer
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Engine, open_engine
from vlm_demo.values import Request, Sampling, Task

QUESTION_WORDS = 20
CHUNKS_BEFORE_STOP = 8
MAX_TOKENS = 400  # more than are generated before the stop
REST_S = 0.3  # without another step: the engine is at rest
MAX_WAIT_S = 30.0  # for the engine to come to rest


def _measure_overhead(context: BenchContext) -> Iterator[BenchRow]:
    """Measure text alone, which is mostly decoding, with long answers for a steady figure."""
    options, comparison = context.options, Comparison()
    folder, tokens = context.checkpoint(LLAVA), 2 * options.new_tokens
    questions = draw_questions(options.seed, QUESTION_WORDS)
    sampling = Sampling(max_new_tokens=tokens)
    plain = PlainGenerate.load(folder)
    with closing(Program(folder, LLAVA.family, context.serving(options.requests))) as program:
        first = Request(Task.CHAT, next(questions), sampling=sampling)
        time_answer(partial(program.answer, first))
        time_answer(partial(plain.answer_at_once, write_prompt(LLAVA.family, first), tokens))
        for _ in context.repeats("one stream and bare generate"):
            request = Request(Task.CHAT, next(questions), sampling=sampling)
            prompt = write_prompt(LLAVA.family, request)
            bare = time_answer(partial(plain.answer_at_once, prompt, tokens))
            streamed = time_answer(partial(program.answer, request))
            rates = tokens / streamed.total_s, tokens / bare.total_s
            comparison.add(*rates)
            comparison.texts.add(
                streamed.has_text_of(bare),
                partial(plain.measure_divergence, prompt, bare.text, streamed.text),
            )
    ours, theirs = median(comparison.numerators), median(comparison.denominators)
    note = f"{ours:.1f} against {theirs:.1f} tokens per second"
    yield comparison.row("stream_overhead", note)


def _measure_stop(context: BenchContext) -> Iterator[BenchRow]:
    """Close a stream during decoding, and count the steps after that."""
    questions = draw_questions(context.options.seed, QUESTION_WORDS)
    spec = ModelSpec(name="bench", family=LLAVA.family, checkpoint=str(context.checkpoint(LLAVA)))
    engine = open_engine(spec.load_options("cpu"), context.serving(context.options.requests))
    with closing(engine):
        steps = [_steps_after_stop(engine, next(questions)) for _ in context.repeats("stopping")]
    # The worst counts: every stop must take effect.
    yield BenchRow("stop_steps", max(steps), (min(steps), max(steps)))


def _steps_after_stop(engine: Engine, question: str) -> float:
    prompt = write_prompt(LLAVA.family, Request(Task.CHAT, question))
    with closing(engine.stream(prompt, Sampling(max_new_tokens=MAX_TOKENS))) as chunks:
        text_chunks = (chunk for chunk in chunks if chunk)
        for _ in zip(range(CHUNKS_BEFORE_STOP), text_chunks, strict=False):
            pass
        before = engine.usage().steps
    return _wait_for_rest(engine) - before


def _wait_for_rest(engine: Engine) -> int:
    """Wait until no more steps are added, and return their number.

    Raises:
        UnavailableError: the engine does not come to rest.
    """
    steps, since = engine.usage().steps, time.monotonic()
    give_up = since + MAX_WAIT_S
    while engine.usage().answering or time.monotonic() - since < REST_S:
        if time.monotonic() > give_up:
            raise UnavailableError("The engine keeps computing after a stop.")
        time.sleep(0.01)
        if engine.usage().steps != steps:
            steps, since = engine.usage().steps, time.monotonic()
    return steps


MEASUREMENTS = (
    Measurement(("stream_overhead",), _measure_overhead),
    Measurement(("stop_steps",), _measure_stop),
)
