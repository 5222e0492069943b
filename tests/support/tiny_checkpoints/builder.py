"""Builds the tiny checkpoint of any model type: real classes, random weights."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.shrinking import shrink
from support.tiny_checkpoints.tokenizers import bert_tokenizer, byte_level
from vlm_demo.families import get_family

SPECIAL = re.compile(r"<[|｜]?[A-Za-z0-9_▁/|｜:.\-]{1,40}[|｜]?>|\[[A-Z_]{3,40}\]")
"""How special tokens look in the source of a processor."""

TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message['role'] }}\n"
    "{%- for part in message['content'] -%}"
    "{{ 'IMAGE' if part['type'] == 'image' else part['text'] }}"
    "{%- endfor -%}<|im_end|>\n"
    "{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif -%}"
)
"""The chat template of checkpoints whose own is not documented; IMAGE is what it writes for one."""

IMAGE_IDS = ("image_token_id", "image_token_index", "im_token_id", "media_placeholder_token_id")


def save(recipe: Recipe, folder: Path) -> Path:
    """Build a checkpoint and save it as the Hub has it."""
    model, processor = build(recipe)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if name := _video_processor(recipe):
        video = json.dumps({"video_processor_type": name})
        (folder / "video_preprocessor_config.json").write_text(video)
    return folder


def build(recipe: Recipe) -> tuple[Any, Any]:
    """Build a checkpoint's model and its processor."""
    import torch
    from transformers import AutoModelForImageTextToText

    import vlm_demo.engines.local.checkpoints.yi_vl  # noqa: F401  # it registers its classes

    tokenizer = recipe.tokenizer() if recipe.tokenizer else _tokenizer(recipe)
    processor = _processor(recipe, tokenizer)
    image = recipe.image_token or str(getattr(processor, "image_token", None) or "<image>")
    if recipe.ships_template:
        plain = TEMPLATE.replace("IMAGE", recipe.image_text or image)
        processor.chat_template = documented_template(recipe.family) if recipe.family else plain
    config = _config(recipe, tokenizer, processor, recipe.config_image_token or image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForImageTextToText.from_config(config)
        _randomize(model, recipe.scale)
    ends = tokenizer.convert_tokens_to_ids(list(recipe.end_tokens))
    model.generation_config.eos_token_id = ends or tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, processor


def documented_template(family: str) -> str | None:
    """Return the chat template that a family documents for its checkpoints."""
    return get_family(family).documented_template or get_family(family).chat_template


def _tokenizer(recipe: Recipe) -> Any:
    import transformers

    module = getattr(transformers, _processor_name(recipe)).__module__
    found = SPECIAL.findall(inspect.getsource(sys.modules[module]))
    special = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<pad>", *found]
    special += [*recipe.tokens, *recipe.named_tokens.values()]
    named = {"extra_special_tokens": dict(recipe.named_tokens)} if recipe.named_tokens else {}
    tokenizer = byte_level(
        list(dict.fromkeys(special)), eos_token="<|im_end|>", pad_token="<pad>", **named
    )
    if recipe.bos:
        tokenizer.add_special_tokens({"bos_token": recipe.bos})
    return tokenizer


def _processor_name(recipe: Recipe) -> str:
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    return recipe.processor or PROCESSOR_MAPPING_NAMES[recipe.model_type]


def _processor(recipe: Recipe, tokenizer: Any) -> Any:
    """Make a processor, without what it prepares videos with."""
    import transformers

    from vlm_demo.engines.local.checkpoints.processors import without_videos

    native = getattr(transformers, _processor_name(recipe))
    parts: dict[str, Any] = {}
    for part in native.get_attributes():
        if part == "video_processor":
            parts[part] = None
        elif part == "tokenizer":
            parts[part] = tokenizer
        elif part == "image_processor":
            images = getattr(transformers, _image_processor(recipe))
            parts[part] = images(**recipe.image_options)
        elif part == "feature_extractor":
            sound = recipe.feature_extractor
            parts[part] = getattr(transformers, sound)() if sound else None
        elif part == "qformer_tokenizer":
            parts[part] = bert_tokenizer()
    return without_videos(native)(**parts, **recipe.processor_options)


def needs_torchvision(recipe: Recipe) -> bool:
    """Whether a checkpoint's pictures are prepared by torchvision alone."""
    return not _image_processor(recipe).endswith("Pil")


def _image_processor(recipe: Recipe) -> str:
    """Name the class of an image processor, that for Pillow where there is one."""
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    names = IMAGE_PROCESSOR_MAPPING_NAMES.get(recipe.model_type, {})
    return recipe.image_processor or names.get("pil") or names["torchvision"]


def _video_processor(recipe: Recipe) -> str:
    """Name the class of the video processor; "" where the processor has none."""
    import transformers
    from transformers.models.auto.video_processing_auto import VIDEO_PROCESSOR_MAPPING_NAMES

    if "video_processor" not in getattr(transformers, _processor_name(recipe)).get_attributes():
        return ""
    if recipe.video_processor:
        return recipe.video_processor
    named = VIDEO_PROCESSOR_MAPPING_NAMES.get(recipe.model_type, {}).get("torchvision")
    return named or _processor_name(recipe).replace("Processor", "VideoProcessor")


def _config(recipe: Recipe, tokenizer: Any, processor: Any, image_token: str) -> Any:
    from transformers import CONFIG_MAPPING

    config_class = CONFIG_MAPPING[recipe.model_type]
    changes = {
        path: value(tokenizer) if callable(value) else value
        for path, value in recipe.config.items()
    }
    config = shrink(config_class().to_dict(), changes)
    _fill_tokens(config, changes, image_token, tokenizer, processor)
    config.pop("model_type", None)
    return config_class(**config)


def _fill_tokens(
    config: dict[str, Any],
    changes: Mapping[str, Any],
    image_token: str,
    tokenizer: Any,
    processor: Any,
) -> None:
    """Set the size of the vocabulary and the ids of tokens in all parts of a configuration."""
    size = len(tokenizer)
    image = tokenizer.convert_tokens_to_ids(image_token)
    end = tokenizer.eos_token_id
    begin = end if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    known = {
        **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input"), size),
        **dict.fromkeys(IMAGE_IDS, image),
        "eos_token_id": end,
        "bos_token_id": begin,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for key, value in config.items():
        if key in changes or not isinstance(key, str):
            continue
        if isinstance(value, dict):
            inner = {path.removeprefix(f"{key}."): change for path, change in changes.items()}
            _fill_tokens(value, inner, image_token, tokenizer, processor)
        elif key in known:
            config[key] = known[key]
        elif key.endswith(("_token_id", "_token_index")):
            name = re.sub(r"(_id|_index)$", "", key)
            token = getattr(processor, name, None) or getattr(tokenizer, name, None)
            if isinstance(token, str):
                config[key] = tokenizer.convert_tokens_to_ids(token)
            elif isinstance(value, int):
                config[key] = min(value, size - 1)


def _randomize(model: Any, scale: float) -> None:
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("mm_input_projection_weight"):
                weight.normal_(0, 0.05)  # Gemma 3 begins with zeros: it would see nothing
            elif scale and name.endswith("gate"):
                weight.fill_(0.5)  # Llama 3.2 Vision begins with gates that are shut
            elif scale and weight.is_floating_point() and weight.dim() > 1 and "norm" not in name:
                weight.normal_(0, scale)
            elif not torch.isfinite(weight).all():
                weight.zero_()
