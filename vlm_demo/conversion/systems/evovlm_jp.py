"""EvoVLM-JP: a LLaVA-1.5 of transformers 4.37, without what later versions ask of a processor.

Layout: `LlavaForConditionalGeneration` of that time, after the card of
https://huggingface.co/SakanaAI/EvoVLM-JP-v1-7B. The weights keep their names. Since 4.43 the
processor puts a token for each patch into the prompt, for which it must know the size of the
patches; the published files do not say it, and that is written here.
"""

from collections.abc import Mapping
from typing import Any

from vlm_demo.conversion.key_map import LEFT_OUT, Rename
from vlm_demo.conversion.llava_layout import (
    SAVED,
    VISION_TOWER,
    clip_image_processor,
    llava_config,
    llava_processor,
)
from vlm_demo.conversion.system import Json, SourceCheckpoints, System
from vlm_demo.conversion.tensors import TensorLocation


def build_config(parts: SourceCheckpoints, vocabulary: int, image_token: int) -> Any:
    """Build the configuration of a LLaVA on the language model that config.json names."""
    language = parts.source.config.get("text_config", {}).get("model_type", "mistral")
    return llava_config(parts, vocabulary, image_token, language=str(language))


def is_source(config: Json, _: Mapping[str, TensorLocation]) -> bool:
    """Whether it says of itself that it is this checkpoint: its type is that of any LLaVA."""
    return config.get("_name_or_path") in CHECKPOINTS


CHECKPOINTS = ("SakanaAI/EvoVLM-JP-v1-7B",)

SYSTEM = System(
    name="evovlm_jp",
    title="EvoVLM-JP",
    families=("evovlm_jp",),
    checkpoints=CHECKPOINTS,
    is_source=is_source,
    renames=(
        Rename(r".*\.rotary_emb\.inv_freq", LEFT_OUT),
        Rename(r"language_model\.model\.(.+)", r"model.language_model.\1"),
        Rename(r"language_model\.lm_head\.(.+)", r"lm_head.\1"),
        Rename(r"multi_modal_projector\.(.+)", r"model.multi_modal_projector.\1"),
        *VISION_TOWER,
    ),
    build_config=build_config,
    saved_renames=SAVED,
    image_token="<image>",
    build_processor=llava_processor,
    build_image_processor=clip_image_processor,
)
