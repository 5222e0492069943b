"""Models to measure on: the real classes in any size, with random weights, saved as checkpoints.

What they say means nothing, but it takes as long as if it did, and it follows from every token and
pixel of the prompt: two ways to compute an answer that agree on such a text agree altogether.

They answer with words of one character and one token, all else is suppressed: an answer never ends
early, and, read back as part of a conversation, it is the very tokens that were generated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.utils import logging

from vlm_demo.bench.prompts import SENTENCES
from vlm_demo.engines.local.checkpoints.processors import without_videos
from vlm_demo.families import get_family
from vlm_demo.prompting.family import Family

logging.disable_progress_bar()  # type: ignore[no-untyped-call]

t: Any = transformers  # its hints refuse half of what it takes

PATCH = 14
CONTEXT = 4096  # tokens
FIRST_WORD = 0x4E00  # CJK Unified Ideographs: each is a letter to a tokenizer, and never two
MERGED = 2  # patches a side that become one token of Qwen2-VL and SmolVLM
PICTURE_SIZE = (640, 480)  # of the pictures that are asked about

GAIN = 2.0
"""Of each layer. With 1, random models look at everything alike and say one word for ever; with
much more, rounding errors would grow until two ways to compute an answer part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a model is."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    vision_hidden: int
    vision_layers: int
    vision_heads: int
    side: int  # pixels of the square that LLaVA sees
    tile: int  # pixels of one tile of SmolVLM
    words: int = 512  # that it answers with


SEVENTY_MILLION = Shape(
    hidden=512,
    intermediate=2560,
    layers=8,
    heads=8,
    vision_hidden=512,
    vision_layers=9,
    vision_heads=8,
    side=336,
    tile=364,
)
"""LLaVA sees 576 tokens of a picture, Qwen2-VL 391 and SmolVLM 845 of one of 640 x 480 pixels."""

TINY = Shape(
    hidden=64,
    intermediate=128,
    layers=2,
    heads=4,
    vision_hidden=64,
    vision_layers=2,
    vision_heads=4,
    side=56,
    tile=56,
    words=64,
)
"""For trying out the measurements themselves."""

SEVEN_BILLION = Shape(
    hidden=4096,
    intermediate=11008,
    layers=32,
    heads=32,
    vision_hidden=1024,
    vision_layers=24,
    vision_heads=16,
    side=336,
    tile=364,
    words=20_000,
)
"""LLaVA-1.5-7B. Source: https://huggingface.co/llava-hf/llava-1.5-7b-hf/blob/main/config.json"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A real model class, and the family that it is asked as."""

    name: str
    family: str
    build: Callable[[Shape, Any, str], tuple[Any, Any]]  # given tokenizer and chat template
    end: str  # of a turn
    control_tokens: tuple[str, ...]
    blank: str  # before each word of an answer: as the family's template writes earlier answers
    video_processor: str = ""  # class named in a file that the Hub has beside


def save(kind: Kind, shape: Shape, folder: Path, seed: int = 0) -> Path:
    """Build a model and save it with its processor; return the folder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, processor = build(kind, shape)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.normal_(0, GAIN * weight[0].numel() ** -0.5)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if kind.video_processor:
        video = json.dumps({"video_processor_type": kind.video_processor})
        (folder / "video_preprocessor_config.json").write_text(video)
    return folder


def build(kind: Kind, shape: Shape) -> tuple[Any, Any]:
    """Build model and processor; torch's default device and number format hold."""
    family = get_family(kind.family)
    words = [f"{kind.blank}{chr(FIRST_WORD + index)}" for index in range(shape.words)]
    tokenizer = _tokenizer(kind, _lessons(family), words)
    template = family.documented_template or family.chat_template or ""
    model, processor = kind.build(shape, tokenizer, template)
    sayable = {tokenizer.encode(word, add_special_tokens=False)[0] for word in words}
    model.generation_config = t.GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        suppress_tokens=sorted(set(range(len(tokenizer))) - sayable),
    )
    return model.eval(), processor


def _lessons(family: Family) -> list[str]:
    """Words that become one token each, with the blank before them."""
    texts = (*SENTENCES, *family.instructions.values())
    return [f" {word}" for text in texts for word in text.split()]


def _tokenizer(kind: Kind, lessons: Sequence[str], words: Sequence[str]) -> Any:
    """Learn a tokenizer of bytes whose merges make each lesson and each word one token."""
    blank = t.Qwen2Tokenizer()
    # More merges than there are to learn; a word must be met twice to be learned.
    room = 1000 + 12 * (len(set(lessons)) + len(words))
    learned = blank.train_new_from_iterator([*lessons, *words] * 2, room, show_progress=False)
    model = json.loads(learned.backend_tokenizer.to_str())["model"]
    tokenizer = t.Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        eos_token=kind.end,
        pad_token="<|endoftext|>",
        padding_side="left",
        model_max_length=CONTEXT,
        extra_special_tokens=_PICTURE_TOKENS.get(kind.name, {}),
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(kind.control_tokens)})
    return tokenizer


_PICTURE_TOKENS: Mapping[str, Mapping[str, str]] = {
    "llava": {"image_token": "<image>"},
    "smolvlm": {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": "<end_of_utterance>",
        "video_token": "<video>",
    },
}
"""Tokens that a processor looks up by these names on its tokenizer."""


def _language(shape: Shape, tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _vision(shape: Shape, side: int) -> dict[str, Any]:
    return {
        "hidden_size": shape.vision_hidden,
        "intermediate_size": 4 * shape.vision_hidden,
        "num_hidden_layers": shape.vision_layers,
        "num_attention_heads": shape.vision_heads,
        "image_size": side,
        "patch_size": PATCH,
    }


def _llava(shape: Shape, tokenizer: Any, template: str) -> tuple[Any, Any]:
    side = {"height": shape.side, "width": shape.side}
    pictures = t.CLIPImageProcessorPil(size=side, do_center_crop=False)
    processor = t.LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**_vision(shape, shape.side)),
        text_config=t.LlamaConfig(**_language(shape, tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        image_seq_length=(shape.side // PATCH) ** 2,
    )
    return t.LlavaForConditionalGeneration(config), processor


def _qwen2_vl(shape: Shape, tokenizer: Any, template: str) -> tuple[Any, Any]:
    width, height = PICTURE_SIZE
    largest = width * height if shape.side >= width // 2 else 4 * shape.side**2
    pictures = t.Qwen2VLImageProcessorPil(
        size={"shortest_edge": (4 * PATCH) ** 2, "longest_edge": largest},
        patch_size=PATCH,
        merge_size=MERGED,
        temporal_patch_size=2,
    )
    processor = without_videos(t.Qwen2VLProcessor)(
        pictures, tokenizer, None, chat_template=template
    )
    half = shape.hidden // shape.heads // 2  # of a head, shared by time, height and width
    space = 3 * half // 8
    rope = {"rope_type": "default", "mrope_section": [half - 2 * space, space, space]}
    name = tokenizer.convert_tokens_to_ids
    config = t.Qwen2VLConfig(
        text_config={
            **_language(shape, tokenizer),
            "rope_parameters": {**rope, "rope_theta": 1e6},
        },
        vision_config={
            "depth": shape.vision_layers,
            "embed_dim": shape.vision_hidden,
            "num_heads": shape.vision_heads,
            "patch_size": PATCH,
            "mlp_ratio": 4,
            "hidden_size": shape.hidden,
        },
        image_token_id=name("<|image_pad|>"),
        video_token_id=name("<|video_pad|>"),
        vision_start_token_id=name("<|vision_start|>"),
        vision_end_token_id=name("<|vision_end|>"),
    )
    return t.Qwen2VLForConditionalGeneration(config), processor


def _smolvlm(shape: Shape, tokenizer: Any, template: str) -> tuple[Any, Any]:
    pictures = t.SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * shape.tile}, max_image_size={"longest_edge": shape.tile}
    )
    processor = without_videos(t.SmolVLMProcessor)(
        pictures,
        tokenizer,
        None,
        image_seq_len=(shape.tile // PATCH // MERGED) ** 2,
        chat_template=template,
    )
    config = t.SmolVLMConfig(
        text_config=t.LlamaConfig(**_language(shape, tokenizer)),
        vision_config=_vision(shape, shape.tile),
        scale_factor=MERGED,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    return t.SmolVLMForConditionalGeneration(config), processor


_CHATML = ("<|im_start|>", "<|im_end|>")

LLAVA = Kind("llava", "llava15", _llava, "</s>", ("<s>", "</s>"), " ")
QWEN2_VL = Kind(
    "qwen2_vl",
    "qwen2_vl",
    _qwen2_vl,
    "<|im_end|>",
    (*_CHATML, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
    "",
    video_processor="Qwen2VLVideoProcessor",
)
SMOLVLM = Kind(
    "smolvlm",
    "smolvlm",
    _smolvlm,
    "<end_of_utterance>",
    (*_CHATML, *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))),
    " ",
    video_processor="SmolVLMVideoProcessor",
)
