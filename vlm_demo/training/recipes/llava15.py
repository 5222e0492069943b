"""embedded-llava15: a LLaVA-1.5 of 5 million parameters for drawn scenes."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from vlm_demo.families.llava.llava15 import FAMILY
from vlm_demo.scenes.dialogues import HARD_TASKS, TASKS
from vlm_demo.training.recipes import packing
from vlm_demo.training.recipes.batches import BatchMaker, DialogueWriter
from vlm_demo.training.recipes.loop import Batch, Schedule, compile_where_possible
from vlm_demo.training.recipes.trainable import TrainableModel
from vlm_demo.training.recipes.vision_tower import (
    GRID,
    IMAGE_SIDE,
    PATCH,
    WIDTH,
    VisionTower,
    soft_targets,
    vision_config,
)
from vlm_demo.training.recipes.vocabulary import train_tokenizer
from vlm_demo.values import Task

NAME = "embedded-llava15"
IMAGE_TOKEN = "<image>"
IMAGE_TOKENS = GRID * GRID
TEXT_LENGTH = 128
LAYERS = 5

HUB_PREFIXES = {"vision_tower.": "vision_tower.vision_model."}
"""Beginnings of tensor names: as saved, and as in the Hub's checkpoints of this class, such as
https://huggingface.co/llava-hf/llava-1.5-7b-hf."""

SCHEDULE = Schedule(steps=9400, batch_size=32)

# A fraction and its bracket or comma are one token, so a box takes five.
_FIRST = [f"[{i / 100:.2f}" for i in range(101)]
_NEXT = [f", {i / 100:.2f}" for i in range(101)]


class TrainableLlava(TrainableModel):
    """LLaVA-1.5 with a dense head."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, tower: VisionTower) -> None:
        super().__init__()
        self.llava = build_model(tokenizer)
        compile_where_possible(self.llava.model.language_model)
        self.llava.model.vision_tower.load_state_dict(tower.vision.state_dict())
        self.add_dense_head(tower)
        self._first_fractions = [tokenizer.get_vocab()[group[0]] for group in (_FIRST, _NEXT)]

    def forward_targets(
        self, pixels: Tensor, batch: Batch, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `TrainableModel`."""
        model = self.llava.model
        features = model.vision_tower(pixels).last_hidden_state
        image = model.multi_modal_projector(features)
        words = model.language_model.embed_tokens(batch["ids"]).to(image.dtype)
        start = IMAGE_START
        embedded = torch.cat([words[:, :start], image, words[:, start + IMAGE_TOKENS :]], dim=1)
        hidden = model.language_model(
            inputs_embeds=embedded,
            attention_mask=packing.attention_mask(batch["segments"]),
            position_ids=batch["positions"],
            use_cache=False,
        ).last_hidden_state
        return self.llava.lm_head(hidden.flatten(0, 1)[targets]), features

    def find_places(self, labels: Tensor) -> Tensor:
        """Return which labels are fractions."""
        return labels >= self._first_fractions[0]

    def token_losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of each token; soft targets let near fractions cost little."""
        log_probabilities = functional.log_softmax(logits, dim=-1)
        losses = -log_probabilities.gather(1, labels[:, None])[:, 0]
        soft = soft_targets(101, 1.2, logits.device)
        for first in self._first_fractions:
            is_fraction = (labels >= first) & (labels < first + 101)
            wanted = soft[(labels - first).clamp(0, 100)]
            near = -(log_probabilities[:, first : first + 101] * wanted).sum(-1)
            losses = torch.where(is_fraction, near, losses)
        return losses


IMAGE_START = 3  # tokens before the picture: <s>, "USER:", blank


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer; words of the template, instructions and fractions are tokens."""
    wordings = (
        *(text for task, text in FAMILY.instructions.items() if task in _FIXED),
        FAMILY.instructions[Task.GROUNDING].removesuffix("{text}").rstrip(),
        FAMILY.instructions[Task.DESCRIBE_REGION].removesuffix("{region}").rstrip(),
        FAMILY.instructions[Task.VQA].removeprefix("{text}"),
    )
    phrases = ("USER:", " ASSISTANT:", *wordings, *_FIRST, *_NEXT)
    tokenizer = train_tokenizer(phrases, japanese=True, image_token=IMAGE_TOKEN)
    tokenizer.model_max_length = 2048
    return tokenizer


_FIXED = (Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION)


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return the processor that is shipped: LLaVA's own class with the family's template."""
    side = {"height": IMAGE_SIDE, "width": IMAGE_SIDE}
    images = SiglipImageProcessorPil(size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return LlavaProcessor(  # type: ignore[no-untyped-call]
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="full",
        image_token=IMAGE_TOKEN,
        chat_template=FAMILY.chat_template,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """Return the model with new weights."""
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=512,
        num_hidden_layers=LAYERS,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",  # type: ignore[call-arg]
    )
    config = LlavaConfig(
        vision_config=vision_config(),
        text_config=text,
        image_token_index=tokenizer.image_token_id,
        image_seq_length=IMAGE_TOKENS,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        tie_word_embeddings=True,
        attn_implementation="eager",  # type: ignore[call-arg]
    )
    model = LlavaForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        if "vision_tower" in name or parameter.dim() != 2:
            continue
        std = 0.02 if "embed" in name else 0.5 / math.sqrt(parameter.shape[1])
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            std *= 0.5
        nn.init.normal_(parameter, std=std)
    model.tie_weights()
    return model


def build_trainable(tokenizer: PreTrainedTokenizerFast, tower: VisionTower) -> TrainableLlava:
    """Return the model on top of a trained vision tower."""
    return TrainableLlava(tokenizer, tower)


def batches(tokenizer: PreTrainedTokenizerFast) -> BatchMaker:
    """Return what the model is trained on."""
    encode = tokenizer.backend_tokenizer.encode
    prefix = encode(f"USER: {IMAGE_TOKEN * IMAGE_TOKENS}\n", add_special_tokens=True).ids
    writer = DialogueWriter(
        family=FAMILY,
        tokenizer=tokenizer,
        image_text=f"USER: {IMAGE_TOKEN}\n",
        phrase_pattern="{phrase} ",
        tasks=(*TASKS, *HARD_TASKS),
    )
    return BatchMaker(
        writer,
        prefix,
        padded=True,
        batch_size=SCHEDULE.batch_size,
        text_length=TEXT_LENGTH,
        crowded=True,
    )


def export(model: TrainableLlava, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Save what is shipped: processor, configuration and weights."""
    generation = model.llava.generation_config
    generation.update(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
        max_new_tokens=160,
    )
    model.llava.save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
