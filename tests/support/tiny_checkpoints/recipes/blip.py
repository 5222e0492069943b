"""Models without a chat template: BLIP-2, InstructBLIP, GIT, KOSMOS-2, Fuyu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from support.tiny_checkpoints.recipe import Recipe
from support.tiny_checkpoints.recipes.shared import (
    CLIP,
    CLIP_PROCESSOR,
    LLAMA,
    OPT,
    SEEN,
    SQUARE,
    T5,
)
from support.tiny_checkpoints.tokenizers import (
    bert_tokenizer,
    byte_level,
    fuyu_tokenizer,
    kosmos2_tokenizer,
    pieces,
    t5_tokenizer,
    with_beginning,
)

Q_FORMER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "encoder_hidden_size": 64,
}


def q_former(reader: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """The Q-Former of BLIP, with the vocabulary of a tokenizer."""
    return lambda tokenizer: {**Q_FORMER, "vocab_size": len(reader(tokenizer))}


BLIP2_OPT = Recipe(
    model_type="blip-2",
    family="blip2",
    ships_template=False,
    tokenizer=lambda: with_beginning(
        byte_level(["<pad>", "</s>"], kind="GPT2Tokenizer"),
        **dict.fromkeys(("bos_token", "eos_token", "unk_token"), "</s>"),
        pad_token="<pad>",
    ),
    image_options={"size": SQUARE},
    processor_options={"num_query_tokens": 8},
    config={
        **SEEN,
        "vision_config.initializer_range": 0.02,  # its own, 1e-10, would make it blind
        "qformer_config": q_former(lambda tokenizer: tokenizer),
        "text_config": OPT,
        "num_query_tokens": 8,
        "image_text_hidden_size": 16,
    },
    end_tokens=("Ċ",),  # a line break, as on the Hub
    scale=0.3,
)
BLIP2_T5 = replace(
    BLIP2_OPT,
    family="blip2_t5",
    tokenizer=t5_tokenizer,
    config={**BLIP2_OPT.config, "text_config": T5},
    end_tokens=(),
)
INSTRUCTBLIP = replace(
    BLIP2_OPT,
    model_type="instructblip",
    family="instructblip",
    tokenizer=partial(pieces, ["[PAD]"], pad_token="[PAD]", padding_side="left"),
    config={
        **BLIP2_OPT.config,
        "qformer_config": q_former(lambda _: bert_tokenizer()),
        "text_config": LLAMA,
    },
    end_tokens=(),
)
INSTRUCTBLIP_T5 = replace(
    INSTRUCTBLIP,
    family="instructblip_t5",
    tokenizer=t5_tokenizer,
    config={**INSTRUCTBLIP.config, "text_config": T5},
)
GIT = Recipe(
    model_type="git",
    family="git",
    ships_template=False,
    tokenizer=bert_tokenizer,
    image_processor=CLIP_PROCESSOR,
    image_options=CLIP,
    config={
        **SEEN,
        "bos_token_id": lambda tokenizer: tokenizer.cls_token_id,
        "eos_token_id": lambda tokenizer: tokenizer.sep_token_id,
    },
    end_tokens=("[SEP]",),
    scale=0.3,
)
KOSMOS2 = Recipe(
    model_type="kosmos-2",
    family="kosmos2",
    processor="Kosmos2Processor",
    ships_template=False,
    tokenizer=kosmos2_tokenizer,
    image_processor=CLIP_PROCESSOR,
    image_options=CLIP,
    config={
        **SEEN,
        "text_config.max_position_embeddings": 2048,
        "latent_query_num": 64,
    },
    scale=0.3,
)
FUYU = Recipe(
    model_type="fuyu",
    family="fuyu",
    ships_template=False,
    tokenizer=fuyu_tokenizer,
    image_options={
        "size": {"height": 60, "width": 90},
        "patch_size": {"height": 30, "width": 30},
    },
    image_token="|SPEAKER|",
    config={"text_config.model_type": "persimmon", "image_size": 60, "patch_size": 30},
    scale=0.3,
)
