"""What the engine puts up with in models that nobody has declared, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.engines import LONG, SHORT, ask, drawing, load_engine, raising, write

from vlm_demo.engines import CacheBudget
from vlm_demo.engines.local.checkpoints.processors import processor_class, without_videos
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.decoding.selection import select_decoder
from vlm_demo.engines.local.decoding.vision_tower_cache import CachedVisionTower
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.inputs.model_inputs import (
    TOKEN_TYPES,
    add_token_types,
    drop_unknown_inputs,
    list_input_names,
)
from vlm_demo.engines.local.inputs.request_memory import check_request, kv_bytes, largest
from vlm_demo.errors import EngineError, MissingImageError
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.values import Message, Prompt

QUESTION = ask("llava15", drawing())


@pytest.fixture
def undeclared(folder_of: Callable[[str], Path]) -> Iterator[LocalEngine]:
    """A LLaVA of which no family has said how it is run."""
    engine = load_engine(folder_of("llava"), architectures={})
    yield engine
    engine.close()


# A `generate` of its own


def test_a_generate_that_drops_processors_still_streams_and_stops(
    undeclared: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate, written = undeclared._model.generate, []

    def own(logits_processor: Any, stopping_criteria: Any, streamer: Any, **rest: Any) -> Any:
        put = streamer.put
        streamer.put = lambda value: (written.append(value), put(value))
        return generate(streamer=streamer, **rest)

    usual = write(undeclared, QUESTION)
    monkeypatch.setattr(undeclared._model, "generate", own)
    chunks = list(undeclared.stream(QUESTION, SHORT))
    assert "".join(chunks) == usual
    assert not any(chunk.logprobs for chunk in chunks)
    with pytest.raises(EngineError, match=r"its own code.*choices, a pattern or a"):
        write(undeclared, replace(QUESTION, choices=("yes", "no")))
    written.clear()
    stopped = write(undeclared, replace(QUESTION, stop=(usual[3],)), LONG)
    assert stopped == usual[:3]
    assert len(written) < 20


def test_a_generate_that_passes_on_no_tokens_is_an_error(
    undeclared: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undeclared._model, "generate", lambda **_: torch.zeros(1, 3))
    with pytest.raises(EngineError, match="returns no tokens"):
        write(undeclared, QUESTION)


# What is given to the model


class TakesPixels:
    def forward(self, input_ids: Any, pixel_values: Any, **options: Any) -> None: ...
    def prepare_inputs_for_generation(self, input_ids: Any, attention_mask: Any) -> None: ...
    def generate(self, **options: Any) -> None: ...


class TakesAnything(TakesPixels):
    def forward(self, *args: Any, **options: Any) -> None: ...  # type: ignore[override]  # takes anything


def test_inputs_that_the_model_does_not_take_are_left_out() -> None:
    names = ("input_ids", "attention_mask", "pixel_values", "height", "labels")
    inputs = dict.fromkeys(names)
    drop_unknown_inputs(inputs, list_input_names(TakesPixels()))
    assert list(inputs) == ["input_ids", "attention_mask", "pixel_values"]
    inputs = dict.fromkeys(names)
    drop_unknown_inputs(inputs, list_input_names(TakesAnything()))
    assert list(inputs) == ["input_ids", "attention_mask", "pixel_values", "height"]


def test_tokens_of_pictures_are_marked_where_the_processor_does_not() -> None:
    processor = SimpleNamespace(
        create_mm_token_type_ids=lambda rows: [[int(token == 9) for token in row] for row in rows]
    )
    inputs: dict[str, Any] = {"input_ids": torch.tensor([[1, 9, 9]])}
    add_token_types(inputs, processor, frozenset({TOKEN_TYPES}))
    assert TOKEN_TYPES not in inputs, "there is no picture"
    inputs["image_grid_thw"] = torch.tensor([[1, 2, 4]])
    add_token_types(inputs, processor, frozenset({"input_ids"}))
    assert TOKEN_TYPES not in inputs, "the model does not take it"
    add_token_types(inputs, processor, frozenset({TOKEN_TYPES}))
    assert inputs[TOKEN_TYPES].tolist() == [[0, 1, 1]]


def test_pictures_that_a_template_does_not_part_are_numbered_one_by_one(
    tiny: Callable[[str], Any],
) -> None:
    engine = tiny("qwen2_vl").engine
    plain = (
        "{% for m in messages %}{% for part in m['content'] %}"
        "{{ '<|image_pad|>' if part['type'] == 'image' else part['text'] }}"
        "{% endfor %}{% endfor %}"
    )
    pictures = (drawing(), drawing(1), drawing(2))
    asked = Prompt((Message("user", "Compare.", pictures),), chat_template=plain)
    pad = "<|image_pad|>"
    assert engine._encoder.render(asked) == f"{pad}\n{pad}\n{pad}Compare."
    write(engine, asked)


# What is refused


def test_a_template_that_cannot_be_used(undeclared: LocalEngine) -> None:
    with pytest.raises(EngineError, match=r"chat template .* cannot be used: .*end"):
        write(undeclared, replace(QUESTION, chat_template="{% for m in messages %}"))


def test_a_model_that_needs_a_picture_says_so(
    undeclared: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = raising(ValueError("You must provide valid `images`"))
    monkeypatch.setattr(type(undeclared._encoder.processor), "__call__", fails)
    with pytest.raises(MissingImageError, match="needs an image"):
        write(undeclared, ask("llava15", None))
    with pytest.raises(EngineError, match="You must provide"):
        write(undeclared, QUESTION)


# Configurations


def test_a_configuration_without_the_usual_numbers_gives_no_estimate() -> None:
    strange = SimpleNamespace(model_type="strange", get_text_config=lambda **_: object())
    sizes = {"prompt_tokens": 10, "image_tokens": 0, "new_tokens": 10, "free": 0}
    check_request(strange, dtype=torch.float32, **sizes)


def test_numbers_that_differ_by_layer_count_at_their_largest() -> None:
    from transformers import Gemma3nTextConfig, Gemma4Config

    by_layer = Gemma3nTextConfig(num_hidden_layers=30, intermediate_size=[8, 16] * 15)
    assert largest(by_layer, "intermediate_size") == 16
    assert kv_bytes(Gemma4Config(), 100, torch.float32) > 0


# Caches


def test_states_that_cannot_be_cut_at_a_token_are_not_shared(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from transformers import Lfm2VlConfig, Llama4Config, Qwen3_5Config

    convolutions = {"num_hidden_layers": 2, "layer_types": ["conv", "full_attention"]}
    lfm = Lfm2VlConfig(text_config={"model_type": "lfm2", **convolutions})
    for config in (lfm, Llama4Config(), Qwen3_5Config()):
        caplog.clear()
        model = SimpleNamespace(config=config)
        assert select_decoder(model, Architecture(position_ids="plain")) is None
        assert "one after the other" in caplog.text


def test_what_a_model_writes_into_a_towers_output_does_not_last() -> None:
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    class Tower(torch.nn.Module):
        def forward(self) -> Any:
            return BaseModelOutputWithPooling(pooler_output=torch.ones(2, 3))

    model = torch.nn.Module()
    model.vision_tower = Tower()
    tower = CachedVisionTower(model, CacheBudget(10**6), Statistics())
    for _ in range(3):
        with tower.use_images((b"picture",)):
            output = model.vision_tower()
            output.pooler_output = output.pooler_output.split(1)
    assert len(output.pooler_output) == 2


# Processors without videos


def test_the_processor_is_the_one_that_the_files_name(tmp_path: Path) -> None:
    from transformers import Glm46VProcessor, GlmOcrConfig, LlavaProcessor

    (tmp_path / "config.json").write_text(json.dumps(GlmOcrConfig().to_dict()))
    (tmp_path / "tokenizer_config.json").write_text('{"processor_class": "LlavaProcessor"}')
    assert processor_class(tmp_path) is LlavaProcessor
    (tmp_path / "processor_config.json").write_text('{"processor_class": "Glm46VProcessor"}')
    assert processor_class(tmp_path) is Glm46VProcessor


@pytest.mark.parametrize("name", ["LlavaNextVideoProcessor", "Gemma4Processor"])
def test_the_video_part_can_be_left_out_wherever_it_stands(name: str) -> None:
    import transformers

    native = getattr(transformers, name)
    parts = without_videos(native).get_attributes()
    assert {*native.get_attributes()} - {*parts} == {"video_processor"}
