"""Gemma's kin, and Florence-2 and Molmo 2, which are like none of the others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes.shared import (
    CHATML,
    GEMMA4_TOKENS,
    GEMMA_IMAGE,
    IMAGE,
    PATCH,
    PICTURE,
    SIGLIP,
    SQUARE,
)
from support.tiny_checkpoints.tokenizers import byte_level, pieces

PALIGEMMA = Recipe(
    model_type="paligemma",
    family="paligemma",
    ships_template=False,
    tokenizer=partial(pieces, ["<image>"], kind="GemmaTokenizer", **IMAGE),
    image_processor="SiglipImageProcessorPil",
    image_options={"size": SQUARE, "image_seq_length": 16},
    config={**SIGLIP, "projection_dim": 64, "hidden_size": 64},
    scale=0.3,
)
GEMMA3 = Recipe(
    model_type="gemma3",
    family="gemma3",
    tokenizer=partial(
        pieces,
        ["<start_of_turn>", "<end_of_turn>", *GEMMA_IMAGE.values()],
        kind="GemmaTokenizer",
        extra_special_tokens=GEMMA_IMAGE,
    ),
    config_image_token="<image_soft_token>",
    image_options={"size": SQUARE},
    processor_options={"image_seq_length": 4},
    config={
        **SIGLIP,
        "text_config.layer_types": ["sliding_attention", "full_attention"],
        "text_config.query_pre_attn_scalar": 16,
        "mm_tokens_per_image": 4,
        "boi_token_index": lambda tokenizer: tokenizer.boi_token_id,
        "eoi_token_index": lambda tokenizer: tokenizer.eoi_token_id,
    },
    end_tokens=("<eos>", "<end_of_turn>"),
    scale=0,
)
FLORENCE_TASKS = (
    *("od", "ocr", "cap", "ncap", "dcap", "grounding", "seg", "region_cap", "proposal"),
    *("region_to_desciption", "poly"),  # the misspelling is the checkpoint's
)
FLORENCE_PARTS: dict[str, Any] = {
    name: {}
    for name in (
        *("ocr", "phrase_grounding", "pure_text", "polygons", "bboxes"),
        *("description_with_bboxes", "description_with_polygons"),
        "description_with_bboxes_or_polygons",
    )
}
FLORENCE_SIZE = {"height": 64, "width": 64}  # at 1/32 of it 2 x 2 places, and one for all


def bart(tokenizer: Any) -> dict[str, Any]:
    """The language model of Florence-2."""
    from transformers import BartConfig

    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_position_embeddings=512,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_bos_token_id=tokenizer.bos_token_id,
        forced_eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return dict(config.to_dict())


FLORENCE2 = Recipe(
    model_type="florence2",
    family="florence2",
    ships_template=False,
    tokenizer=partial(
        byte_level,
        [
            *(tag for name in FLORENCE_TASKS for tag in (f"<{name}>", f"</{name}>")),
            *("<and>", "<sep>", "<image>", *(f"<loc_{bin_}>" for bin_ in range(1000))),
        ],
        kind="RobertaTokenizer",
        **IMAGE,
    ),
    image_processor="CLIPImageProcessorPil",
    image_options={
        "size": FLORENCE_SIZE,
        "crop_size": FLORENCE_SIZE,
        "do_center_crop": False,
        "image_seq_length": 5,
    },
    processor_options={"post_processor_config": FLORENCE_PARTS},
    config={
        "vision_config.depths": [1, 1, 1, 1],
        "vision_config.embed_dim": [16, 16, 32, 32],
        "vision_config.num_heads": [2, 2, 4, 4],
        "vision_config.num_groups": [2, 2, 4, 4],
        "vision_config.window_size": 2,
        "vision_config.drop_path_rate": 0.0,
        "text_config": bart,
    },
    scale=0.3,
)
MOLMO_TOKENS = {
    "image_start_token_id": "<im_start>",
    "image_end_token_id": "<im_end>",
    "image_patch_id": "<im_patch>",
    "low_res_image_start_token_id": "<low_res_im_start>",
    "frame_start_token_id": "<frame_start>",
    "frame_end_token_id": "<frame_end>",
}


def _id_of(tokenizer: Any, token: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(token))


MOLMO2_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8}
MOLMO2 = Recipe(
    model_type="molmo2",
    family="molmo2",
    tokenizer=partial(
        byte_level,
        [
            *(*CHATML, "<|image|>", "<|video|>", *MOLMO_TOKENS.values()),
            *("<im_col>", "<im_low>"),
        ],
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens={"image_token": "<|image|>", "video_token": "<|video|>"},
    ),
    image_options={
        "size": SQUARE,
        "patch_size": PATCH,
        "max_crops": 2,
        "overlap_margins": [1, 1],
    },
    config={
        **{name: partial(_id_of, token=token) for name, token in MOLMO_TOKENS.items()},
        "text_config.additional_vocab_size": 0,
        "vision_config": {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "image_size": [PICTURE, PICTURE],
            "patch_size": PATCH,
            **MOLMO2_HEADS,
        },
        "adapter_config": {
            "vision_feature_layer": [-1, -2],
            "hidden_size": 32,
            "intermediate_size": 64,
            "text_hidden_size": 64,
            **MOLMO2_HEADS,
        },
    },
    scale=0.3,
)

GEMMA4 = Recipe(
    model_type="gemma4",
    named_tokens=GEMMA4_TOKENS,
    image_options={"max_soft_tokens": 70},
    feature_extractor="Gemma4AudioFeatureExtractor",
    config={
        "text_config.num_hidden_layers": 6,
        "text_config.per_layer_config": ...,
        "text_config.layer_types": ["sliding_attention"] * 5 + ["full_attention"],
        "vision_config": {
            "model_type": "gemma4_vision",
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 16,
            "patch_size": 16,
        },
        "audio_config": None,
    },
)
RECIPES = (
    GEMMA4,
    replace(
        GEMMA4,
        model_type="gemma4_unified",
        image_options={},
        feature_extractor="Gemma4UnifiedAudioFeatureExtractor",
        config={**GEMMA4.config, "vision_config": {}},
    ),
)
"""Models that are asked in their own template."""
