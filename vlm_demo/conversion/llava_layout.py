"""What systems that descend from LLaVA share: the names of their tensors, and their configuration.

Layout: https://github.com/haotian-liu/LLaVA (llava/model/llava_arch.py): the language model's own
names, with `mm_projector` and, in some checkpoints, `vision_tower` inside its `model`.
"""

from __future__ import annotations

from typing import Any

from transformers import CLIPVisionConfig, LlavaConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from vlm_demo.conversion.key_map import LEFT_OUT, Rename
from vlm_demo.conversion.system import Json, SourceCheckpoints
from vlm_demo.errors import ConversionError

LANGUAGE_MODEL = (
    Rename(r".*\.rotary_emb\.inv_freq", LEFT_OUT),  # computed anew
    Rename(r"model\.(embed_tokens|layers|norm)\.(.+)", r"model.language_model.\1.\2"),
    Rename(r"lm_head\.weight", "lm_head.weight"),
)
"""Rules for a language model in LLaMA's layout."""

TOWER = (
    r"(?:vision_model\.)?"
    r"((?:embeddings\.(?!position_ids)|pre_layrnorm\.|encoder\.|post_layernorm\.).+)"
)
"""Names in a vision tower of CLIP, without what stands before them."""

VISION_TOWER = (
    Rename(rf"(?:model\.)?(?:vision_tower\.)+{TOWER}", r"model.vision_tower.\1"),
    Rename(r"(?:model\.)?(?:vision_tower\.)+.*position_ids", LEFT_OUT),
)
"""Rules for a vision tower inside the checkpoint."""

CLIP = (
    Rename(TOWER, r"model.vision_tower.\1"),
    Rename(r"(?:vision_model\.)?embeddings\.position_ids", LEFT_OUT),
    Rename(r"(?:text_model|text_projection|visual_projection|logit_scale).*", LEFT_OUT),
)
"""Rules for a checkpoint of CLIP, whole or its vision tower alone."""

SAVED = (
    Rename(r"model\.language_model\.(.+)", r"language_model.model.\1"),
    Rename(r"lm_head\.(.+)", r"language_model.lm_head.\1"),
    Rename(r"model\.vision_tower\.(.+)", r"vision_tower.vision_model.\1"),
    Rename(r"model\.multi_modal_projector\.(.+)", r"multi_modal_projector.\1"),
)
"""Names of LLaVA's tensors in the files of llava-hf on the Hub, which other programs know, too."""

_OWN_KEYS = ("architectures", "auto_map", "model_type", "transformers_version", "_name_or_path")
"""Keys of a config.json that do not describe a language model."""


def language_config(config: Json, model_type: str) -> Any:
    """Build the configuration of the language model from the whole one.

    Args:
        config: whose keys are those of the language model, and more.
        model_type: of the language model.
    """
    own = config.get("text_config", config)
    kept = {
        key: value
        for key, value in own.items()
        if key not in _OWN_KEYS and not key.startswith(("mm_", "image_", "vision_", "tune_"))
    }
    return CONFIG_MAPPING[model_type](**kept)


def vision_config(parts: SourceCheckpoints) -> Any:
    """Build the configuration of the vision tower: its own, or a part of the whole one.

    Raises:
        ConversionError: nothing describes it.
    """
    own = parts.vision.config if parts.vision else {}
    found = own.get("vision_config") or own or parts.source.config.get("vision_config")
    if not isinstance(found, dict) or "hidden_size" not in found:
        raise ConversionError(
            "No config.json describes the vision tower: give a folder that has one with "
            "--vision-tower."
        )
    kept = {key: value for key, value in found.items() if key not in _OWN_KEYS}
    return CLIPVisionConfig(**kept)


def llava_config(
    parts: SourceCheckpoints,
    vocabulary: int,
    image_token: int,
    *,
    language: str,
    activation: str = "gelu",
    config_class: type[LlavaConfig] = LlavaConfig,
) -> LlavaConfig:
    """Build the configuration of a LLaVA that sees one picture as a square of patches.

    Args:
        parts: the checkpoints.
        vocabulary: tokens that the embeddings have.
        image_token: id of the token that stands for a patch.
        language: `model_type` of the language model.
        activation: between the two layers of the projector.
        config_class: of the configuration.
    """
    tower, config = vision_config(parts), parts.source.config
    text = language_config(config, language)
    text.vocab_size = vocabulary
    layer = config.get("mm_vision_select_layer", config.get("vision_feature_layer", -2))
    return config_class(
        vision_config=tower,
        text_config=text,
        image_token_index=image_token,
        projector_hidden_act=activation,
        vision_feature_layer=layer,
        vision_feature_select_strategy="default",
        image_seq_length=(tower.image_size // tower.patch_size) ** 2,
        tie_word_embeddings=False,
    )


def llava_processor(config: Any) -> Json:
    """Return the content of processor_config.json for a LLaVA."""
    return {
        "processor_class": "LlavaProcessor",
        "patch_size": config.vision_config.patch_size,
        "num_additional_image_tokens": 1,  # the class token, which is then left out again
        "vision_feature_select_strategy": config.vision_feature_select_strategy,
    }


CLIP_COLOURS: Json = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "do_convert_rgb": True,
}
"""How CLIP's image processor prepares the colours of a picture: its mean and deviation."""


def clip_image_processor(config: Any) -> Json:
    """Return how CLIP prepares pictures: its mean and deviation, bicubic, cut to a square."""
    side = config.vision_config.image_size
    return {
        "image_processor_type": "CLIPImageProcessor",
        "processor_class": "LlavaProcessor",
        "do_resize": True,
        "size": {"shortest_edge": side},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        **CLIP_COLOURS,
    }


def is_llava(config: Json, projector_type: str = "") -> bool:
    """Whether a config.json is of LLaVA's own code, with a certain projector."""
    return "mm_hidden_size" in config and config.get("mm_projector_type") == projector_type
