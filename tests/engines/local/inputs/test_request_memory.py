"""What requests take in memory: estimates against the real thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_checkpoints import CHECKPOINTS
from transformers import AutoConfig, AutoModelForImageTextToText, DynamicCache

from vlm_demo.engines.local.inputs.request_memory import check_request, kv_bytes, request_bytes
from vlm_demo.errors import OutOfMemoryError

GB = 1_000_000_000

Folder = Callable[[str], Path]


DECODERS = [
    "llava",
    "qwen2_vl",
    "gemma3",
    "smolvlm",
    *("kosmos2", "git", "llava_next", "llava_onevision", "qwen2_5_vl", "qwen3_vl", "glm4v"),
    *("internvl", "ovis2", "idefics3", "deepseek_vl", "deepseek_vl_hybrid", "fuyu", "paligemma"),
]


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keys_and_values_are_known_exactly(
    name: str, dtype: torch.dtype, folder_of: Folder
) -> None:
    model = AutoModelForImageTextToText.from_pretrained(folder_of(name), dtype=dtype).eval()
    ids = torch.arange(10, 31).unsqueeze(0)
    cache = DynamicCache()  # without a config: no layer forgets what slides out of its window
    with torch.inference_mode():
        model.get_decoder()(input_ids=ids, past_key_values=cache, use_cache=True)
    real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert cache.get_seq_length() == 21
    assert real == kv_bytes(model.config, 21, dtype)


def config(name: str, folder_of: Folder) -> Any:
    return AutoConfig.from_pretrained(folder_of(name))


def test_grouped_heads_keep_less(folder_of: Folder) -> None:
    grouped = config("qwen2_vl", folder_of)
    text = grouped.get_text_config()
    assert text.num_key_value_heads < text.num_attention_heads
    before = kv_bytes(grouped, 100, torch.float32)
    text.num_key_value_heads *= 2
    assert kv_bytes(grouped, 100, torch.float32) == 2 * before


def test_layers_that_keep_no_keys_do_not_count(folder_of: Folder) -> None:
    hybrid = config("gemma3", folder_of)
    text = hybrid.get_text_config()
    before = kv_bytes(hybrid, 100, torch.float32)
    text.layer_types = ["linear_attention", *text.layer_types[1:]]
    assert kv_bytes(hybrid, 100, torch.float32) == before * (1 - 1 / text.num_hidden_layers)


def big(folder_of: Folder, name: str = "qwen2_vl") -> Any:
    """The shape of a model of seven billion parameters."""
    shape = config(name, folder_of)
    text = shape.get_text_config()
    text.update(
        {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}
        | {"num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}
        | {"layer_types": None, "head_dim": None}
    )
    return shape


def check(shape: Any, free: int, **tokens: int) -> None:
    wanted = {"prompt_tokens": 3000, "image_tokens": 2800, "new_tokens": 512, **tokens}
    check_request(shape, free=free, dtype=torch.bfloat16, **wanted)


def test_a_request_that_fits_passes(folder_of: Folder) -> None:
    shape = big(folder_of)
    needed = request_bytes(
        shape, prompt_tokens=3000, image_tokens=2800, new_tokens=512, dtype=torch.bfloat16
    )
    assert kv_bytes(shape, 3512, torch.bfloat16) < needed < 2 * GB
    check(shape, needed)
    with pytest.raises(OutOfMemoryError, match=r"This request needs about .* MB .* are free"):
        check(shape, needed - 1)


def test_only_remedies_that_fit_are_proposed(folder_of: Folder) -> None:
    shape = big(folder_of)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 400_000_000, history_tokens=1000)
    assert "use an image half as wide and high" in str(refusal.value)
    assert (refusal.value.smaller_image, refusal.value.new_tokens) == (True, 0)
    assert "clear the conversation" not in str(refusal.value)
    assert "new tokens" not in str(refusal.value)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 600_000_000, prompt_tokens=9000, image_tokens=200, history_tokens=8000)
    assert "clear the conversation" in str(refusal.value)
    assert "picture" not in str(refusal.value)
    with pytest.raises(OutOfMemoryError, match="choose a smaller model"):
        check(shape, 1000)


def test_the_longest_answer_that_fits_is_named(folder_of: Folder) -> None:
    shape = big(folder_of)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 2 * GB, new_tokens=100_000)
    words = str(refusal.value).split()
    most = int(words[words.index("new") - 1].replace(",", ""))
    check(shape, 2 * GB, new_tokens=most)
    with pytest.raises(OutOfMemoryError):
        check(shape, 2 * GB, new_tokens=round(most * 1.2))


def test_a_smaller_picture_is_no_remedy_where_all_are_resized(folder_of: Folder) -> None:
    with pytest.raises(OutOfMemoryError) as refusal:
        check(big(folder_of, "llava"), 400_000_000)
    assert "half as wide" not in str(refusal.value)


@pytest.mark.parametrize("name", list(CHECKPOINTS))
def test_every_family_can_be_estimated(name: str, folder_of: Folder) -> None:
    shape = AutoConfig.from_pretrained(folder_of(name))
    few, many = (
        request_bytes(
            shape, prompt_tokens=n, image_tokens=n // 2, new_tokens=8, dtype=torch.float32
        )
        for n in (100, 1000)
    )
    assert 0 < few < many
