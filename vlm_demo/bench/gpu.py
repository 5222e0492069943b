"""A model of the usual size on a GPU, with random weights: decoding, alone and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import median
from typing import Any

import torch

from vlm_demo.bench import models
from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.models import LLAVA
from vlm_demo.bench.prompts import questions
from vlm_demo.bench.rows import Pairs, Row, row_of
from vlm_demo.bench.sides import PlainGenerate, prompt_of
from vlm_demo.bench.timing import Timed, timed, together
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.values import Prompt, Request, Sampling, Task

NEEDED_BYTES = 20_000_000_000  # for 14 GB of weights, and to answer with
QUESTION_WORDS = 85
ANSWERS_LONGER_BY = 4  # than on a CPU: a token takes a hundredth of the time


def _decoding(workshop: BenchContext) -> Iterator[Row]:
    """Rates are of tokens after the first: what prompts take is not counted.

    Texts are not compared: in bfloat16 the order of sums decides between words that are nearly as
    likely, and each side adds up in its own.
    """
    options = workshop.options
    processor, model = _seven_billion(workshop)
    tokens = ANSWERS_LONGER_BY * options.new_tokens
    theirs = PlainGenerate(processor, model)
    alone, batched = Pairs(), Pairs()
    asked = (
        prompt_of(LLAVA.family, Request(Task.CHAT, text))
        for text in questions(options.seed, QUESTION_WORDS)
    )
    serving = workshop.serving(options.requests)
    with closing(LocalEngine(processor, model, serving=serving)) as engine:
        together(_streams(engine, list(islice(asked, options.requests)), tokens))
        timed(partial(theirs.answer, next(asked), tokens))
        for _ in workshop.repeats("7B on the GPU"):
            batch = list(islice(asked, options.requests))
            plain = timed(partial(theirs.answer, batch[0], tokens))
            one = together(_streams(engine, batch[:1], tokens))
            many = together(_streams(engine, batch, tokens))
            bare = _decode_rate([plain], tokens)
            alone.add(_decode_rate(one, tokens), bare)
            batched.add(_decode_rate(many, tokens), bare)
    yield alone.row("gpu_decode1", _rates(alone))
    yield batched.row("gpu_decode8", _rates(batched))
    limit = _bandwidth() / _decoder_bytes(model)
    note = f"the limit is {limit:.0f} tokens per second"
    yield row_of("gpu_bandwidth_share", [rate / limit for rate in alone.over], note)


def _seven_billion(workshop: BenchContext) -> tuple[Any, Any]:
    """Build the model where it is to run.

    Raises:
        UnavailableError: there is no GPU, or too small a one.
    """
    if not torch.cuda.is_available():
        raise UnavailableError("There is no GPU.")
    free, _ = torch.cuda.mem_get_info()
    shape = models.TINY if workshop.options.tiny else models.SEVEN_BILLION
    if free < NEEDED_BYTES and not workshop.options.tiny:
        raise UnavailableError("The GPU has too little memory for a model of 14 GB.")
    workshop.say("building a random llava of seven billion parameters")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"), torch.random.fork_rng():
            torch.manual_seed(workshop.options.seed)
            model, processor = models.build(LLAVA, shape)
    finally:
        torch.set_default_dtype(before)
    return processor, model


def _streams(engine: LocalEngine, batch: Sequence[Prompt], tokens: int) -> list[Any]:
    return [partial(_stream, engine, prompt, tokens) for prompt in batch]


def _stream(engine: LocalEngine, prompt: Prompt, tokens: int) -> Iterator[str]:
    text = ""
    with closing(engine.stream(prompt, Sampling(max_new_tokens=tokens))) as pieces:
        for piece in pieces:
            text += piece
            yield text


def _decode_rate(answers: Sequence[Timed], tokens: int) -> float:
    """Return tokens per second from the first token of all to the last."""
    begun, ended = min(a.first_s for a in answers), max(a.whole_s for a in answers)
    return len(answers) * (tokens - 1) / (ended - begun)


def _rates(pairs: Pairs) -> str:
    return f"{median(pairs.over):.0f} against {median(pairs.under):.0f} tokens per second"


def _decoder_bytes(model: Any) -> int:
    """Return the weights that every token has to read."""
    read = [*model.model.language_model.layers.parameters(), *model.lm_head.parameters()]
    return sum(weight.numel() * weight.element_size() for weight in read)


def _bandwidth() -> float:
    """Return what the GPU's memory can read, bytes per second; it moves two bits a cycle a line."""
    about = torch.cuda.get_device_properties(0)
    return 2 * about.memory_clock_rate * 1000 * about.memory_bus_width / 8


GROUPS = (Group(("gpu_decode1", "gpu_decode8", "gpu_bandwidth_share"), _decoding),)
