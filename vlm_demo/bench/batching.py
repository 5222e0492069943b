"""Several requests at the same time: answered together, one after another, or by others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import mean, median
from threading import Lock

from vlm_demo.bench.context import BenchContext, Group
from vlm_demo.bench.models import LLAVA, PICTURE_SIZE
from vlm_demo.bench.prompts import pictures, questions
from vlm_demo.bench.rows import Pairs, Row
from vlm_demo.bench.serve import TransformersServe, transformers_serve
from vlm_demo.bench.sides import PlainGenerate, Program, prompt_of, same_text
from vlm_demo.bench.timing import Timed, timed, together
from vlm_demo.values import Request, Sampling, Task

SHORT_WORDS = 85  # with the template about 90 tokens
QUESTION_WORDS = 15  # with the picture's 576 tokens about 600

Batch = Sequence[Request]


def _short(workshop: BenchContext) -> Iterator[Row]:
    """Text alone: most of the time goes into decoding."""
    pairs, plain = Pairs(), PlainGenerate.load(workshop.checkpoint(LLAVA))
    with closing(_many(workshop)) as batched:
        for batch in _short_batches(workshop):
            one_by_one, at_once = _in_turn(plain, batch), _ours(batched, batch)
            rates = _rate(at_once, workshop), _rate(one_by_one, workshop)
            pairs.add(*rates, identical=_same(one_by_one, at_once))
    yield pairs.row("batch8_short", _rates(pairs))


def _pictures(workshop: BenchContext) -> Iterator[Row]:
    """Different pictures: most of the time goes into prompts."""
    first, wall, plain = Pairs(), Pairs(), PlainGenerate.load(workshop.checkpoint(LLAVA))
    with closing(_many(workshop)) as batched:
        for batch in _picture_batches(workshop, "one after another and together"):
            one_by_one, at_once = _in_turn(plain, batch), _ours(batched, batch)
            same = _same(one_by_one, at_once)
            first.add(_first_s(one_by_one), _first_s(at_once), identical=same)
            wall.add(_wall_s(one_by_one), _wall_s(at_once), identical=same)
    yield first.row("batch8_picture_ttft", _times(first))
    yield wall.row("batch8_picture_wall", _times(wall))


def _served(workshop: BenchContext) -> Iterator[Row]:
    """The same pictures, put to `transformers serve` by as many clients."""
    pairs, threads = Pairs(), workshop.options.threads
    with (
        transformers_serve(workshop.checkpoint(LLAVA), threads) as server,
        closing(_many(workshop)) as batched,
    ):
        prompt = prompt_of(LLAVA.family, Request(Task.CHAT, "a"))
        timed(partial(server.answer, prompt, 4))
        for batch in _picture_batches(workshop, "transformers serve and ours"):
            theirs, ours = _theirs(server, batch), _ours(batched, batch)
            rates = _rate(ours, workshop), _rate(theirs, workshop)
            pairs.add(*rates, identical=_same(theirs, ours))
    yield pairs.row("batch8_serve", _rates(pairs))


def _many(workshop: BenchContext) -> Program:
    """Load the model to answer all requests at a time, and ask it once."""
    serving = workshop.serving(workshop.options.requests)
    program = Program(workshop.checkpoint(LLAVA), LLAVA.family, serving)
    timed(partial(program.answer, Request(Task.CHAT, "a", sampling=Sampling(max_new_tokens=4))))
    return program


def _short_batches(workshop: BenchContext) -> Iterator[Batch]:
    options = workshop.options
    asked = questions(options.seed, SHORT_WORDS)
    sampling = Sampling(max_new_tokens=options.new_tokens)
    for _ in workshop.repeats("short prompts: one after another and together"):
        texts = islice(asked, options.requests)
        yield [Request(Task.CHAT, text, sampling=sampling) for text in texts]


def _picture_batches(workshop: BenchContext, how: str) -> Iterator[Batch]:
    options = workshop.options
    asked, drawn = questions(options.seed, QUESTION_WORDS), pictures(options.seed, PICTURE_SIZE)
    sampling = Sampling(max_new_tokens=options.new_tokens)
    for _ in workshop.repeats(f"pictures: {how}"):
        both = islice(zip(asked, drawn, strict=False), options.requests)
        yield [Request(Task.CHAT, text, (image,), sampling=sampling) for text, image in both]


def _ours(program: Program, batch: Batch) -> list[Timed]:
    return together([partial(program.answer, request) for request in batch])


def _in_turn(plain: PlainGenerate, batch: Batch) -> list[Timed]:
    """Let everybody wait for those before, as demos do that call `generate` from a queue."""
    turn = Lock()

    def answer(request: Request) -> Iterator[str]:
        prompt = prompt_of(LLAVA.family, request)
        with turn:
            yield from plain.answer(prompt, _length(request))

    return together([partial(answer, request) for request in batch])


def _theirs(server: TransformersServe, batch: Batch) -> list[Timed]:
    return together(
        [
            partial(server.answer, prompt_of(LLAVA.family, request), _length(request))
            for request in batch
        ]
    )


def _length(request: Request) -> int:
    return request.sampling.max_new_tokens if request.sampling else 0


def _first_s(answers: Sequence[Timed]) -> float:
    return mean(answer.first_s for answer in answers)


def _wall_s(answers: Sequence[Timed]) -> float:
    return max(answer.whole_s for answer in answers)


def _rate(answers: Sequence[Timed], workshop: BenchContext) -> float:
    """Return tokens per second; the models never end an answer early."""
    return len(answers) * workshop.options.new_tokens / _wall_s(answers)


def _same(one: Sequence[Timed], other: Sequence[Timed]) -> bool:
    return all(same_text(a.text, b.text) for a, b in zip(one, other, strict=True))


def _rates(pairs: Pairs) -> str:
    ours, theirs = median(pairs.over), median(pairs.under)
    return f"{ours:.0f} against {theirs:.0f} tokens per second"


def _times(pairs: Pairs) -> str:
    theirs, ours = median(pairs.over), median(pairs.under)
    return f"{theirs:.1f} s against {ours:.1f} s"


GROUPS = (
    Group(("batch8_short",), _short),
    Group(("batch8_picture_ttft", "batch8_picture_wall"), _pictures),
    Group(("batch8_serve",), _served),
)
