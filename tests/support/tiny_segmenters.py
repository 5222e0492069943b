"""Tiny SAM 1 and SAM 2 of the real classes with random weights, saved as the Hub has them."""

import json
from pathlib import Path

SIDE = 64
"""Side in pixels of the square that they see."""

DECODER = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "mlp_dim": 64,
    "iou_head_hidden_dim": 32,
    "iou_head_depth": 2,
}


def save_sam(folder: Path) -> Path:
    """Save a SAM 1."""
    from transformers import SamConfig, SamModel

    vision = {
        "hidden_size": 32,
        "output_channels": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 16,
        "mlp_dim": 64,
        "window_size": 2,
        "global_attn_indexes": [1],
        "num_pos_feats": 16,
    }
    prompts = {"hidden_size": 32, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 4}
    config = SamConfig(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=DECODER
    )
    return _save(SamModel, config, folder)


def save_sam2(folder: Path) -> Path:
    """Save a SAM 2 with the `model_type` of the published checkpoints."""
    from transformers import Sam2Config, Sam2HieraDetConfig, Sam2Model, Sam2VisionConfig

    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        global_attention_blocks=[3],  # one that opens a stage divides by zero
        window_size_per_stage=[8, 4, 4, 2],
        window_positional_embedding_background_size=[4, 4],
        num_query_pool_stages=3,
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        fpn_hidden_size=32,
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_top_down_levels=[2, 3],
        num_feature_levels=3,
    )
    config = Sam2Config(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE},
        mask_decoder_config=DECODER,
    )
    _save(Sam2Model, config, folder)
    stored = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(stored | {"model_type": "sam2_video"}))
    return folder


def _save(model_class, config, folder: Path) -> Path:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model_class(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text("{}")
    return folder
