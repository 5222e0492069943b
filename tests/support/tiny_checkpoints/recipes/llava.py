"""LLaVA and its kin: a tower, a projector and a decoder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes.shared import (
    CHATML,
    CLIP,
    CLIP_PROCESSOR,
    IMAGE,
    LANGUAGE,
    LLAMA,
    LLAVA_PICTURES,
    PATCH,
    PICTURE,
    QWEN2,
    SEEN,
    SIGLIP,
    SQUARE,
    TILES,
    language,
)
from support.tiny_checkpoints.tokenizers import byte_level, pieces, with_beginning

LLAVA = Recipe(
    model_type="llava",
    family="llava15",
    ships_template=False,
    tokenizer=partial(
        pieces, ["<image>", "<pad>"], pad_token="<pad>", padding_side="left", **IMAGE
    ),
    image_processor=CLIP_PROCESSOR,
    image_options=CLIP,
    processor_options=LLAVA_PICTURES,
    config={
        **SEEN,
        "text_config": LLAMA,
        "vision_feature_layer": -1,  # all layers are read, and so none is dropped
        "image_seq_length": 16,
    },
    scale=0.3,
)
YI_IMAGE = "<image_placeholder>"
YI_VL = replace(
    LLAVA,
    model_type="yi_vl",
    family="yi_vl",
    tokenizer=partial(pieces, [YI_IMAGE, "<pad>"], pad_token="<pad>", padding_side="left"),
    processor="LlavaProcessor",
    processor_options={**LLAVA_PICTURES, "image_token": YI_IMAGE},
)
LLAVA_NEXT = replace(
    LLAVA,
    model_type="llava_next",
    family="llava_next",
    ships_template=True,
    image_processor="",
    image_options={
        "size": {"shortest_edge": 56},
        "crop_size": SQUARE,
        "image_grid_pinpoints": TILES,
    },
    config={
        **SEEN,
        "text_config": language("MistralConfig", **LANGUAGE),
        "image_grid_pinpoints": TILES,
        "image_seq_length": 16,
    },
)
LLAVA_NEXT_34B = replace(
    LLAVA_NEXT,
    family="llava_next_34b",
    tokenizer=partial(
        pieces,
        ["<image>", "<pad>", *CHATML],
        pad_token="<pad>",
        padding_side="left",
        eos_token="<|im_end|>",
        **IMAGE,
    ),
)
LLAVA_ONEVISION = Recipe(
    model_type="llava_onevision",
    family="llava_onevision",
    tokenizer=partial(
        byte_level,
        [*CHATML, "<image>", "<video>"],
        eos_token="<|im_end|>",
        extra_special_tokens={"image_token": "<image>", "video_token": "<video>"},
    ),
    image_options={"size": SQUARE, "image_grid_pinpoints": TILES},
    processor_options={"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    config={**SIGLIP, "text_config": QWEN2, "image_grid_pinpoints": TILES},
    scale=0.3,
)


def deepseek_tokenizer() -> Any:
    marks = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
    return with_beginning(
        byte_level([*marks, "<image_placeholder>"]),
        bos_token=marks[0],
        eos_token=marks[1],
        pad_token=marks[2],
        extra_special_tokens={"image_token": "<image_placeholder>"},
    )


DEEPSEEK_VL = Recipe(
    model_type="deepseek_vl",
    family="deepseek_vl",
    tokenizer=deepseek_tokenizer,
    image_token="<image_placeholder>",
    image_options={"size": SQUARE, "min_size": 14},
    processor_options={"num_image_tokens": 16},
    config={**SIGLIP, "text_config": LLAMA},
    scale=0.3,
)
DEEPSEEK_VL_HYBRID = replace(
    DEEPSEEK_VL,
    model_type="deepseek_vl_hybrid",
    image_options={
        "size": {"height": 64, "width": 64},
        "high_res_size": {"height": 128, "width": 128},
        "min_size": 14,
    },
    config={
        "vision_config.image_size": 64,
        "vision_config.patch_size": 16,
        "vision_config.vision_use_head": False,
        "text_config": LLAMA,
        "high_res_vision_config": {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 128,
            "patch_size": 8,
            "output_channels": 16,
            "global_attn_indexes": [1],
            "mlp_dim": 64,
            "window_size": 4,
            "num_pos_feats": 16,
        },
    },
)
INTERNVL_TOKENS = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
INTERNVL = Recipe(
    model_type="internvl",
    family="internvl",
    ships_template=False,
    tokenizer=partial(
        byte_level,
        [
            *(*CHATML, *INTERNVL_TOKENS.values()),
            *("<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>"),
        ],
        eos_token="<|im_end|>",
        extra_special_tokens=INTERNVL_TOKENS,
    ),
    image_processor="GotOcr2ImageProcessorPil",
    image_options={
        "size": SQUARE,
        "crop_to_patches": True,
        "min_patches": 1,
        "max_patches": 4,
    },
    processor_options={"image_seq_length": 4},
    config_image_token="<IMG_CONTEXT>",
    config={
        "vision_config.image_size": [56, 56],
        "vision_config.patch_size": [14, 14],
        "text_config": QWEN2,
        "image_seq_length": 4,
        "tie_word_embeddings": False,
    },
    scale=0.3,
)
OVIS2_TOKENS = ("<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>")
OVIS2 = Recipe(
    model_type="ovis2",
    family="ovis2",
    tokenizer=partial(
        byte_level, [*CHATML, "<image>", "<IMG_ATOM>", *OVIS2_TOKENS], eos_token="<|im_end|>"
    ),
    image_options={"size": SQUARE, "crop_to_patches": True, "max_patches": 2},
    processor_options={"image_seq_length": 16},
    config_image_token="<IMG_ATOM>",
    config={
        **SEEN,
        "vision_config.vocab_size": 128,
        "text_config": QWEN2,
        "visual_indicator_token_ids": lambda tokenizer: tokenizer.convert_tokens_to_ids(
            list(OVIS2_TOKENS)
        ),
    },
    scale=0.3,
)

ROWS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
PIXEL_SHUFFLED = {
    **SEEN,
    "text_config": LLAMA,
    "scale_factor": 2,
    "pad_token_id": lambda tokenizer: tokenizer.pad_token_id,
}
SPLIT = {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 56}}
IDEFICS3 = Recipe(
    model_type="idefics3",
    family="idefics3",
    tokenizer=lambda: with_beginning(
        byte_level(
            [
                *("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"),
                *("<|finetune_right_pad_id|>", "<fake_token_around_image>", "<image>"),
                *("<global-img>", "<end_of_utterance>", *ROWS),
            ]
        ),
        bos_token="<|begin_of_text|>",
        eos_token="<end_of_utterance>",
        pad_token="<|finetune_right_pad_id|>",
    ),
    image_options=SPLIT,
    processor_options={"image_seq_len": 4},
    config=PIXEL_SHUFFLED,
    scale=0.3,
)
SMOLVLM_TOKENS = {
    "image_token": "<image>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
    "end_of_utterance_token": "<end_of_utterance>",
    "video_token": "<video>",
}
SMOLVLM = Recipe(
    model_type="smolvlm",
    family="smolvlm",
    tokenizer=partial(
        byte_level,
        [*CHATML, *SMOLVLM_TOKENS.values(), *ROWS],
        kind="GPT2Tokenizer",
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        padding_side="left",
        extra_special_tokens=SMOLVLM_TOKENS,
    ),
    image_options=SPLIT,
    processor_options={"image_seq_len": 4},
    config=PIXEL_SHUFFLED,
    scale=0.3,
)

SHORTEST = {"size": {"shortest_edge": PICTURE}, "crop_size": SQUARE}
RECIPES = (
    Recipe(
        model_type="vipllava",
        image_options=SHORTEST,
        processor_options=LLAVA_PICTURES,
        config={**SEEN, "vision_feature_layers": [-2, -1, -1, -1, 0], "image_seq_length": 16},
    ),
    Recipe(
        model_type="llava_next_video",
        image_options={**SHORTEST, "image_grid_pinpoints": TILES},
        processor_options=LLAVA_PICTURES,
        config={**SEEN, "image_grid_pinpoints": TILES, "image_seq_length": 16},
    ),
    Recipe(
        model_type="video_llava",
        image_options=SHORTEST,
        processor_options=LLAVA_PICTURES,
        config={**SEEN, "image_seq_length": 16},
    ),
    Recipe(
        model_type="aya_vision",
        tokens=("<|IMG_PATCH|>", "<image>"),
        image_token="<image>",
        config_image_token="<|IMG_PATCH|>",
        image_options={"size": SQUARE},
        processor_options={"patch_size": 2 * PATCH, "img_size": PICTURE},
        config=SEEN,
    ),
    Recipe(
        model_type="qianfan_ocr",
        tokens=("<image>",),
        named_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
        },
        image_token="<image>",
        config_image_token="<IMG_CONTEXT>",
        image_options={"size": SQUARE},
        processor_options={"image_seq_length": 16},
        config={
            "vision_config.image_size": [PICTURE, PICTURE],
            "vision_config.patch_size": [7, 7],
            "image_seq_length": 16,
        },
    ),
    Recipe(
        model_type="granite_docling",
        config={"text_config.pad_token_id": 0},
    ),
    Recipe(model_type="idefics2"),
)
"""Models that are asked in their own template."""
