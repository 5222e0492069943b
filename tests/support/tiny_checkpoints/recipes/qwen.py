"""Qwen-VL, GLM-V and other models whose positions are three numbers a token (M-RoPE)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes.shared import (
    CHATML,
    MROPE,
    PATCHES_OF_16,
    WHOLE_MROPE,
)
from support.tiny_checkpoints.tokenizers import byte_level

QWEN_TOKENS = (
    *CHATML,
    *("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"),
    *("<|quad_start|>", "<|quad_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
THOUGHTS = ("<think>", "</think>")  # ordinary words of the newer tokenizers


def tokens(**names: str) -> dict[str, Any]:
    """Values of a configuration: the ids of tokens that the tokenizer knows by no name."""
    return {f"{name}_token_id": partial(_id_of, token=token) for name, token in names.items()}


def _id_of(tokenizer: Any, token: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(token))


QWEN_IDS = tokens(
    image="<|image_pad|>",
    video="<|video_pad|>",
    vision_start="<|vision_start|>",
    vision_end="<|vision_end|>",
)
VISION = {
    "vision_config.hidden_size": 32,
    "vision_config.intermediate_size": 64,
    "vision_config.out_hidden_size": 64,
}


def qwen_images(patch: int) -> dict[str, Any]:
    """Image options for 4 to 16 tokens a picture."""
    least = (4 * patch) ** 2
    return {
        "size": {"shortest_edge": least, "longest_edge": 4 * least},
        "patch_size": patch,
        "merge_size": 2,
        "temporal_patch_size": 2,
    }


QWEN2_VL = Recipe(
    model_type="qwen2_vl",
    family="qwen2_vl",
    tokenizer=partial(byte_level, QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>"),
    image_processor="Qwen2VLImageProcessorPil",
    video_processor="Qwen2VLVideoProcessor",
    image_options=qwen_images(14),
    config={
        **QWEN_IDS,
        "text_config.rope_parameters": MROPE,
        "vision_config.embed_dim": 32,
        "vision_config.patch_size": 14,
        "vision_config.mlp_ratio": 2,
    },
    scale=0.3,
)
QWEN2_5_VL = replace(
    QWEN2_VL,
    model_type="qwen2_5_vl",
    family="qwen2_5_vl",
    config={
        **QWEN_IDS,
        **VISION,
        "text_config.rope_parameters": MROPE,
        "vision_config.patch_size": 14,
        "vision_config.window_size": 56,
        "vision_config.fullatt_block_indexes": [1],
    },
)
QWEN3_VL = replace(
    QWEN2_VL,
    model_type="qwen3_vl",
    family="qwen3_vl",
    tokenizer=partial(
        byte_level, QWEN_TOKENS, THOUGHTS, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    ),
    video_processor="Qwen3VLVideoProcessor",
    image_options=qwen_images(16),
    config={
        **QWEN_IDS,
        **VISION,
        "text_config.rope_parameters": {**MROPE, "mrope_interleaved": True},
        "vision_config.patch_size": 16,
        "vision_config.num_position_embeddings": 64,
        "vision_config.deepstack_visual_indexes": [0],
    },
)
QWEN3_VL_MOE = replace(
    QWEN3_VL,
    model_type="qwen3_vl_moe",
    config={**QWEN3_VL.config, "text_config.moe_intermediate_size": 32},
)
GLM_TOKENS = (
    *("[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|image|>", "<|video|>"),
)
GLM_WORDS = ("<think>", "</think>", "<answer>", "</answer>", "<|begin_of_box|>", "<|end_of_box|>")
GLM_IDS = tokens(
    image="<|image|>",
    video="<|video|>",
    image_start="<|begin_of_image|>",
    image_end="<|end_of_image|>",
    video_start="<|begin_of_video|>",
    video_end="<|end_of_video|>",
)
GLM_IMAGE = "<|begin_of_image|><|image|><|end_of_image|>"
GLM4V = Recipe(
    model_type="glm4v",
    family="glm4v",
    image_processor="Glm4vImageProcessorPil",
    video_processor="Glm4vVideoProcessor",
    tokenizer=partial(byte_level, GLM_TOKENS, GLM_WORDS, pad_token="<|endoftext|>"),
    image_options={
        "size": {"shortest_edge": 56 * 56, "longest_edge": 112 * 112},
        "patch_size": 14,
        "merge_size": 2,
        "temporal_patch_size": 2,
    },
    config={
        **GLM_IDS,
        **VISION,
        "text_config.rope_parameters": WHOLE_MROPE,
        "vision_config.image_size": 56,
        "vision_config.patch_size": 14,
    },
    scale=0.3,
)
GLM4V_MOE = replace(
    GLM4V,
    model_type="glm4v_moe",
    config={**GLM4V.config, "text_config.moe_intermediate_size": 32},
)

QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
QWEN3_5 = Recipe(
    model_type="qwen3_5",
    image_text=QWEN_IMAGE,
    image_options=PATCHES_OF_16,
    config={"text_config.num_hidden_layers": 4, "text_config.rope_parameters": WHOLE_MROPE},
)
QWEN4_EXP = Recipe(
    model_type="qwen4_exp",
    image_text=QWEN_IMAGE,
    image_options=PATCHES_OF_16,
    config={
        "text_config.num_hidden_layers": 4,
        "text_config.indexer_n_heads": 2,
        "text_config.indexer_kv_heads": 1,
        "text_config.indexer_head_dim": 16,
        "text_config.indexer_budget": 64,
        "text_config.indexer_compress_ratio": 16,
    },
)
GLM_OCR = Recipe(
    model_type="glm_ocr",
    processor="Glm46VProcessor",
    image_processor="Glm46VImageProcessorPil",
    video_processor="Glm46VVideoProcessor",
    tokens=("<|image|>", "<|video|>"),
    image_text=GLM_IMAGE,
    config={"text_config.rope_parameters": MROPE},
)
RECIPES = (
    QWEN3_5,
    replace(QWEN3_5, model_type="qwen3_5_moe"),
    QWEN4_EXP,
    GLM_OCR,
    replace(
        GLM_OCR,
        model_type="glmga",
        image_processor="GlmgaImageProcessorPil",
        video_processor="GlmgaVideoProcessor",
    ),
    replace(
        GLM_OCR,
        model_type="glm46v",
        image_options=GLM4V.image_options,
        config={
            **VISION,
            "text_config.rope_parameters": WHOLE_MROPE,
            "text_config.head_dim": 16,
            "vision_config.image_size": 56,
            "vision_config.patch_size": 14,
        },
    ),
    Recipe(
        model_type="glm5_next",
        image_options=qwen_images(14),
        config={
            "text_config.num_hidden_layers": 4,
            "text_config.num_key_value_heads": 4,
            "text_config.rope_parameters": MROPE,
        },
    ),
    Recipe(model_type="exaone4_5"),
    Recipe(
        model_type="cosmos3_edge",
        config={"text_config.rope_parameters": MROPE, "rope_parameters": MROPE},
    ),
    Recipe(
        model_type="cohere_compass",
        image_options=PATCHES_OF_16,
        config={
            "text_config.rope_parameters": {
                "full_attention": MROPE,
                "sliding_attention": MROPE,
            }
        },
    ),
    Recipe(
        model_type="paddleocr_vl",
        tokens=("<|IMAGE_START|>", "<|IMAGE_END|>"),
        named_tokens={"image_token": "<|IMAGE_PLACEHOLDER|>"},
        image_text="<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>",
        config={"text_config.rope_parameters": MROPE},
    ),
    Recipe(
        model_type="hunyuan_vl",
        named_tokens={
            "image_token": "<img>",
            "image_start_token": "<img_s>",
            "image_end_token": "<img_e>",
        },
        image_text="<img_s><img><img_e>",
        config={
            "text_config.head_dim": 16,
            "text_config.rope_parameters": {**MROPE, "mrope_section": [2, 2, 2, 2]},
        },
    ),
    Recipe(
        model_type="ernie4_5_vl_moe",
        named_tokens={
            "image_token": "<|IMAGE_PLACEHOLDER|>",
            "image_start_token": "<|IMAGE_START|>",
            "image_end_token": "<|IMAGE_END|>",
            "video_token": "<|VIDEO_PLACEHOLDER|>",
            "video_start_token": "<|VIDEO_START|>",
            "video_end_token": "<|VIDEO_END|>",
        },
        image_text="<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>",
        image_options={
            "patch_size": 14,
            "min_pixels": 28 * 28,
            "max_pixels": 56 * 56,
            "font": "",  # looked for when the processor is saved
        },
        config={"text_config.rope_parameters": {**MROPE, "mrope_section": [3, 3, 2]}},
    ),
    Recipe(
        model_type="hyperclovax_vision_v2",
        tokenizer=partial(
            byte_level,
            [*CHATML, "<|image_pad|>", "<|video_pad|>", "<pad>"],
            kind="GPT2Tokenizer",
            eos_token="<|im_end|>",
            pad_token="<pad>",
        ),
    ),
    Recipe(
        model_type="video_llama_3",
        image_options={"patch_size": 16, "min_pixels": 32 * 32, "max_pixels": 64 * 64},
    ),
)
"""Models that are asked in their own template."""
