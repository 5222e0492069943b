"""Layers of a vision tower that are not computed."""

from __future__ import annotations

import pytest
import torch
import transformers

from vlm_demo.engines.local.checkpoints.vision_tower import drop_unread_layers


@pytest.mark.parametrize("tower", ["clip", "siglip"])
@pytest.mark.parametrize(("chosen", "left"), [(-2, 3), (-1, 4), ([-3, 1], 2), (2, 2)])
def test_layers_of_a_tower_that_nobody_reads_are_dropped(tower, chosen, left):
    vision = transformers.CONFIG_MAPPING[f"{tower}_vision_model"](
        num_hidden_layers=4,
        hidden_size=32,
        intermediate_size=32,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    words = transformers.LlamaConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=100,
    )
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=words,
        vision_feature_layer=chosen,
        vision_feature_select_strategy="full",
    )
    model = transformers.LlavaForConditionalGeneration(config).eval()
    pixels = torch.randn(1, 3, 28, 28)

    def features():
        with torch.inference_mode():
            return torch.cat(model.model.get_image_features(pixels).pooler_output)

    before = features()
    drop_unread_layers(model)

    assert torch.equal(features(), before)
    assert len(model.model.vision_tower.encoder.layers) == left
