"""Models of makers who have only one or two: Aria, Llama 4, MiniCPM-V, Mistral, Step and others."""

from __future__ import annotations

from dataclasses import replace

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes.shared import (
    PATCH,
    PATCHES_OF_16,
    PICTURE,
    SQUARE,
    WHOLE_MROPE,
)

MINICPM_TOKENS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}
EMU_CODES = 64  # words for parts of a picture
MINICPM = Recipe(
    model_type="minicpmv4_6",
    named_tokens=MINICPM_TOKENS,
    image_options={"patch_size": 16},
    config={"text_config.num_hidden_layers": 4, "text_config.rope_parameters": WHOLE_MROPE},
)
MISTRAL3 = Recipe(
    model_type="mistral3",
    tokens=("[IMG]", "[IMG_BREAK]", "[IMG_END]"),
    image_token="[IMG]",
    image_options={"size": {"longest_edge": PICTURE}, "patch_size": PATCH},
    processor_options={"patch_size": PATCH, "spatial_merge_size": 2},
)
RECIPES = (
    Recipe(
        model_type="aria",
        named_tokens={"image_token": "<|img|>"},
        image_options={"max_image_size": 490},
        processor_options={"size_conversion": {490: 4, 980: 4}},
        config={
            "vision_config.image_size": 490,
            "vision_config.patch_size": 35,
            "projector_patch_to_query_dict": dict.fromkeys((49, 196, 784, 3136), 4),
        },
    ),
    Recipe(
        model_type="cohere2_vision",
        named_tokens={
            "image_token": "<|IMG_PATCH|>",
            "boi_token": "<|START_OF_IMG|>",
            "eoi_token": "<|END_OF_IMG|>",
            "img_line_break_token": "<|IMG_LINE_BREAK|>",
        },
    ),
    Recipe(
        model_type="deepseek_ocr2",
        image_text="<image>\n",
        config={
            "text_config.mlp_layer_types": ["dense", "sparse"],
            "text_config.num_experts_per_tok": 2,
            "vision_config.sam_config.global_attn_indexes": [1],
            "vision_config.sam_config.downsample_channels": [64, 64],
        },
    ),
    Recipe(
        model_type="emu3",
        tokens=("<|extra_200|>", *(f"<|visual token {code:06d}|>" for code in range(EMU_CODES))),
        named_tokens={
            "image_token": "<image>",
            "boi_token": "<|image start|>",
            "eoi_token": "<|image end|>",
            "image_wrapper_token": "<|image token|>",
            "eof_token": "<|extra_201|>",
        },
        bos="<|extra_203|>",
        image_options={"min_pixels": 64 * 64, "max_pixels": 96 * 96},
        config={
            "vq_config.codebook_size": EMU_CODES,
            "vq_config.base_channels": 32,
            "vq_config.num_res_blocks": 1,
            "vq_config.hidden_size": 128,
            "vq_config.embed_dim": 4,
            "vq_config.latent_channels": 4,
            "vocabulary_map": lambda tokenizer: tokenizer.get_vocab(),
        },
    ),
    Recipe(model_type="got_ocr2", image_options={"size": {"height": 1024, "width": 1024}}),
    Recipe(model_type="inkling2"),
    Recipe(model_type="inkling_mm_model", feature_extractor="InklingFeatureExtractor"),
    Recipe(
        model_type="kimi_k25",
        config={
            "projection_hidden_size": 64,
            "projection_ln_eps": 1e-5,
            "text_config.kv_lora_rank": 32,
            "text_config.num_key_value_heads": 4,
        },
    ),
    Recipe(
        model_type="lfm2_vl",
        named_tokens={
            "image_token": "<image>",
            "image_start_token": "<|image_start|>",
            "image_end_token": "<|image_end|>",
            "image_thumbnail": "<|img_thumbnail|>",
        },
        config={
            "text_config.num_hidden_layers": 4,
            "text_config.layer_types": ["conv", "conv", "full_attention", "conv"],
        },
    ),
    Recipe(
        model_type="lfm3_vl",
        image_options=PATCHES_OF_16,
        config={"text_config.num_hidden_layers": 4},
    ),
    Recipe(
        model_type="lighton_ocr",
        named_tokens={
            "image_token": "<|image_pad|>",
            "image_break_token": "<|vision_pad|>",
            "image_end_token": "<|vision_end|>",
        },
    ),
    Recipe(
        model_type="llama4",
        image_token="<|image|>",
        config_image_token="<|patch|>",
        image_options={"size": SQUARE},
        processor_options={"patch_size": PATCH, "pixel_shuffle_ratio": 0.5},
        config={
            "vision_config.image_size": PICTURE,
            "vision_config.patch_size": PATCH,
            "vision_config.projector_input_dim": 64,
            "vision_config.projector_output_dim": 64,
            "vision_config.intermediate_size": 256,
            "vision_config.vision_output_dim": 64,
        },
    ),
    Recipe(
        model_type="mllama",
        tokens=("<|begin_of_text|>",),
        bos="<|begin_of_text|>",
        named_tokens={"image_token": "<|image|>"},
        image_options={"size": SQUARE, "max_image_tiles": 4},
        config={
            "vision_config.image_size": PICTURE,
            "vision_config.patch_size": PATCH,
            "vision_config.num_global_layers": 2,
            "vision_config.intermediate_layers_indices": [0, 1],
            "vision_config.vision_output_dim": 3 * 64,
            "text_config.num_hidden_layers": 4,
            "text_config.cross_attention_layers": [1, 3],
        },
    ),
    MINICPM,
    replace(MINICPM, model_type="minicpmv4_7", video_processor="MiniCPMV4_6VideoProcessor"),
    replace(MINICPM, model_type="minicpm_ocr", config={"text_config.num_hidden_layers": 4}),
    Recipe(
        model_type="minimax_m3_vl",
        tokens=("]<]image[>[", "]<]video[>[", "]<]start of image[>[", "]<]end of image[>["),
    ),
    MISTRAL3,
    replace(
        MISTRAL3,
        model_type="mistral_large4",
        config={
            "text_config.kv_source_layers": [0, 1],
            "text_config.num_key_value_heads": 4,
            "text_config.index_n_heads": 4,
            "text_config.index_head_dim": 32,
        },
    ),
    Recipe(model_type="muse_glimmer", config={"out_hidden_size": 4 * 64}),
    Recipe(
        model_type="nemotron_h_omni",
        feature_extractor="ParakeetFeatureExtractor",
        config={"text_config.n_groups": 1},
    ),
    Recipe(
        model_type="pp_chart2table",
        tokens=("<imgpad>",),
        image_token="<imgpad>",
        image_text="<imgpad>" * 256,
        image_options={"size": {"height": 1024, "width": 1024}},
    ),
    Recipe(model_type="step3p7", config={"text_config.sliding_window": 64}),
    Recipe(
        model_type="unlimited_ocr",
        image_text="<image>\n",
        config={"vision_config.sam_config.downsample_channels": [64, 64]},
    ),
)
"""Models that are asked in their own template."""
