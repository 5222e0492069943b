"""Shikra: a LLaVA whose projector is one linear layer.

Layout: https://github.com/shikras/shikra (mllm/models/shikra/shikra.py, read at 1204f10): LLaMA
with `model.mm_projector`, and CLIP ViT-L/14 at 224 pixels beside it. The published weights are
differences to LLaMA-7B; apply_delta.py there adds them, with fewer rows of embeddings.

In transformers a projector is two layers with an activation between. Here that is the identity, and
so is the second layer: the result is the one layer's.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vlm_demo.conversion.key_map import Rename
from vlm_demo.conversion.llava_layout import (
    CLIP,
    LANGUAGE_MODEL,
    SAVED,
    clip_image_processor,
    llava_config,
    llava_processor,
)
from vlm_demo.conversion.system import Json, SourceCheckpoints, System
from vlm_demo.conversion.tensors import TensorLocation


def build_config(parts: SourceCheckpoints, vocabulary: int, image_token: int) -> Any:
    """Build the configuration of a LLaVA whose projector has no activation."""
    return llava_config(parts, vocabulary, image_token, language="llama", activation="linear")


def make_second_layer(config: Any) -> Mapping[str, Tensor]:
    """Make the second layer of the projector: the identity."""
    size = config.text_config.hidden_size
    return {
        "model.multi_modal_projector.linear_2.weight": torch.eye(size),
        "model.multi_modal_projector.linear_2.bias": torch.zeros(size),
    }


def is_source(config: Json, tensors: Mapping[str, TensorLocation]) -> bool:
    """Whether it is Shikra's own type of model."""
    return config.get("model_type") == "shikra" and "model.mm_projector.weight" in tensors


DELTAS = ("shikras/shikra-7b-delta-v1", "shikras/shikra-7b-delta-v1-0708")

SYSTEM = System(
    name="shikra",
    title="Shikra",
    families=("shikra",),
    checkpoints=DELTAS,
    is_source=is_source,
    renames=(
        Rename(r"model\.mm_projector\.(weight|bias)", r"model.multi_modal_projector.linear_1.\1"),
        *LANGUAGE_MODEL,
    ),
    base="LLaMA-7B",
    base_renames=LANGUAGE_MODEL,
    differences=DELTAS,
    vision="openai/clip-vit-large-patch14",
    vision_renames=CLIP,
    build_config=build_config,
    make_tensors=make_second_layer,
    saved_renames=SAVED,
    image_token="<im_patch>",
    build_processor=llava_processor,
    build_image_processor=clip_image_processor,
)
