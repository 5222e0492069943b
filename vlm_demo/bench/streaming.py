"""One stream: what the path around the model costs, and how soon a stop is heard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from statistics import median

from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.models import LLAVA
from vlm_demo.bench.prompts import questions
from vlm_demo.bench.rows import Pairs, Row
from vlm_demo.bench.sides import PlainGenerate, Program, prompt_of, same_text
from vlm_demo.bench.timing import timed
from vlm_demo.engines import Engine, open_engine
from vlm_demo.values import Request, Sampling, Task

QUESTION_WORDS = 20
STOPPED_AFTER = 8  # pieces of text
NEVER_REACHED = 400  # tokens
SETTLED_S = 0.3  # without another step
LONGEST_SETTLING_S = 30.0


def _overhead(workshop: BenchContext) -> Iterator[Row]:
    """Text alone, so that all but a little is decoding; long answers, for a steady figure."""
    options, pairs = workshop.options, Pairs()
    folder, tokens = workshop.checkpoint(LLAVA), 2 * options.new_tokens
    asked, sampling = questions(options.seed, QUESTION_WORDS), Sampling(max_new_tokens=tokens)
    theirs = PlainGenerate.load(folder)
    with closing(Program(folder, LLAVA.family, workshop.serving(options.requests))) as ours:
        first = Request(Task.CHAT, next(asked), sampling=sampling)
        timed(partial(ours.answer, first))
        timed(partial(theirs.whole_answer, prompt_of(LLAVA.family, first), tokens))
        for _ in workshop.repeats("one stream and bare generate"):
            request = Request(Task.CHAT, next(asked), sampling=sampling)
            prompt = prompt_of(LLAVA.family, request)
            bare = timed(partial(theirs.whole_answer, prompt, tokens))
            streamed = timed(partial(ours.answer, request))
            rates = tokens / streamed.whole_s, tokens / bare.whole_s
            pairs.add(*rates, identical=same_text(streamed.text, bare.text))
    note = f"{median(pairs.over):.1f} against {median(pairs.under):.1f} tokens per second"
    yield pairs.row("stream_overhead", note)


def _stop(workshop: BenchContext) -> Iterator[Row]:
    """Close a stream while it is being decoded, and count the steps from there."""
    asked = questions(workshop.options.seed, QUESTION_WORDS)
    engine = open_engine(
        "local",
        str(workshop.checkpoint(LLAVA)),
        device="cpu",
        serving=workshop.serving(workshop.options.requests),
    )
    with closing(engine):
        steps = [_steps_after_stop(engine, next(asked)) for _ in workshop.repeats("stopping")]
    # The worst counts: each stop has to be heard.
    yield Row("stop_steps", max(steps), (min(steps), max(steps)))


def _steps_after_stop(engine: Engine, question: str) -> float:
    prompt = prompt_of(LLAVA.family, Request(Task.CHAT, question))
    with closing(engine.stream(prompt, Sampling(max_new_tokens=NEVER_REACHED))) as pieces:
        written = (piece for piece in pieces if piece)
        for _ in zip(range(STOPPED_AFTER), written, strict=False):
            pass
        before = engine.usage().steps
    return _settled_steps(engine) - before


def _settled_steps(engine: Engine) -> int:
    """Return how many steps there are when no more are added.

    Raises:
        UnavailableError: the engine does not come to rest.
    """
    steps, since = engine.usage().steps, time.monotonic()
    give_up = since + LONGEST_SETTLING_S
    while engine.usage().answering or time.monotonic() - since < SETTLED_S:
        if time.monotonic() > give_up:
            raise UnavailableError("The engine goes on computing after a stop.")
        time.sleep(0.01)
        if engine.usage().steps != steps:
            steps, since = engine.usage().steps, time.monotonic()
    return steps


GROUPS = (Group(("stream_overhead",), _overhead), Group(("stop_steps",), _stop))
