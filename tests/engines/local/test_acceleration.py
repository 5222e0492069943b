"""What makes a GPU fast, as far as it can be checked without one: fixed shapes, and decisions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from support.tiny_checkpoints import CHECKPOINTS, save
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import MistralConfig, Qwen2Config
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from vlm_demo.engines import Serving
from vlm_demo.engines.local import engine as engine_module
from vlm_demo.engines.local.checkpoints import loading
from vlm_demo.engines.local.decoding import acceleration, decoders, few_rows, graphs
from vlm_demo.engines.local.decoding.acceleration import (
    PICTURES_IN_A_ROW,
    RECORDABLE,
    accelerated,
    attention,
    can_be_recorded,
)
from vlm_demo.engines.local.decoding.decoders import Decoder, decoder_for
from vlm_demo.engines.local.decoding.few_rows import speed_up
from vlm_demo.engines.local.decoding.graphs import (
    Compute,
    GraphedDecoder,
    rounded_columns,
    rounded_rows,
)
from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.batch import Batch, Row
from vlm_demo.engines.local.scheduling.sampling import Draw
from vlm_demo.families import get_family
from vlm_demo.values import Prompt, Request, Sampling, Task

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V).
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
    """Takes the place of `CudaGraphs`."""

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
    monkeypatch.setattr(graphs, "LEAST_COLUMNS", 16)
    monkeypatch.setattr("vlm_demo.engines.local.decoding.kv_cache.SPARE", 8)


@pytest.fixture(scope="module")
def load(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], LocalEngine]]:
    loaded: dict[str, LocalEngine] = {}

    def engine(kind: str) -> LocalEngine:
        if kind not in loaded:
            folder = save(CHECKPOINTS[kind], tmp_path_factory.mktemp(kind))
            loaded[kind] = LocalEngine.load(str(folder), device="cpu")
        return loaded[kind]

    yield engine
    for each in loaded.values():
        each.close()


def asked(kind: str, number: int) -> Prompt:
    image = Image.new("RGB", (96 + 16 * number, 64), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill=("red", "blue", "green")[number % 3])
    family = get_family(CHECKPOINTS[kind].family)
    return family.prompt(Request(Task.CHAT, QUESTIONS[number % 3], (image,)))


# Steps in fixed shapes, replayed


class Script:
    """Rows that join and leave a batch, and what they write."""

    def __init__(self, engine: LocalEngine, kind: str, decoder: Decoder) -> None:
        self.engine, self.kind, self.decoder = engine, kind, decoder
        self.batch = Batch(decoder, suppressed=())
        self.rows: dict[int, Row] = {}
        self.written: dict[int, list[tuple[int, float]]] = {}

    def join(self, number: int) -> None:
        inputs = dict(self.engine._encoder.encode(asked(self.kind, number)).inputs)
        cache = KvCache()
        logits, ahead = self.decoder.prefill(inputs, cache)
        ids = inputs["input_ids"]
        row = Row(None, (), ids, ids.shape[1], ahead)  # type: ignore[arg-type]  # nobody reads it
        token, logprob = self.batch.first(row, logits)  # type: ignore[misc]  # no rule of its own can fail
        self.rows[number] = row
        self.written[number] = [(token, logprob)]
        self.batch.join(row, cache, token)

    def leave(self, number: int) -> None:
        self.batch.leave([self.rows.pop(number)])

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
    return sorted({same.get(kind, kind) for kind in RECORDABLE})


@pytest.mark.parametrize("kind", model_types())
def test_replayed_steps_write_what_computed_ones_do(
    kind: str, load: Callable[[str], LocalEngine]
) -> None:
    engine = load(kind)
    decoder = decoder_for(engine._model)
    assert decoder is not None
    assert can_be_recorded(engine._model)
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


def test_experts_cannot_be_recorded(load: Callable[[str], LocalEngine]) -> None:
    assert not can_be_recorded(load("qwen3_vl_moe")._model)


def test_memory_stays_where_it_is_until_more_is_needed() -> None:
    memory = graphs.Memory()
    first = memory.shaped((2, 3), like=torch.ones(1))
    first += 7
    smaller = memory.shaped((1, 4), like=torch.ones(1))
    assert smaller.data_ptr() == first.data_ptr()
    assert smaller.tolist() == [[0, 0, 0, 0]]  # nothing is left of what was there
    assert memory.moves == 1
    memory.shaped((5, 5), like=torch.ones(1))
    assert memory.moves == 2


def test_old_recordings_are_dropped_when_memory_moves_or_there_are_too_many(
    load: Callable[[str], LocalEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "MOST_STEPS", 2)
    engine = load("llava")
    decoder = decoder_for(engine._model)
    assert decoder is not None
    graphed = GraphedDecoder(decoder, Recorder())
    fixed = Script(engine, "llava", graphed).play()

    assert fixed == Script(engine, "llava", GraphedDecoder(decoder, Recorder())).play()
    assert len(graphed._steps) <= 2
    assert all(step.compute for step in graphed._steps.values())


def test_numbers_that_broke_down_do_not_reach_the_next_batch(
    load: Callable[[str], LocalEngine],
) -> None:
    engine = load("llava")
    decoder = decoder_for(engine._model)
    assert decoder is not None
    graphed = GraphedDecoder(decoder, Recorder())
    script = Script(engine, "llava", graphed)
    with torch.inference_mode():
        script.join(1)
        script.steps(20)
        for layer in graphed._cache.filled:
            layer.values.fill_(torch.nan)
        script.leave(1)
        script.join(0)
        script.steps(12)
    assert script.written[0] == Script(engine, "llava", graphed).play()[0][:13]


def test_memory_is_given_back_when_nothing_is_in_it(load: Callable[[str], LocalEngine]) -> None:
    engine = load("llava")
    decoder = decoder_for(engine._model)
    assert decoder is not None
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
    kind: str, load: Callable[[str], LocalEngine]
) -> None:
    """Nor without recordings, where rows begin at different columns and one is drawn by chance."""
    engine = load(kind)
    decoder = decoder_for(engine._model)
    assert decoder is not None
    script = Script(engine, kind, decoder)
    with torch.inference_mode():
        for number in (0, 1, 2):
            script.join(number)
        drawn = script.rows[1]
        drawn.processors = (Draw(Sampling(temperature=1.0, top_k=9, top_p=0.9), decoder.device),)
        drawn.ids = torch.cat([drawn.ids, drawn.ids.new_zeros(1, 4)], dim=1)
        with Recording():
            script.steps(2)
    assert [len(script.written[number]) for number in (0, 1, 2)] == [3, 3, 3]


def test_a_model_that_cannot_be_recorded_goes_on_without(
    load: Callable[[str], LocalEngine], caplog: pytest.LogCaptureFixture
) -> None:
    engine = load("llava")
    decoder = decoder_for(engine._model)
    assert decoder is not None
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
    assert graphed.held(cache) is cache  # from the next batch on, as if there were no graphs


@pytest.mark.parametrize("kind", CONVERSED)
def test_an_engine_answers_many_from_recordings_as_it_answers_one(
    kind: str, load: Callable[[str], LocalEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(kind)
    recorder = Recorder()
    monkeypatch.setattr(
        engine_module, "accelerated", lambda decoder, _: GraphedDecoder(decoder, recorder)
    )
    faster = LocalEngine(engine._encoder.processor, engine._model, serving=Serving(batch=3))
    lengths = (9, 30, 17, 24, 12)
    prompts = [asked(kind, number) for number in range(len(lengths))]

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


# Masks, rounded shapes


@pytest.mark.parametrize(
    ("config", "windowed", "create"),
    [
        (MistralConfig(sliding_window=5), True, create_sliding_window_causal_mask),
        (MistralConfig(sliding_window=None), False, create_causal_mask),
        (
            Qwen2Config(use_sliding_window=True, sliding_window=5, max_window_layers=1),
            True,
            create_sliding_window_causal_mask,
        ),
        (Qwen2Config(), False, create_causal_mask),
    ],
    ids=["mistral-window", "mistral", "qwen2-window", "qwen2"],
)
def test_the_mask_is_the_one_that_transformers_makes(
    config: Any, windowed: bool, create: Callable[..., Tensor]
) -> None:
    """Three rows that begin at different columns, at their twelfth."""
    config._attn_implementation = "sdpa"
    model = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: config))
    starts, newest = torch.tensor([[0], [3], [9]]), 11
    mask = Decoder(model).mask(starts, newest, 12)

    cache = KvCache()
    cache.update(torch.zeros(3, 1, newest, 1), torch.zeros(3, 1, newest, 1), 0)
    expected = create(
        config=config,
        inputs_embeds=torch.zeros(3, 1, 8),
        attention_mask=(torch.arange(12) >= starts).long(),
        past_key_values=cache,
    )
    if isinstance(mask, dict):
        mask = mask["sliding_attention"]
    assert isinstance(mask, Tensor)
    assert torch.equal(mask, expected)
    assert windowed == bool(decoders._window(config)[0])


def test_shapes_are_few_and_little_is_wasted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "LEAST_COLUMNS", 256)
    assert [rounded_rows(rows) for rows in (1, 2, 3, 4, 5, 8, 9)] == [1, 2, 4, 4, 8, 8, 16]
    assert rounded_columns(1) == rounded_columns(256) == 256
    assert rounded_columns(600) == 768
    for columns in range(1, 40_000, 37):
        assert columns <= rounded_columns(columns) <= max(256, columns * 1.25 + 256)
    assert len({rounded_columns(columns) for columns in range(1, 32_768)}) <= 32


def test_chance_draws_as_torch_does() -> None:
    for seed in range(50):
        logits = torch.randn(1, 500, generator=torch.Generator().manual_seed(seed))
        drawn = Draw(Sampling(temperature=0.7, seed=seed), torch.device("cpu"))(logits, logits)
        expected = torch.multinomial(
            (logits / 0.7).softmax(-1), 1, generator=torch.Generator().manual_seed(seed)
        )
        assert drawn.argmax(-1).item() == expected.item()


# Decisions


def test_nothing_is_recorded_without_cuda(load: Callable[[str], LocalEngine]) -> None:
    model = load("llava")._model
    decoder = decoder_for(model)
    assert decoder is not None
    assert accelerated(decoder, model) is decoder


def model_like(**changes: Any) -> Any:
    words = SimpleNamespace(_attn_implementation="sdpa", rope_parameters={"rope_type": "default"})
    words.__dict__.update(changes.pop("words", {}))
    config = SimpleNamespace(model_type="llava", get_text_config=lambda: words)
    config.__dict__.update(changes.pop("config", {}))
    return SimpleNamespace(config=config, **changes)


def test_what_can_be_recorded() -> None:
    assert can_be_recorded(model_like())
    assert can_be_recorded(model_like(hf_device_map={"": 0}))
    assert not can_be_recorded(model_like(hf_device_map={"model": 0, "lm_head": 1}))
    assert not can_be_recorded(model_like(config={"model_type": "kosmos-2"}))
    assert not can_be_recorded(model_like(config={"quantization_config": {"load_in_8bit": True}}))
    assert not can_be_recorded(model_like(words={"_attn_implementation": "eager"}))
    assert not can_be_recorded(model_like(words={"rope_parameters": {"rope_type": "dynamic"}}))
    by_layer = {"full_attention": {"rope_type": "longrope"}}
    assert not can_be_recorded(model_like(words={"rope_parameters": by_layer}))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def pretend(*, installed: bool = True, capability: Sequence[int] = (8, 0)) -> None:
        monkeypatch.setattr(acceleration, "is_flash_attn_2_available", lambda: installed)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: tuple(capability))

    return pretend


def test_attention_is_left_to_transformers_unless_flash_attention_can_help(
    gpu: Callable[..., None],
) -> None:
    gpu()
    chosen = attention("qwen2_vl", "cuda", torch.bfloat16)
    assert chosen["attn_implementation"]["vision_config"] == "flash_attention_2"
    assert chosen["attn_implementation"]["text_config"] == "sdpa"
    assert attention("llava", "cuda", torch.bfloat16) == {}
    assert attention("qwen2_vl", "cpu", torch.bfloat16) == {}
    assert attention("qwen2_vl", "cuda", torch.float32) == {}
    assert attention("qwen2_vl", "cuda", None) == {}
    assert attention("qwen2_vl", "cuda", torch.bfloat16, "8bit") == {}
    gpu(capability=(7, 5))
    assert attention("qwen2_vl", "cuda", torch.bfloat16) == {}
    gpu(installed=False)
    assert attention("qwen2_vl", "cuda", torch.bfloat16) == {}


def test_models_are_loaded_with_the_attention_that_was_chosen(
    tiny_llava15: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = []

    def choose(*circumstances: Any) -> dict[str, Any]:
        asked_for.append(circumstances)
        return {"attn_implementation": "eager"}

    monkeypatch.setattr(loading, "attention", choose)
    engine = LocalEngine.load(str(tiny_llava15), device="cpu")
    try:
        assert engine._model.config.get_text_config()._attn_implementation == "eager"
        assert asked_for == [("llava", "cpu", torch.float32, "none")]
    finally:
        engine.close()


@pytest.mark.parametrize("kind", sorted(PICTURES_IN_A_ROW))
def test_tower_and_words_can_be_told_apart(kind: str, tmp_path: Path) -> None:
    """With other names in place of FlashAttention's, which wants a GPU."""
    from transformers import AutoModelForImageTextToText

    folder = save(CHECKPOINTS[kind], tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(
        folder, attn_implementation={"text_config": "sdpa", "vision_config": "eager"}
    )
    assert model._supports_flash_attn
    assert model.config.text_config._attn_implementation == "sdpa"
    assert model.config.vision_config._attn_implementation == "eager"
    assert model.model.visual.config._attn_implementation == "eager"
    assert model.model.language_model.config._attn_implementation == "sdpa"


# Few rows on a CPU


@pytest.mark.parametrize(
    "rows", [(1,), (4, 1), (8, 1), (1, 20), (1, 64), (1, 65), (1, 128), (1, 129), (2, 300)]
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("share", [few_rows.COPIES_SHARE, 0.0], ids=["copied", "no memory"])
def test_few_rows_give_the_same_product(
    rows: tuple[int, ...], bias: bool, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_rows, "COPIES_SHARE", share)
    layer = torch.nn.Linear(512, 640, bias=bias)
    inputs = torch.randn(*rows, 512)
    with torch.inference_mode():
        wanted = layer(inputs)
        speed_up(torch.nn.Sequential(layer))
        result = layer(inputs)
        again = layer(inputs)
    torch.testing.assert_close(result, wanted)
    assert torch.equal(result, again)
    assert result.is_contiguous(), "attention falls back to a slow way otherwise"


def test_inputs_that_lie_apart_give_the_same_product() -> None:
    layer = torch.nn.Linear(512, 640)
    inputs = torch.randn(8, 3, 512)[:, -1:]  # as the newest column of a batch
    with torch.inference_mode():
        wanted = layer(inputs)
        speed_up(torch.nn.Sequential(layer))
        torch.testing.assert_close(layer(inputs), wanted)


def test_weights_are_copied_when_needed_and_while_there_is_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[torch.Tensor] = []
    reorder = torch.ops.mkldnn._reorder_linear_weight

    def noted(weight: torch.Tensor, rows: int) -> torch.Tensor:
        copied.append(weight)
        return reorder(weight, rows)

    layers = torch.nn.ModuleList([torch.nn.Linear(512, 640, bias=False) for _ in range(3)])
    memory = SimpleNamespace(available=2.5 * layers[0].weight.nbytes / few_rows.COPIES_SHARE)
    monkeypatch.setattr(few_rows.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", noted)
    with torch.inference_mode():
        speed_up(layers)
        for rows in (1, 300):
            for layer in layers:
                layer(torch.randn(rows, 512))
        assert copied == []
        for _ in range(2):
            for layer in layers:
                layer(torch.randn(8, 512))
    assert len(copied) == 2


def test_only_large_layers_of_numbers_as_they_are_take_the_other_way() -> None:
    large, small = torch.nn.Linear(512, 640), torch.nn.Linear(64, 64)
    half = torch.nn.Linear(512, 640, dtype=torch.bfloat16)
    speed_up(torch.nn.ModuleList([large, small, half]))
    assert "forward" in vars(large)
    assert "forward" not in vars(small)
    assert "forward" not in vars(half)
