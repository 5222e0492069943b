"""Which attention a model is loaded with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.engines import load_engine
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.engines import NumberFormat
from vlm_demo.engines.local.checkpoints import attention, loading
from vlm_demo.engines.local.checkpoints.attention import attention_options
from vlm_demo.families import architectures
from vlm_demo.prompting.architecture import Architecture

PLAIN = Architecture(position_ids="plain")
PACKS_IMAGES = Architecture(position_ids="mrope", packs_images=True)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def pretend(*, installed: bool = True, capability: Sequence[int] = (8, 0)) -> None:
        monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: installed)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: tuple(capability))

    return pretend


def test_attention_is_left_to_transformers_unless_flash_attention_can_help(
    gpu: Callable[..., None],
) -> None:
    gpu()
    chosen = attention_options(PACKS_IMAGES, "cuda", torch.bfloat16)
    assert chosen["attn_implementation"]["vision_config"] == "flash_attention_2"
    assert chosen["attn_implementation"]["text_config"] == "sdpa"
    assert attention_options(PLAIN, "cuda", torch.bfloat16) == {}
    assert attention_options(PACKS_IMAGES, "cpu", torch.bfloat16) == {}
    assert attention_options(PACKS_IMAGES, "cuda", torch.float32) == {}
    assert attention_options(PACKS_IMAGES, "cuda", None) == {}
    assert attention_options(PACKS_IMAGES, "cuda", torch.bfloat16, NumberFormat.EIGHT_BIT) == {}
    gpu(capability=(7, 5))
    assert attention_options(PACKS_IMAGES, "cuda", torch.bfloat16) == {}
    gpu(installed=False)
    assert attention_options(PACKS_IMAGES, "cuda", torch.bfloat16) == {}


def test_models_are_loaded_with_the_attention_that_was_chosen(
    tiny_llava15: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = []

    def choose(*circumstances: Any) -> dict[str, Any]:
        asked_for.append(circumstances)
        return {"attn_implementation": "eager"}

    monkeypatch.setattr(loading, "attention_options", choose)
    engine = load_engine(tiny_llava15)
    try:
        assert engine._model.config.get_text_config()._attn_implementation == "eager"
        assert asked_for == [(architectures()["llava"], "cpu", torch.float32, NumberFormat.AUTO)]
    finally:
        engine.close()


@pytest.mark.parametrize(
    "kind", [kind for kind, how in architectures().items() if how.packs_images]
)
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
