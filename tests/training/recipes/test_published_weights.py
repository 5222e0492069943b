"""Shipped weights have the Hub's tensor names: programs other than transformers load them, too."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from vlm_demo.training.recipes.published_weights import publish_weights
from vlm_demo.training.recipes.run import RECIPES

MODELS = Path(__file__).parents[3] / "assets" / "models"

VISION_LAYER = (
    r"encoder\.layers\.\d+\.(layer_norm[12]|mlp\.fc[12]|self_attn\.(q|k|v|out)_proj)\.(weight|bias)"
)
"""Tensors of a layer that SigLIP and CLIP share."""

HUB_NAMES = {
    "embedded-llava15": (
        rf"vision_tower\.vision_model\.({VISION_LAYER}|post_layernorm\.(weight|bias)"
        r"|embeddings\.(patch_embedding\.(weight|bias)|position_embedding\.weight))",
        r"multi_modal_projector\.linear_[12]\.(weight|bias)",
        r"language_model\.model\.(embed_tokens|norm)\.weight",
        r"language_model\.model\.layers\.\d+\.((input|post_attention)_layernorm"
        r"|mlp\.(gate|up|down)_proj|self_attn\.(q|k|v|o)_proj)\.weight",
    ),
    "embedded-kosmos2": (
        rf"vision_model\.model\.({VISION_LAYER}|(pre_layrnorm|post_layernorm)\.(weight|bias)"
        r"|embeddings\.(class_embedding|(patch|position)_embedding\.weight))",
        r"image_to_text_projection\.(latent_query|dense\.(weight|bias)"
        r"|x_attn\.(q|k|v|out)_proj\.(weight|bias))",
        r"text_model\.model\.(embed_tokens\.weight|layer_norm\.(weight|bias))",
        r"text_model\.model\.layers\.\d+\.(self_attn_layer_norm|final_layer_norm"
        r"|ffn\.(fc[12]|ffn_layernorm)|self_attn\.(inner_attn_ln|(q|k|v|out)_proj))\.(weight|bias)",
    ),
}
"""Names in llava-hf/llava-1.5-7b-hf and microsoft/kosmos-2-patch14-224 on https://huggingface.co;
the vision tower is a SigLIP instead of a CLIP in the first, as in llava-hf/llava-interleave-qwen-*.
The head is tied to the embeddings here, so it has no tensor of its own."""


@pytest.mark.parametrize("model", RECIPES)
def test_tensors_have_the_names_of_the_hub(model: str) -> None:
    names = load_file(MODELS / model / "model.safetensors")
    pattern = re.compile("|".join(HUB_NAMES[model]))
    assert [name for name in names if not pattern.fullmatch(name)] == []


@pytest.mark.parametrize("model", RECIPES)
def test_transformers_loads_every_tensor(model: str) -> None:
    network, report = AutoModelForImageTextToText.from_pretrained(
        MODELS / model, local_files_only=True, output_loading_info=True
    )
    assert not any(report.values()), report
    loaded = sum(tensor.numel() for tensor in set(network.parameters()))
    stored = load_file(MODELS / model / "model.safetensors").values()
    assert loaded == sum(tensor.numel() for tensor in stored)


def test_names_change_once_and_values_only_their_precision(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"tower.a": torch.tensor([1.5]), "towering.b": torch.tensor([2.0])}, file)
    for _ in range(2):
        publish_weights(file, {"tower.": "tower.inner."})
        tensors = load_file(file)
        assert set(tensors) == {"tower.inner.a", "towering.b"}
        assert tensors["tower.inner.a"].dtype is torch.float16
        assert tensors["tower.inner.a"].item() == 1.5
