"""Systems as their authors wrote them, in plain modules with the published names of tensors.

Each class is the architecture that its docstring names, made small; `logits` is what the original
computes for a picture and token ids, where `IMAGE` ids stand for the picture.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaModel,
    MistralConfig,
    MistralModel,
)

from support.tiny_checkpoints.recipes.shared import LANGUAGE, PATCH, PICTURE

TOWER = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": PICTURE,
    "patch_size": PATCH,
    "projection_dim": 32,
}
"""A vision tower with a layer that is not read."""


class LlavaLike(nn.Module):
    """LLaVA's own code: the projector is in the language model, the tower in it or beside it."""

    language: tuple[Any, Any] = (LlamaConfig, LlamaModel)

    def __init__(self, vocabulary: int, projector: nn.Module, *, holds_tower: bool) -> None:
        super().__init__()
        config_class, model_class = self.language
        self.config = config_class(vocab_size=vocabulary, **LANGUAGE)
        self.model = model_class(self.config)
        self.model.mm_projector = projector
        self.lm_head = nn.Linear(LANGUAGE["hidden_size"], vocabulary, bias=False)
        self.tower_config = CLIPVisionConfig(**TOWER)
        tower = CLIPVisionModel(self.tower_config)
        self.towers = [tower]  # a list hides it from the state dict
        if holds_tower:
            self.model.vision_tower = tower

    def logits(self, ids: Tensor, pixels: Tensor, image: int) -> Tensor:
        features = self.towers[0](pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
        embeddings = self.model.embed_tokens(ids.clamp(max=self.lm_head.out_features - 1)).clone()
        embeddings[ids == image] = self.model.mm_projector(features)[0]
        return self.lm_head(self.model(inputs_embeds=embeddings).last_hidden_state)


class MistralLlavaLike(LlavaLike):
    """The same on a Mistral."""

    language = (MistralConfig, MistralModel)


def linear_projector() -> nn.Module:
    """Shikra's: one layer."""
    return nn.Linear(TOWER["hidden_size"], LANGUAGE["hidden_size"])


def two_layer_projector() -> nn.Module:
    """LLaVA-1.5's (`mlp2x_gelu`)."""
    width = LANGUAGE["hidden_size"]
    return nn.Sequential(nn.Linear(TOWER["hidden_size"], width), nn.GELU(), nn.Linear(width, width))


def normed_projector() -> nn.Module:
    """Yi-VL's (`mlp2x_gelu_Norm`)."""
    width = LANGUAGE["hidden_size"]
    return nn.Sequential(
        nn.Linear(TOWER["hidden_size"], width),
        nn.LayerNorm(width),
        nn.GELU(),
        nn.Linear(width, width),
        nn.LayerNorm(width),
    )


# MiniGPT-4


class EvaAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias, self.v_bias = (nn.Parameter(torch.randn(width) / 10) for _ in range(2))
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, count, width = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        mixed = functional.linear(x, self.qkv.weight, bias)
        query, key, value = mixed.view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        return self.proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(x.shape))


class EvaBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = EvaAttention(width, heads)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(width, 2 * width), "fc2": nn.Linear(2 * width, width)}
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(x))))


class Eva(nn.Module):
    """EVA ViT as LAVIS builds it: all blocks but the last are used."""

    def __init__(self, width: int, heads: int, side: int, patch: int) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleDict({str(i): EvaBlock(width, heads) for i in (0, 1, 39)})

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.patch_embed["proj"](pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1) + self.pos_embed
        return self.blocks["1"](self.blocks["0"](x))


class BertAttention(nn.Module):
    """Attention of BERT, to itself or across, with its residual."""

    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.self = nn.ModuleDict(
            {
                "query": nn.Linear(width, width),
                "key": nn.Linear(seen, width),
                "value": nn.Linear(seen, width),
            }
        )
        self.output = BertOutput(width, width)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        def split(name: str, values: Tensor) -> Tensor:
            return self.self[name](values).unflatten(-1, (self.heads, -1)).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split("query", x), split("key", seen), split("value", seen)
        )
        return self.output(mixed.transpose(1, 2).flatten(2), x)


class BertOutput(nn.Module):
    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(inner, width), nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + residual)


class QFormerLayer(nn.Module):
    def __init__(self, width: int, seen: int, heads: int, *, crosses: bool) -> None:
        super().__init__()
        self.attention = BertAttention(width, width, heads)
        if crosses:
            self.crossattention = BertAttention(width, seen, heads)
        for kind in ("", "_query"):  # the first pair is for texts
            inner = nn.ModuleDict({"dense": nn.Linear(width, 2 * width)})
            setattr(self, f"intermediate{kind}", inner)
            setattr(self, f"output{kind}", BertOutput(2 * width, width))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        x = self.attention(x, x)
        if hasattr(self, "crossattention"):
            x = self.crossattention(x, seen)
        return self.output_query(functional.gelu(self.intermediate_query["dense"](x)), x)


class MiniGpt4(nn.Module):
    """MiniGPT-4: EVA, LAVIS' Q-Former, one linear layer, LLaMA."""

    def __init__(self, vocabulary: int, side: int, patch: int) -> None:
        super().__init__()
        eye, width, queries = 2 * 88, 2 * 64, 8
        self.visual_encoder = Eva(eye, 2, side, patch)
        self.ln_vision = nn.LayerNorm(eye)
        self.query_tokens = nn.Parameter(torch.randn(1, queries, width))
        embeddings = nn.ModuleDict(
            {
                "LayerNorm": nn.LayerNorm(width, eps=1e-12),
                "word_embeddings": nn.Embedding(9, width),
                "position_embeddings": nn.Embedding(9, width),
            }
        )
        layers = nn.ModuleList(QFormerLayer(width, eye, 2, crosses=i % 2 == 0) for i in range(2))
        bert = nn.ModuleDict(
            {"embeddings": embeddings, "encoder": nn.ModuleDict({"layer": layers})}
        )
        self.Qformer = nn.ModuleDict({"bert": bert})
        self.llama_proj = nn.Linear(width, LANGUAGE["hidden_size"])
        self.config = LlamaConfig(vocab_size=vocabulary, **LANGUAGE)
        self.language = nn.ModuleDict(
            {
                "model": LlamaModel(self.config),
                "lm_head": nn.Linear(LANGUAGE["hidden_size"], vocabulary, bias=False),
            }
        )

    def logits(self, ids: Tensor, pixels: Tensor, image: int) -> Tensor:
        seen = self.ln_vision(self.visual_encoder(pixels))
        hidden = self.Qformer["bert"]["embeddings"]["LayerNorm"](self.query_tokens)
        for layer in self.Qformer["bert"]["encoder"]["layer"]:
            hidden = layer(hidden, seen)
        language = self.language["model"]
        top = self.config.vocab_size - 1
        embeddings = language.embed_tokens(ids.clamp(max=top)).clone()
        embeddings[ids == image] = self.llama_proj(hidden)[0]
        return self.language["lm_head"](language(inputs_embeds=embeddings).last_hidden_state)
