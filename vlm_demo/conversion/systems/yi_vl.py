"""Yi-VL: a LLaVA with a layer norm behind each layer of its projector.

Layout: https://github.com/01-ai/Yi/tree/main/VL (llava/model, read at 74a6b78): the projector is
Linear, LayerNorm, GELU, Linear, LayerNorm (`mlp2x_gelu_Norm`). The vision tower, CLIP ViT-H/14 at
448 pixels, stands in a folder of the checkpoint that `mm_vision_tower` names.

transformers has no such projector, so the class is one of this program.
"""

from collections.abc import Mapping
from typing import Any

from vlm_demo.conversion.key_map import Rename
from vlm_demo.conversion.llava_layout import (
    CLIP,
    LANGUAGE_MODEL,
    VISION_TOWER,
    clip_image_processor,
    is_llava,
    llava_config,
    llava_processor,
)
from vlm_demo.conversion.system import Json, SourceCheckpoints, System
from vlm_demo.conversion.tensors import TensorLocation
from vlm_demo.engines.local.checkpoints.yi_vl import YiVlConfig

PROJECTOR = tuple(
    Rename(
        rf"model\.mm_projector\.{index}\.(weight|bias)", rf"model.multi_modal_projector.{part}.\1"
    )
    for index, part in ((0, "linear_1"), (1, "norm_1"), (3, "linear_2"), (4, "norm_2"))
)
"""Rules for the projector; its activation stands at place 2."""


def build_config(parts: SourceCheckpoints, vocabulary: int, image_token: int) -> Any:
    """Build the configuration of a LLaVA with layer norms in its projector."""
    return llava_config(parts, vocabulary, image_token, language="llama", config_class=YiVlConfig)


def is_source(config: Json, _: Mapping[str, TensorLocation]) -> bool:
    """Whether its projector is the one that only Yi-VL has."""
    return is_llava(config, "mlp2x_gelu_Norm")


SYSTEM = System(
    name="yi_vl",
    title="Yi-VL",
    families=("yi_vl",),
    checkpoints=("01-ai/Yi-VL-6B", "01-ai/Yi-VL-34B"),
    is_source=is_source,
    renames=(*PROJECTOR, *VISION_TOWER, *LANGUAGE_MODEL),
    vision="the folder vit/... of the checkpoint",
    vision_renames=CLIP,
    build_config=build_config,
    image_token="<image_placeholder>",
    build_processor=llava_processor,
    build_image_processor=clip_image_processor,
)
