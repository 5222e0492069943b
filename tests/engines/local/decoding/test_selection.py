"""Which decoder runs a model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.engines import TinyEngine, load_engine
from support.tiny_checkpoints import CHECKPOINTS

from vlm_demo.engines.local.decoding import selection
from vlm_demo.engines.local.decoding.cuda_graphs import GraphedDecoder
from vlm_demo.engines.local.decoding.decoders import Decoder, Kosmos2Decoder, MropeDecoder
from vlm_demo.engines.local.decoding.selection import (
    allows_cuda_graphs,
    eager_decoder,
    select_decoder,
)
from vlm_demo.engines.local.scheduling.continuous_batching import ContinuousBatcher
from vlm_demo.engines.local.scheduling.sequential import SequentialRunner
from vlm_demo.families import architectures
from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture


@pytest.mark.parametrize(
    ("name", "decoder"),
    [("llava", Decoder), ("qwen2_vl", MropeDecoder), ("kosmos2", Kosmos2Decoder)],
)
def test_position_ids_choose_the_decoder(
    name: str, decoder: type[Decoder], tiny: Callable[[str], TinyEngine]
) -> None:
    model = tiny(name).engine._model
    chosen = eager_decoder(model, architectures()[model.config.model_type].position_ids)
    assert type(chosen) is decoder


def test_models_that_cannot_share_a_step_have_no_decoder() -> None:
    assert select_decoder(None, ONE_AT_A_TIME) is None


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_native_model_type_is_declared(
    name: str, tiny: Callable[[str], TinyEngine], caplog: pytest.LogCaptureFixture
) -> None:
    engine = tiny(name).engine
    architecture = architectures()[engine._config.model_type]
    runner = SequentialRunner if architecture.position_ids is None else ContinuousBatcher
    assert isinstance(engine._runner, runner)
    assert "declares the model type" not in caplog.text


def test_a_model_type_without_a_declaration_takes_turns_and_says_so(
    folder_of: Callable[[str], object], caplog: pytest.LogCaptureFixture
) -> None:
    undeclared = {kind: how for kind, how in architectures().items() if kind != "llava"}
    with caplog.at_level(logging.WARNING):
        engine = load_engine(folder_of("llava"), architectures=undeclared)
    try:
        assert isinstance(engine._runner, SequentialRunner)
        (record,) = caplog.records
        assert "No model family declares the model type 'llava'" in record.getMessage()
    finally:
        engine.close()


# CUDA graphs


def test_nothing_is_recorded_without_cuda(tiny: Callable[[str], TinyEngine]) -> None:
    decoder = select_decoder(tiny("llava").engine._model, architectures()["llava"])
    assert decoder is not None
    assert not isinstance(decoder, GraphedDecoder)


def model_like(**changes: Any) -> Any:
    words = SimpleNamespace(_attn_implementation="sdpa", rope_parameters={"rope_type": "default"})
    words.__dict__.update(changes.pop("words", {}))
    config = SimpleNamespace(model_type="llava", get_text_config=lambda: words)
    config.__dict__.update(changes.pop("config", {}))
    return SimpleNamespace(config=config, **changes)


class FakeGraphedDecoder(Decoder):
    """Takes no memory of a GPU."""

    def __init__(self, decoder: Decoder, _: object) -> None:
        self.decoder = decoder


def test_only_declared_architectures_are_recorded_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "GraphedDecoder", FakeGraphedDecoder)
    monkeypatch.setattr(selection, "CudaGraphRecorder", lambda device: device)
    monkeypatch.setattr(selection, "has_shareable_cache", lambda model: True)
    model = model_like(device=torch.device("cuda"))
    recorded = select_decoder(model, Architecture(position_ids="plain", cuda_graphs=True))
    assert isinstance(recorded, FakeGraphedDecoder)
    computed = select_decoder(model, Architecture(position_ids="plain"))
    assert type(computed) is Decoder
    assert not architectures()["qwen3_vl_moe"].cuda_graphs, "experts differ from token to token"


def test_what_rules_cuda_graphs_out() -> None:
    assert allows_cuda_graphs(model_like())
    assert allows_cuda_graphs(model_like(hf_device_map={"": 0}))
    assert not allows_cuda_graphs(model_like(hf_device_map={"model": 0, "lm_head": 1}))
    quantized = {"quantization_config": {"load_in_8bit": True}}
    assert not allows_cuda_graphs(model_like(config=quantized))
    assert not allows_cuda_graphs(model_like(words={"_attn_implementation": "eager"}))
    assert not allows_cuda_graphs(model_like(words={"rope_parameters": {"rope_type": "dynamic"}}))
    by_layer = {"full_attention": {"rope_type": "longrope"}}
    assert not allows_cuda_graphs(model_like(words={"rope_parameters": by_layer}))
