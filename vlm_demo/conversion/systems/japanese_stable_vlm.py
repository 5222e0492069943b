"""Japanese Stable VLM: a LLaVA-1.5 on Japanese Stable LM, which is a Mistral.

Layout: that of LLaVA-1.5, with the vision tower (CLIP ViT-L/14 at 336 pixels) inside, after the
card of https://huggingface.co/stabilityai/japanese-stable-vlm. The published files are gated and
were not seen, so both places that LLaVA's code knows for the tower and the projector are read.
"""

from collections.abc import Mapping
from typing import Any

from vlm_demo.conversion.key_map import Rename
from vlm_demo.conversion.llava_layout import (
    LANGUAGE_MODEL,
    SAVED,
    VISION_TOWER,
    clip_image_processor,
    llava_config,
    llava_processor,
)
from vlm_demo.conversion.system import Json, SourceCheckpoints, System
from vlm_demo.conversion.tensors import TensorLocation

PROJECTOR = tuple(
    Rename(
        rf"(?:model\.)?mm_projector\.{index}\.(weight|bias)",
        rf"model.multi_modal_projector.linear_{layer}.\1",
    )
    for index, layer in ((0, 1), (2, 2))
)
"""Rules for a projector of two layers, with an activation between them at place 1."""


def build_config(parts: SourceCheckpoints, vocabulary: int, image_token: int) -> Any:
    """Build the configuration of a LLaVA on a Mistral."""
    return llava_config(parts, vocabulary, image_token, language="mistral")


def is_source(config: Json, tensors: Mapping[str, TensorLocation]) -> bool:
    """Whether it is this system's own type of model, in LLaVA's layout."""
    has_projector = any(name.endswith("mm_projector.2.weight") for name in tensors)
    return config.get("model_type") == "japanese_stable_vlm" and has_projector


SYSTEM = System(
    name="japanese_stable_vlm",
    title="Japanese Stable VLM",
    families=("japanese_stable_vlm",),
    checkpoints=("stabilityai/japanese-stable-vlm",),
    is_source=is_source,
    renames=(*PROJECTOR, *VISION_TOWER, *LANGUAGE_MODEL),
    build_config=build_config,
    saved_renames=SAVED,
    image_token="<image>",
    build_processor=llava_processor,
    build_image_processor=clip_image_processor,
)
