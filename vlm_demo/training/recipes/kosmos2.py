"""embedded-kosmos2: a KOSMOS-2 of 5 million parameters for drawn scenes."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    Kosmos2Config,
    Kosmos2ForConditionalGeneration,
    Kosmos2Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from vlm_demo.families.microsoft.kosmos2 import CELLS, DETAILED, FAMILY
from vlm_demo.training.recipes import packing
from vlm_demo.training.recipes.batches import BatchMaker, DialogueWriter
from vlm_demo.training.recipes.loop import Batch, Schedule, compile_where_possible
from vlm_demo.training.recipes.trainable import TrainableModel
from vlm_demo.training.recipes.vision_tower import (
    IMAGE_SIDE,
    PATCH,
    WIDTH,
    VisionTower,
    soft_targets,
)
from vlm_demo.training.recipes.vocabulary import train_tokenizer

NAME = "embedded-kosmos2"
IMAGE_TOKENS = Kosmos2Processor.num_image_tokens
TEXT_LENGTH = 128
LAYERS = 5

HUB_PREFIXES: dict[str, str] = {}
"""None: this class saves the tensor names of https://huggingface.co/microsoft/kosmos-2-patch14-224."""

SCHEDULE = Schedule(steps=3400, batch_size=32)


class TrainableKosmos2(TrainableModel):
    """KOSMOS-2 with a dense head."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, tower: VisionTower) -> None:
        super().__init__()
        self.kosmos = build_model(tokenizer)
        for layer in self.kosmos.text_model.model.layers:
            compile_where_possible(layer)
        _transplant(tower, self.kosmos)
        self.add_dense_head(tower)
        self._first_cell = tokenizer.get_vocab()["<patch_index_0000>"]

    def forward_targets(
        self, pixels: Tensor, batch: Batch, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `TrainableModel`."""
        vision, text = self.kosmos.vision_model, self.kosmos.text_model.model
        hidden = vision(pixels).last_hidden_state
        features = vision.model.post_layernorm(hidden)
        image, _ = self.kosmos.image_to_text_projection(functional.normalize(features, dim=-1))
        words = text.embed_tokens(batch["ids"]).to(image.dtype)
        embedded = torch.cat(
            [words[:, :IMAGE_START], image, words[:, IMAGE_START + IMAGE_TOKENS :]], dim=1
        )
        table = text.embed_positions
        positions = table.weights[batch["positions"] + table.padding_idx + 1]
        hidden = embedded * text.embed_scale + positions.to(embedded.dtype)
        mask = packing.attention_mask(batch["segments"])
        for layer in text.layers:
            output = layer(hidden, attention_mask=mask)
            hidden = output[0] if isinstance(output, tuple) else output
        selected = text.layer_norm(hidden).flatten(0, 1)[targets]
        return self.kosmos.text_model.lm_head(selected), features[:, 1:]

    def find_places(self, labels: Tensor) -> Tensor:
        """Return which labels are cells of the grid."""
        return (labels >= self._first_cell) & (labels < self._first_cell + CELLS * CELLS)

    def token_losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of each token; soft targets let near cells cost little."""
        log_probabilities = functional.log_softmax(logits, dim=-1)
        losses = -log_probabilities.gather(1, labels[:, None])[:, 0]
        soft = soft_targets(CELLS, 0.6, logits.device)
        index = (labels - self._first_cell).clamp(0, CELLS * CELLS - 1)
        wanted = soft[index // CELLS][:, :, None] * soft[index % CELLS][:, None, :]
        grid = log_probabilities[:, self._first_cell : self._first_cell + CELLS * CELLS]
        near = -(grid * wanted.flatten(1)).sum(-1)
        return torch.where(self.find_places(labels), near, losses)


IMAGE_START = 2  # tokens before the picture: <s>, <image>


def build_processor() -> Kosmos2Processor:
    """Return the processor that is shipped: KOSMOS-2's own class with a small tokenizer."""
    phrases = (" Question:", " Answer:", f" {DETAILED.removeprefix('<grounding> ')}")
    tokenizer = train_tokenizer(phrases, japanese=False)
    tokenizer.model_max_length = 1024
    side = {"height": IMAGE_SIDE, "width": IMAGE_SIDE}
    images = CLIPImageProcessorPil(
        size=side, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return Kosmos2Processor(images, tokenizer)  # type: ignore[no-untyped-call]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer with the tags and cells that KOSMOS-2's processor adds."""
    return build_processor().tokenizer  # type: ignore[no-any-return]


def build_model(tokenizer: PreTrainedTokenizerFast) -> Kosmos2ForConditionalGeneration:
    """Return the model with new weights.

    It normalises the vision features, projects them and scales embeddings. With the initial weights
    of the class hardly anything of the picture would arrive, so those of the projection are larger.
    """
    ids = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    vision = {
        "hidden_size": WIDTH,
        "intermediate_size": 3 * WIDTH,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "image_size": IMAGE_SIDE,
        "patch_size": PATCH,
        "hidden_act": "gelu_pytorch_tanh",
        "layer_norm_eps": 1e-6,
    }
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 1024,
        "embed_dim": WIDTH,
        "layers": LAYERS,
        "ffn_dim": 640,
        "attention_heads": 3,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        **ids,
    }
    config = Kosmos2Config(
        text_config=text,
        vision_config=vision,
        latent_query_num=IMAGE_TOKENS,
        tie_word_embeddings=True,
        attn_implementation="eager",  # type: ignore[call-arg]
    )
    model = Kosmos2ForConditionalGeneration(config)
    for name, parameter in model.text_model.named_parameters():
        if parameter.dim() == 2:
            std = 0.02 if "embed" in name else 0.5 / math.sqrt(parameter.shape[1])
            nn.init.normal_(parameter, std=std)
    projection = model.image_to_text_projection
    nn.init.normal_(projection.dense.weight, std=1.0)
    nn.init.normal_(projection.latent_query, std=1.0)
    for name in ("q_proj", "k_proj", "v_proj"):
        nn.init.normal_(getattr(projection.x_attn, name).weight, std=1 / math.sqrt(WIDTH))
    nn.init.normal_(projection.x_attn.out_proj.weight, std=0.15 / math.sqrt(WIDTH))
    model.tie_weights()
    return model


def _transplant(tower: VisionTower, model: Kosmos2ForConditionalGeneration) -> None:
    """Copy the trained SigLIP tower into KOSMOS-2's CLIP-like one."""
    weights = tower.vision.state_dict()
    prefix = "vision_model." if any(n.startswith("vision_model.") for n in weights) else ""
    vision = model.vision_model.model
    with torch.no_grad():
        embeddings = vision.embeddings
        patch = f"{prefix}embeddings.patch_embedding"
        # This convolution has no bias: that of the tower is added to the positions.
        positions = weights[f"{prefix}embeddings.position_embedding.weight"]
        positions = positions + weights[f"{patch}.bias"]
        embeddings.patch_embedding.weight.copy_(weights[f"{patch}.weight"])
        embeddings.position_embedding.weight.zero_()
        embeddings.position_embedding.weight[1:].copy_(positions)
        embeddings.class_embedding.normal_(std=0.02)
        vision.pre_layrnorm.weight.fill_(1.4 * float(positions.std()))
        for part in ("encoder", "post_layernorm"):
            start = f"{prefix}{part}."
            getattr(vision, part).load_state_dict(
                {n.removeprefix(start): w for n, w in weights.items() if n.startswith(start)}
            )


def build_trainable(tokenizer: PreTrainedTokenizerFast, tower: VisionTower) -> TrainableKosmos2:
    """Return the model on top of a trained vision tower."""
    return TrainableKosmos2(tokenizer, tower)


def batches(tokenizer: PreTrainedTokenizerFast) -> BatchMaker:
    """Return what the model is trained on: English, one question at a time, as the family asks."""
    image = f"<image>{'<image>' * IMAGE_TOKENS}</image>"
    prefix = tokenizer.backend_tokenizer.encode(image, add_special_tokens=True).ids
    writer = DialogueWriter(
        family=FAMILY,
        tokenizer=tokenizer,
        image_text="",
        phrase_pattern="<phrase> {phrase}</phrase>",
        lead=" ",
        absent=" is not there.",
        conversations=False,
        japanese=False,
    )
    return BatchMaker(
        writer, prefix, padded=False, batch_size=SCHEDULE.batch_size, text_length=TEXT_LENGTH
    )


def export(model: TrainableKosmos2, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Save what is shipped: processor, configuration and weights."""
    model.kosmos.generation_config.update(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
        max_new_tokens=160,
    )
    model.kosmos.save_pretrained(folder)
    build_processor().save_pretrained(folder)
