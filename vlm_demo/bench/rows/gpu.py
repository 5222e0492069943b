"""Decoding with a model of the usual size on a GPU, one request and several together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import torch

from vlm_demo.bench import models
from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.models import LLAVA
from vlm_demo.bench.plain_generate import PlainGenerate
from vlm_demo.bench.prompts import draw_questions, write_prompt
from vlm_demo.bench.results import BenchRow, Comparison, median_row
from vlm_demo.bench.timing import TimedAnswer, time_answer, time_together
from vlm_demo.engines.local.checkpoints.loading import LoadedCheckpoint
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.families import architectures
from vlm_demo.values import Prompt, Request, Sampling, Task

NEEDED_BYTES = 20_000_000_000  # 14 GB of weights, and room to compute
QUESTION_WORDS = 85
LENGTH_FACTOR = 4  # answers are longer than on a CPU: a token takes a hundredth of the time


def _measure_decoding(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the rate of tokens after the first; the time for prompts is not counted.

    Texts are not compared: in bfloat16 the order of additions decides between words that are almost
    equally likely, and each side has its own order.
    """
    options = context.options
    processor, model = _build_seven_billion(context)
    tokens = LENGTH_FACTOR * options.new_tokens
    plain = PlainGenerate(processor, model)
    single, batched = Comparison(), Comparison()
    prompts = (
        write_prompt(LLAVA.family, Request(Task.CHAT, text))
        for text in draw_questions(options.seed, QUESTION_WORDS)
    )
    checkpoint = LoadedCheckpoint(processor, model, architectures()[model.config.model_type])
    serving = context.serving(options.requests)
    with closing(LocalEngine(checkpoint, serving=serving)) as engine:
        time_together(_stream_all(engine, list(islice(prompts, options.requests)), tokens))
        time_answer(partial(plain.answer, next(prompts), tokens))
        for _ in context.repeats("7B on the GPU"):
            batch = list(islice(prompts, options.requests))
            unbatched = time_answer(partial(plain.answer, batch[0], tokens))
            one = time_together(_stream_all(engine, batch[:1], tokens))
            many = time_together(_stream_all(engine, batch, tokens))
            bare = _decode_rate([unbatched], tokens)
            single.add(_decode_rate(one, tokens), bare)
            batched.add(_decode_rate(many, tokens), bare)
    yield single.row("gpu_decode1", single.describe_rates())
    yield batched.row("gpu_decode8", batched.describe_rates())
    limit = _bandwidth() / _decoder_bytes(model)
    note = f"the limit is {limit:.0f} tokens per second"
    yield median_row("gpu_bandwidth_share", [rate / limit for rate in single.numerators], note)


def _build_seven_billion(context: BenchContext) -> tuple[Any, Any]:
    """Build the model on the GPU.

    Raises:
        UnavailableError: there is no GPU, or too small a one.
    """
    if not torch.cuda.is_available():
        raise UnavailableError("There is no GPU.")
    free, _ = torch.cuda.mem_get_info()
    shape = models.TINY if context.options.tiny else models.SEVEN_BILLION
    if free < NEEDED_BYTES and not context.options.tiny:
        raise UnavailableError("The GPU has too little memory for a model of 14 GB.")
    context.report("building a random llava of seven billion parameters")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"), torch.random.fork_rng():
            torch.manual_seed(context.options.seed)
            model, processor = models.build(LLAVA, shape)
    finally:
        torch.set_default_dtype(before)
    return processor, model


def _stream_all(engine: LocalEngine, batch: Sequence[Prompt], tokens: int) -> list[Any]:
    return [partial(_stream, engine, prompt, tokens) for prompt in batch]


def _stream(engine: LocalEngine, prompt: Prompt, tokens: int) -> Iterator[str]:
    text = ""
    with closing(engine.stream(prompt, Sampling(max_new_tokens=tokens))) as chunks:
        for chunk in chunks:
            text += chunk
            yield text


def _decode_rate(answers: Sequence[TimedAnswer], tokens: int) -> float:
    """Return tokens per second, from the first token of any answer to the last of all."""
    start, end = min(a.first_s for a in answers), max(a.total_s for a in answers)
    return len(answers) * (tokens - 1) / (end - start)


def _decoder_bytes(model: Any) -> int:
    """Return the bytes of weights that are read for every token."""
    weights = [*model.model.language_model.layers.parameters(), *model.lm_head.parameters()]
    return sum(weight.numel() * weight.element_size() for weight in weights)


def _bandwidth() -> float:
    """Return the bandwidth of the GPU's memory, bytes per second: two bits per cycle and line."""
    device = torch.cuda.get_device_properties(0)
    return 2 * device.memory_clock_rate * 1000 * device.memory_bus_width / 8


MEASUREMENTS = (
    Measurement(("gpu_decode1", "gpu_decode8", "gpu_bandwidth_share"), _measure_decoding),
)
