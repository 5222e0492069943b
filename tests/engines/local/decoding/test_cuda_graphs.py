"""Steps in fixed shapes, recorded and replayed, as far as that can be checked without a GPU."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from support.engines import TinyEngine, drawing
from support.tiny_checkpoints import CHECKPOINTS
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vlm_demo.engines import Serving
from vlm_demo.engines.local import engine as engine_module
from vlm_demo.engines.local.checkpoints.loading import LoadedCheckpoint
from vlm_demo.engines.local.decoding import cuda_graphs, fixed_cache
from vlm_demo.engines.local.decoding.cuda_graphs import Compute, GraphedDecoder
from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.engines.local.decoding.selection import allows_cuda_graphs, eager_decoder
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.batch import BatchRow, DecodingBatch
from vlm_demo.engines.local.scheduling.sampling import TokenSampler
from vlm_demo.families import architectures, get_family
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.values import Prompt, Request, Sampling, Task

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V and PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


CONVERSED = ("llava", "qwen2_vl", "gemma3", "smolvlm")
"""Tried in whole engines too."""


QUESTIONS = ("What is it?", "Is the picture of a red cat, and where does it sit? Say more.", "Why?")


class Recording(TorchDispatchMode):
    """Does without a GPU what a CUDA graph does: keeps the operations, to run them once more.

    They read and write the tensors that they did at first; what Python decided meanwhile, or knew
    as a number, is not asked for again. What would make the CPU wait for a GPU is not allowed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        assert "_local_scalar_dense" not in str(func), "the GPU is waited for"
        assert "nonzero" not in str(func), "the shape depends on numbers"
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def run_again(self, output: Tensor) -> Tensor:
        now: dict[int, Tensor] = {}

        def current(tensor: Tensor) -> Tensor:
            return now.get(id(tensor), tensor)

        tree = torch.utils._pytree
        for func, args, kwargs, result in self.operations:
            given, options = tree.tree_map_only(Tensor, current, (args, kwargs))
            again = func(*given, **options)
            for before, after in zip(
                tree.tree_leaves(result), tree.tree_leaves(again), strict=True
            ):
                if isinstance(before, Tensor):
                    now[id(before)] = after
        return current(output)


class Recorder:
    """Takes the place of `CudaGraphRecorder`."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, compute: Compute) -> Compute:
        self.recorded += 1
        compute()  # as in a warm-up
        with Recording() as recording:
            output = compute()

        def replay() -> Tensor:
            self.replayed += 1
            return recording.run_again(output)

        return replay


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tiny prompts come to the end of a buffer."""
    monkeypatch.setattr(fixed_cache, "MIN_COLUMNS", 16)
    monkeypatch.setattr("vlm_demo.engines.local.decoding.kv_cache.MIN_SPARE_COLUMNS", 8)


def question(kind: str, number: int) -> Prompt:
    family = get_family(CHECKPOINTS[kind].family)
    return family.prompt(Request(Task.CHAT, QUESTIONS[number % 3], (drawing(number),)))


def decoder_of(engine: LocalEngine) -> Decoder:
    decoder = eager_decoder(engine._model, architectures()[engine._config.model_type].position_ids)
    assert decoder is not None
    return decoder


class Script:
    """Rows that join and leave a batch, and what they write."""

    def __init__(self, engine: LocalEngine, kind: str, decoder: Decoder) -> None:
        self.engine, self.kind, self.decoder = engine, kind, decoder
        self.batch = DecodingBatch(decoder, suppressed=())
        self.rows: dict[int, BatchRow] = {}
        self.written: dict[int, list[tuple[int, float]]] = {}

    def join(self, number: int) -> None:
        inputs = dict(self.engine._encoder.encode(question(self.kind, number)).inputs)
        cache = KvCache()
        logits, ahead = self.decoder.prefill(inputs, cache)
        ids = inputs["input_ids"]
        row = BatchRow(None, (), ids, ids.shape[1], ahead)  # type: ignore[arg-type]  # nobody reads it
        token, logprob = self.batch.choose_first_token(row, logits)  # type: ignore[misc]  # no rule of its own can fail
        self.rows[number] = row
        self.written[number] = [(token, logprob)]
        self.batch.add(row, cache, token)

    def leave(self, number: int) -> None:
        self.batch.remove([self.rows.pop(number)])

    def steps(self, count: int) -> None:
        numbers = {row: number for number, row in self.rows.items()}
        for _ in range(count):
            for row, outcome in zip(self.batch.rows, self.batch.step(), strict=True):
                assert isinstance(outcome, tuple)
                self.written[numbers[row]].append(outcome)

    def play(self) -> dict[int, list[tuple[int, float]]]:
        with torch.inference_mode():
            self.join(0)
            self.steps(12)
            self.join(1)
            self.steps(6)
            self.join(2)
            self.steps(6)
            self.leave(0)
            self.steps(20)
            self.leave(2)
            self.leave(1)
            self.join(3)  # the batch was empty: the same memory, with other things in it
            self.steps(25)
        return self.written


def model_types() -> list[str]:
    """The tiny checkpoints of recordable types, one of each."""
    same = {"glm46v": "glm4v"}  # its class is that of GLM-4V but for the name
    return sorted(
        {same.get(kind, kind) for kind, how in architectures().items() if how.cuda_graphs}
    )


@pytest.mark.parametrize("kind", model_types())
def test_replayed_steps_write_what_computed_ones_do(
    kind: str, tiny: Callable[[str], TinyEngine]
) -> None:
    engine = tiny(kind).engine
    decoder = decoder_of(engine)
    assert allows_cuda_graphs(engine._model)
    recorder = Recorder()

    plain = Script(engine, kind, decoder).play()
    fixed = Script(engine, kind, GraphedDecoder(decoder, recorder)).play()

    for number, written in plain.items():
        assert [token for token, _ in fixed[number]] == [token for token, _ in written]
        assert [logprob for _, logprob in fixed[number]] == pytest.approx(
            [logprob for _, logprob in written], abs=1e-3
        )
    assert recorder.replayed == 69
    assert recorder.recorded < 20


def test_old_recordings_are_dropped_when_memory_moves_or_there_are_too_many(
    tiny: Callable[[str], TinyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_graphs, "MAX_RECORDED_STEPS", 2)
    engine = tiny("llava").engine
    decoder = decoder_of(engine)
    graphed = GraphedDecoder(decoder, Recorder())
    fixed = Script(engine, "llava", graphed).play()

    assert fixed == Script(engine, "llava", GraphedDecoder(decoder, Recorder())).play()
    assert len(graphed._steps) <= 2
    assert all(step.compute for step in graphed._steps.values())


def test_numbers_that_broke_down_do_not_reach_the_next_batch(
    tiny: Callable[[str], TinyEngine],
) -> None:
    engine = tiny("llava").engine
    decoder = decoder_of(engine)
    graphed = GraphedDecoder(decoder, Recorder())
    script = Script(engine, "llava", graphed)
    with torch.inference_mode():
        script.join(1)
        script.steps(20)
        for layer in graphed._cache.active_layers:
            layer.values.fill_(torch.nan)
        script.leave(1)
        script.join(0)
        script.steps(12)
    assert script.written[0] == Script(engine, "llava", graphed).play()[0][:13]


def test_memory_is_given_back_when_nothing_is_in_it(tiny: Callable[[str], TinyEngine]) -> None:
    engine = tiny("llava").engine
    decoder = decoder_of(engine)
    graphed = GraphedDecoder(decoder, Recorder())
    script = Script(engine, "llava", graphed)
    with torch.inference_mode():
        script.join(0)
        script.batch.release()  # in vain
        script.steps(6)
        script.leave(0)
        script.batch.release()
        assert not graphed._cache.layers
        assert not graphed._steps
        script.join(1)
        script.steps(6)
    with torch.inference_mode():
        plain = Script(engine, "llava", decoder)
        for number in (0, 1):
            plain.join(number)
            plain.steps(6)
            plain.leave(number)
    for number in (0, 1):
        assert [token for token, _ in script.written[number]] == [
            token for token, _ in plain.written[number]
        ]


@pytest.mark.parametrize("kind", CONVERSED)
def test_a_step_reads_nothing_from_the_gpu_but_its_outcome(
    kind: str, tiny: Callable[[str], TinyEngine]
) -> None:
    """Nor without recordings, where rows begin at different columns and one is drawn by chance."""
    engine = tiny(kind).engine
    decoder = decoder_of(engine)
    script = Script(engine, kind, decoder)
    with torch.inference_mode():
        for number in (0, 1, 2):
            script.join(number)
        drawn = script.rows[1]
        drawn.processors = (
            TokenSampler(Sampling(temperature=1.0, top_k=9, top_p=0.9), decoder.device),
        )
        drawn.ids = torch.cat([drawn.ids, drawn.ids.new_zeros(1, 4)], dim=1)
        with Recording():
            script.steps(2)
    assert [len(script.written[number]) for number in (0, 1, 2)] == [3, 3, 3]


def test_a_model_that_cannot_be_recorded_goes_on_without(
    tiny: Callable[[str], TinyEngine], caplog: pytest.LogCaptureFixture
) -> None:
    engine = tiny("llava").engine
    decoder = decoder_of(engine)
    attempts = []

    def record(compute: Compute) -> Compute:
        attempts.append(compute)
        raise RuntimeError("operation not permitted when stream is capturing")

    graphed = GraphedDecoder(decoder, record)
    with caplog.at_level(logging.WARNING):
        fixed = Script(engine, "llava", graphed).play()
    plain = Script(engine, "llava", decoder).play()
    assert {n: [t for t, _ in w] for n, w in fixed.items()} == {
        n: [t for t, _ in w] for n, w in plain.items()
    }
    assert len(attempts) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "when stream is capturing" in caplog.text
    cache = KvCache()
    assert graphed.batch_cache(cache) is cache  # from the next batch on, as if there were no graphs


@pytest.mark.parametrize("kind", CONVERSED)
def test_an_engine_answers_many_from_recordings_as_it_answers_one(
    kind: str, tiny: Callable[[str], TinyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny(kind).engine
    recorder = Recorder()
    decoder = GraphedDecoder(decoder_of(engine), recorder)
    monkeypatch.setattr(engine_module, "select_decoder", lambda *_: decoder)
    checkpoint = LoadedCheckpoint(engine._encoder.processor, engine._model, ONE_AT_A_TIME)
    faster = LocalEngine(checkpoint, serving=Serving(batch=3))
    lengths = (9, 30, 17, 24, 12)
    prompts = [question(kind, number) for number in range(len(lengths))]

    def write(wanted: LocalEngine, number: int) -> str:
        sampling = Sampling(
            max_new_tokens=lengths[number],
            temperature=0.8 * (number % 2),
            seed=number,
            repetition_penalty=1.1 if number == 2 else 1.0,
        )
        return "".join(wanted.stream(prompts[number], sampling))

    try:
        with ThreadPoolExecutor(len(lengths)) as threads:
            together = list(threads.map(lambda number: write(faster, number), range(5)))
        assert together == [write(engine, number) for number in range(5)]
        assert recorder.replayed >= max(lengths) - 1
    finally:
        faster.close()
