"""Yi-VL, whose projector transformers does not have: LLaVA's with a layer norm behind each layer.

Architecture: https://github.com/01-ai/Yi (VL/llava/model/multimodal_projector/builder.py, read at
42dd1d3), `mlp2x_gelu_Norm`. Folders with this type come from `vlm-demo convert`.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    LlavaConfig,
    LlavaForConditionalGeneration,
)


class YiVlConfig(LlavaConfig):  # type: ignore[no-untyped-call]  # its base has a hook
    """LLaVA's configuration, under a type of its own."""

    model_type = "yi_vl"


def _width(part: Any) -> int:
    return int(part.hidden_size)


class YiVlProjector(nn.Module):
    """Linear, LayerNorm, GELU, Linear, LayerNorm: (..., vision width) to (..., text width)."""

    def __init__(self, config: YiVlConfig) -> None:
        super().__init__()
        width, seen = _width(config.text_config), _width(config.vision_config)
        self.linear_1 = nn.Linear(seen, width)
        self.norm_1 = nn.LayerNorm(width)
        self.act = nn.GELU()
        self.linear_2 = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width)

    def forward(self, image_features: Tensor) -> Tensor:
        """Project the features of patches into the language model's space."""
        hidden = self.act(self.norm_1(self.linear_1(image_features)))
        projected: Tensor = self.norm_2(self.linear_2(hidden))
        return projected


class YiVlForConditionalGeneration(LlavaForConditionalGeneration):
    """LLaVA with Yi-VL's projector."""

    config_class = YiVlConfig

    def __init__(self, config: YiVlConfig) -> None:
        super().__init__(config)
        self.model.multi_modal_projector = YiVlProjector(config)
        self.post_init()  # type: ignore[no-untyped-call]  # of transformers


AutoConfig.register(YiVlConfig.model_type, YiVlConfig, exist_ok=True)
AutoModelForImageTextToText.register(YiVlConfig, YiVlForConditionalGeneration, exist_ok=True)
