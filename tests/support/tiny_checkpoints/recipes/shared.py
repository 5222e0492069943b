"""What several recipes have in common: tokens, sizes of pictures, and parts of configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PICTURE, PATCH = 56, 14
"""Side of the picture that most of the tiny models see, and of its 4 x 4 patches, in pixels."""

SQUARE = {"height": PICTURE, "width": PICTURE}
"""Size of that picture, as image processors want it."""

TILES = [[PICTURE, 2 * PICTURE], [2 * PICTURE, PICTURE], [2 * PICTURE, 2 * PICTURE]]
"""Heights and widths of pictures in tiles."""

SEEN = {"vision_config.image_size": PICTURE, "vision_config.patch_size": PATCH}
"""Size of the picture in a configuration."""

MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e6}
"""Rotary positions of three numbers for heads of 16, which have 8 pairs."""

WHOLE_MROPE = {**MROPE, "partial_rotary_factor": 1.0}
"""The same for models that turn only a part of each head by default."""

PATCHES_OF_16: dict[str, Any] = {
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "min_pixels": 32 * 32,
    "max_pixels": 64 * 64,
}
"""Image options of Qwen3-VL's kind: 1 to 4 tokens a picture."""

LLAVA_PICTURES = {
    "patch_size": PATCH,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}
"""Processor options of models that see with CLIP, whose first token is none of the picture."""

CHATML = ("<|im_start|>", "<|im_end|>")
"""Tokens that begin and end a turn."""

GEMMA_IMAGE = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}
"""Tokens round a picture of Gemma 3."""

GEMMA4_TOKENS = {
    "image_token": "<|image|>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "audio_token": "<|audio|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
}
"""Tokens round a picture or sound of Gemma 4."""

IMAGE = {"extra_special_tokens": {"image_token": "<image>"}}
"""Options of tokenizers that know the image token by its name."""

CLIP_PROCESSOR = "CLIPImageProcessorPil"
"""The image processor of models that see with CLIP."""

CLIP = {"size": SQUARE, "do_center_crop": False}
"""Its options."""

SIGLIP = {**SEEN, "vision_config.vision_use_head": False}
"""Values of configurations whose tower is SigLIP without its head."""


def language(make: str, **options: Any) -> Callable[[Any], dict[str, Any]]:
    """A language model of another class than the default one, given the tokenizer."""

    def build(tokenizer: Any) -> dict[str, Any]:
        import transformers

        names = ("bos_token_id", "eos_token_id", "pad_token_id")
        ids = {name: getattr(tokenizer, name) for name in names}
        sizes = {key: use(tokenizer) if callable(use) else use for key, use in options.items()}
        given = {"vocab_size": len(tokenizer), **ids, **sizes}
        return dict(getattr(transformers, make)(**given).to_dict())

    return build


LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
LLAMA = language("LlamaConfig", **LANGUAGE)
QWEN2 = language("Qwen2Config", **LANGUAGE)
OPT = language(
    "OPTConfig",
    hidden_size=64,
    ffn_dim=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    word_embed_proj_dim=64,
    max_position_embeddings=512,
    eos_token_id=lambda tokenizer: tokenizer.encode("\n")[-1],  # as on the Hub
)
T5 = language(
    "T5Config",
    d_model=64,
    d_kv=16,
    d_ff=128,
    num_layers=2,
    num_heads=4,
    decoder_start_token_id=lambda tokenizer: tokenizer.pad_token_id,
)
