"""MiniGPT-4 (the first version): BLIP-2's eye and Q-Former, one linear layer, and Vicuna.

Layout: https://github.com/Vision-CAIR/MiniGPT-4 (minigpt4/models, read at 4e054b6). The published
file holds `llama_proj` only. Vicuna v0 or Llama-2-chat is the base. The eye (EVA ViT-g/14 at 224
pixels, the first 39 of its 40 blocks) and the Q-Former are those of BLIP-2 with Flan-T5 XXL: either
Salesforce/blip2-flan-t5-xxl on the Hub, or a folder with LAVIS' two files, eva_vit_g.pth and
blip2_pretrained_flant5xxl.pth.

A picture becomes 32 tokens in the middle of the prompt, where BLIP-2's own processor puts them at
its beginning. LLaVA's processor puts them where the prompt says; it counts them as one patch as
large as the picture, and 31 more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import Blip2Config

from vlm_demo.conversion.key_map import LEFT_OUT, Fusion, Rename
from vlm_demo.conversion.llava_layout import CLIP_COLOURS, language_config
from vlm_demo.conversion.system import Json, SourceCheckpoint, SourceCheckpoints, System
from vlm_demo.conversion.tensors import TensorLocation
from vlm_demo.errors import ConversionError

EYE_HEAD_WIDTH = 88
"""Width of an attention head in EVA ViT-g: 1408 in 16 heads (create_eva_vit_g in eva_vit.py)."""

Q_FORMER_HEAD_WIDTH = 64
"""Width of an attention head in BERT base, which the Q-Former is made from: 768 in 12 heads."""

_EYE = r"(?:visual_encoder\.)?"

_EVA = (
    Rename(rf"{_EYE}blocks\.39\..+", LEFT_OUT),
    Rename(rf"{_EYE}(?:head|norm|fc_norm|mask_token|rel_pos_bias).*", LEFT_OUT),
    Rename(rf"{_EYE}cls_token", "vision_model.embeddings.class_embedding"),
    Rename(rf"{_EYE}pos_embed", "vision_model.embeddings.position_embedding"),
    Rename(rf"{_EYE}patch_embed\.proj\.(.+)", r"vision_model.embeddings.patch_embedding.\1"),
    Rename(
        rf"{_EYE}blocks\.(\d+)\.norm(\d)\.(.+)", r"vision_model.encoder.layers.\1.layer_norm\2.\3"
    ),
    Rename(
        rf"{_EYE}blocks\.(\d+)\.attn\.qkv\.weight",
        r"vision_model.encoder.layers.\1.self_attn.qkv.weight",
    ),
    Rename(
        rf"{_EYE}blocks\.(\d+)\.attn\.proj\.(.+)",
        r"vision_model.encoder.layers.\1.self_attn.projection.\2",
    ),
    Rename(rf"{_EYE}blocks\.(\d+)\.mlp\.(.+)", r"vision_model.encoder.layers.\1.mlp.\2"),
    Rename(r"ln_vision\.(.+)", r"vision_model.post_layernorm.\1"),
)
"""Rules for the eye in LAVIS' files."""

_LAVIS_Q_FORMER = (
    Rename(r"query_tokens", "query_tokens"),
    Rename(r"Qformer\.bert\.embeddings\.LayerNorm\.(.+)", r"qformer.layernorm.\1"),
    Rename(
        r"Qformer\.bert\.encoder\.layer\.(\d+)\.(attention|crossattention)\.self\.(.+)",
        r"qformer.encoder.layer.\1.\2.attention.\3",
    ),
    Rename(r"Qformer\.bert\.encoder\.layer\.\d+\.(?:intermediate|output)\..+", LEFT_OUT),
    Rename(r"Qformer\.bert\.encoder\.(.+)", r"qformer.encoder.\1"),
    Rename(r"Qformer\.(?:bert\.embeddings\..+|cls\..+)", LEFT_OUT),
    Rename(r"(?:t5_proj|opt_proj|llama_proj|vision_proj|text_proj|itm_head|temp).*", LEFT_OUT),
)
"""Rules for the Q-Former in LAVIS' files; its layers for texts have no use here."""

_HUB_BLIP_2 = (
    Rename(r"(vision_model|qformer)\.(.+)", r"\1.\2"),
    Rename(r"(?:language_model|language_projection)\..+", LEFT_OUT),
)
"""Rules for BLIP-2 on the Hub, of which the language model is left out."""

_VICUNA = (
    Rename(r".*\.rotary_emb\.inv_freq", LEFT_OUT),
    Rename(r"(model\..+|lm_head\.weight)", r"language_model.\1"),
)
"""Rules for the language model."""


def fuse_bias(query: Tensor, value: Tensor) -> Tensor:
    """Return the bias of queries, keys and values together; that of keys is zero."""
    return torch.cat([query, torch.zeros_like(query), value])


def build_config(parts: SourceCheckpoints, vocabulary: int, image_token: int) -> Blip2Config:
    """Build the configuration of a BLIP-2 on the language model of the base.

    Raises:
        ConversionError: a part is missing.
    """
    if parts.vision is None or parts.base is None:
        raise ConversionError("MiniGPT-4 needs --base and --vision-tower.")
    text = language_config(parts.base.config, "llama")
    text.vocab_size = vocabulary
    text.tie_word_embeddings = False
    known: Any = parts.vision.config
    config = Blip2Config(
        vision_config=known.get("vision_config") or _measure_eye(parts.vision),
        qformer_config=known.get("qformer_config") or _measure_q_former(parts.vision),
        text_config=text.to_dict(),
        num_query_tokens=_shape(parts.vision, "query_tokens")[1],
        image_token_index=image_token,
    )
    config.tie_word_embeddings = False
    return config


def _measure_eye(part: SourceCheckpoint) -> dict[str, int]:
    """Read the sizes of the eye off its tensors."""
    prefix = "visual_encoder." if "visual_encoder.cls_token" in part.tensors else ""
    width = _shape(part, f"{prefix}cls_token")[-1]
    patch = _shape(part, f"{prefix}patch_embed.proj.weight")[-1]
    positions = _shape(part, f"{prefix}pos_embed")[1]
    blocks = {name.split("blocks.")[1].split(".")[0] for name in part.tensors if "blocks." in name}
    return {
        "hidden_size": width,
        "intermediate_size": _shape(part, f"{prefix}blocks.0.mlp.fc1.weight")[0],
        "num_hidden_layers": len(blocks - {"39"}),
        "num_attention_heads": max(width // EYE_HEAD_WIDTH, 1),
        "patch_size": patch,
        "image_size": math.isqrt(positions - 1) * patch,
    }


def _measure_q_former(part: SourceCheckpoint) -> dict[str, int]:
    """Read the sizes of the Q-Former off its tensors."""
    layer = "Qformer.bert.encoder.layer"
    width = _shape(part, "query_tokens")[-1]
    layers = {name.split(".")[4] for name in part.tensors if name.startswith(f"{layer}.")}
    return {
        "hidden_size": width,
        "intermediate_size": _shape(part, f"{layer}.0.intermediate_query.dense.weight")[0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(width // Q_FORMER_HEAD_WIDTH, 1),
        "encoder_hidden_size": _shape(part, f"{layer}.0.crossattention.self.key.weight")[-1],
    }


def _shape(part: SourceCheckpoint, name: str) -> tuple[int, ...]:
    if name not in part.tensors:
        raise ConversionError(
            f"{part.path} has no {name}: it is not the BLIP-2 that MiniGPT-4 is made with. "
            f"Give {SYSTEM.vision} with --vision-tower."
        )
    return tuple(part.tensors[name].read().shape)


def build_processor(config: Any) -> Json:
    """Return the content of processor_config.json: where the prompt says, all query tokens."""
    return {
        "processor_class": "LlavaProcessor",
        "patch_size": config.vision_config.image_size,
        "num_additional_image_tokens": config.num_query_tokens - 1,
        "vision_feature_select_strategy": "full",
    }


def build_image_processor(config: Any) -> Json:
    """Return how LAVIS prepares pictures: stretched to a square, with CLIP's mean and deviation."""
    side = config.vision_config.image_size
    return {
        "image_processor_type": "BlipImageProcessor",
        "processor_class": "LlavaProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 3,
        **CLIP_COLOURS,
    }


def is_source(config: Json, tensors: Mapping[str, TensorLocation]) -> bool:
    """Whether it is a file with the linear layer, as the project publishes it."""
    return not config and "llama_proj.weight" in tensors


SYSTEM = System(
    name="minigpt4",
    title="MiniGPT-4",
    families=("minigpt4", "minigpt4_llama2"),
    checkpoints=("Vision-CAIR/MiniGPT-4",),
    is_source=is_source,
    renames=(Rename(r"llama_proj\.(.+)", r"language_projection.\1"),),
    base="Vicuna-7B or -13B (v0), or Llama-2-7B-chat",
    base_renames=_VICUNA,
    vision="Salesforce/blip2-flan-t5-xxl",
    vision_renames=(*_LAVIS_Q_FORMER, *_HUB_BLIP_2, *_EVA),
    fusions=(
        Fusion(
            rf"{_EYE}blocks\.(\d+)\.attn\.",
            ("q_bias", "v_bias"),
            r"vision_model.encoder.layers.\1.self_attn.qkv.bias",
            fuse_bias,
        ),
    ),
    build_config=build_config,
    image_token="<image>",
    build_processor=build_processor,
    build_image_processor=build_image_processor,
)
