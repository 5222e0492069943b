"""Models to measure with: real classes of any size with random weights, saved as checkpoints.

Their text means nothing, but it takes as long as if it did, and it depends on every token and pixel
of the prompt: two ways of computing that give the same text compute the same thing.

They answer with words of one character and one token; all other tokens are suppressed. So an answer
never ends early and, as a part of a conversation, is tokenized as it was generated.
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

t: Any = transformers  # its type hints reject much of what it accepts

PATCH = 14
CONTEXT = 4096  # tokens
FIRST_WORD = 0x4E00  # CJK Unified Ideographs: a tokenizer takes each as one letter
MERGE_SIZE = 2  # patches per side that become one token of Qwen2-VL and SmolVLM
IMAGE_SIZE = (640, 480)  # of the pictures that are asked about

GAIN = 2.0
"""Scale of the random weights of each layer. With 1, random models attend to everything alike and
repeat one word; with much more, rounding errors grow until two ways of computing differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The size of a model."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    vision_hidden: int
    vision_layers: int
    vision_heads: int
    side: int  # of the square that LLaVA sees, in pixels
    tile: int  # side of one tile of SmolVLM, in pixels
    words: int = 512  # in the vocabulary of its answers


SEVENTY_MILLION = ModelShape(
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
"""A 640 x 480 picture takes 576 tokens in LLaVA, 391 in Qwen2-VL and 845 in SmolVLM."""

TINY = ModelShape(
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
"""Shape for trying out the measurements themselves."""

SEVEN_BILLION = ModelShape(
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
"""Shape of LLaVA-1.5-7B. Source: https://huggingface.co/llava-hf/llava-1.5-7b-hf/blob/main/config.json"""


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A real model class with random weights, and the family that writes its prompts."""

    name: str
    family: str
    build: Callable[[ModelShape, Any, str], tuple[Any, Any]]  # from tokenizer and chat template
    end: str  # token that ends a turn
    control_tokens: tuple[str, ...]
    blank: str  # what precedes each word of an answer, as in the family's template
    video_processor: str = ""  # class that a further file of the checkpoint names


def save(kind: ModelKind, shape: ModelShape, folder: Path, seed: int = 0) -> Path:
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


def build(kind: ModelKind, shape: ModelShape) -> tuple[Any, Any]:
    """Build model and processor, on torch's default device and in its default number format."""
    family = get_family(kind.family)
    words = [f"{kind.blank}{chr(FIRST_WORD + index)}" for index in range(shape.words)]
    tokenizer = _train_tokenizer(kind, _training_words(family), words)
    template = family.documented_template or family.chat_template or ""
    model, processor = kind.build(shape, tokenizer, template)
    sayable = {tokenizer.encode(word, add_special_tokens=False)[0] for word in words}
    model.generation_config = t.GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        suppress_tokens=sorted(set(range(len(tokenizer))) - sayable),
    )
    return model.eval(), processor


def _training_words(family: Family) -> list[str]:
    """Return words that become one token each, with the blank before them."""
    texts = (*SENTENCES, *family.instructions.values())
    return [f" {word}" for text in texts for word in text.split()]


def _train_tokenizer(kind: ModelKind, lessons: Sequence[str], words: Sequence[str]) -> Any:
    """Train a byte-level tokenizer whose merges make one token of each lesson and each word."""
    blank = t.Qwen2Tokenizer()
    # More merges than needed; a word must occur twice to be learned.
    vocabulary_size = 1000 + 12 * (len(set(lessons)) + len(words))
    trained = blank.train_new_from_iterator(
        [*lessons, *words] * 2, vocabulary_size, show_progress=False
    )
    model = json.loads(trained.backend_tokenizer.to_str())["model"]
    tokenizer = t.Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        eos_token=kind.end,
        pad_token="<|endoftext|>",
        padding_side="left",
        model_max_length=CONTEXT,
        extra_special_tokens=_IMAGE_TOKENS.get(kind.name, {}),
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(kind.control_tokens)})
    return tokenizer


_IMAGE_TOKENS: Mapping[str, Mapping[str, str]] = {
    "llava": {"image_token": "<image>"},
    "smolvlm": {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": "<end_of_utterance>",
        "video_token": "<video>",
    },
}
"""Special tokens that a processor expects as attributes of its tokenizer."""


def _language_config(shape: ModelShape, tokenizer: Any) -> dict[str, Any]:
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


def _vision_config(shape: ModelShape, side: int) -> dict[str, Any]:
    return {
        "hidden_size": shape.vision_hidden,
        "intermediate_size": 4 * shape.vision_hidden,
        "num_hidden_layers": shape.vision_layers,
        "num_attention_heads": shape.vision_heads,
        "image_size": side,
        "patch_size": PATCH,
    }


def _build_llava(shape: ModelShape, tokenizer: Any, template: str) -> tuple[Any, Any]:
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
        vision_config=t.CLIPVisionConfig(**_vision_config(shape, shape.side)),
        text_config=t.LlamaConfig(**_language_config(shape, tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        image_seq_length=(shape.side // PATCH) ** 2,
    )
    return t.LlavaForConditionalGeneration(config), processor


def _build_qwen2_vl(shape: ModelShape, tokenizer: Any, template: str) -> tuple[Any, Any]:
    width, height = IMAGE_SIZE
    largest = width * height if shape.side >= width // 2 else 4 * shape.side**2
    pictures = t.Qwen2VLImageProcessorPil(
        size={"shortest_edge": (4 * PATCH) ** 2, "longest_edge": largest},
        patch_size=PATCH,
        merge_size=MERGE_SIZE,
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
            **_language_config(shape, tokenizer),
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


def _build_smolvlm(shape: ModelShape, tokenizer: Any, template: str) -> tuple[Any, Any]:
    pictures = t.SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * shape.tile}, max_image_size={"longest_edge": shape.tile}
    )
    processor = without_videos(t.SmolVLMProcessor)(
        pictures,
        tokenizer,
        None,
        image_seq_len=(shape.tile // PATCH // MERGE_SIZE) ** 2,
        chat_template=template,
    )
    config = t.SmolVLMConfig(
        text_config=t.LlamaConfig(**_language_config(shape, tokenizer)),
        vision_config=_vision_config(shape, shape.tile),
        scale_factor=MERGE_SIZE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    return t.SmolVLMForConditionalGeneration(config), processor


_CHATML = ("<|im_start|>", "<|im_end|>")

LLAVA = ModelKind("llava", "llava15", _build_llava, "</s>", ("<s>", "</s>"), " ")
QWEN2_VL = ModelKind(
    "qwen2_vl",
    "qwen2_vl",
    _build_qwen2_vl,
    "<|im_end|>",
    (*_CHATML, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
    "",
    video_processor="Qwen2VLVideoProcessor",
)
SMOLVLM = ModelKind(
    "smolvlm",
    "smolvlm",
    _build_smolvlm,
    "<end_of_utterance>",
    (*_CHATML, *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))),
    " ",
    video_processor="SmolVLMVideoProcessor",
)
