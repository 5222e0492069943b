"""Tiny checkpoints of old systems, published as their authors did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.original_systems import (
    TOWER,
    LlavaLike,
    MiniGpt4,
    MistralLlavaLike,
    linear_projector,
    normed_projector,
    two_layer_projector,
)
from support.tiny_checkpoints.recipes.shared import PATCH
from support.tiny_checkpoints.recipes.shared import PICTURE as SIDE
from support.tiny_checkpoints.tokenizers import pieces
from torch import Tensor, nn
from transformers import CLIPImageProcessorPil, CLIPVisionModel


@dataclass(frozen=True)
class Published:
    """A published checkpoint, what is given with it, and what the original computes."""

    source: Path
    options: Mapping[str, str]
    original: Any  # with `logits`
    image_token: str
    tokens_per_image: int


def save_weights(tensors: Mapping[str, Tensor], folder: Path, *, suffix: str, shards: int) -> None:
    """Save weights as the Hub has them: in one file, or in several with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, extension = (
        ("model", "safetensors") if suffix == "safetensors" else ("pytorch_model", "bin")
    )
    weight_map: dict[str, str] = {}
    for number in range(shards):
        part = {
            name: tensor.clone().contiguous()
            for index, (name, tensor) in enumerate(tensors.items())
            if index % shards == number
        }
        file = f"{stem}.{extension}" if shards == 1 else f"{stem}-{number}.{extension}"
        if extension == "bin":
            torch.save(part, folder / file)
        else:
            save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    if shards > 1:
        index = json.dumps({"weight_map": weight_map})
        (folder / f"{stem}.{extension}.index.json").write_text(index)


def write_config(folder: Path, content: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))


def save_clip(original: LlavaLike, folder: Path) -> None:
    """Save the vision tower as the Hub has it, with what prepares its pictures."""
    tower: CLIPVisionModel = original.towers[0]
    tower.save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)


def pictures(folder: Path) -> None:
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)


def without_tower(original: nn.Module) -> dict[str, Tensor]:
    return {k: v for k, v in original.state_dict().items() if "vision_tower" not in k}


def llava_keys(original: LlavaLike) -> dict[str, Any]:
    return original.config.to_dict() | {"mm_hidden_size": 64, "mm_vision_select_layer": -2}


def publish_shikra(folder: Path) -> Published:
    """Differences to a LLaMA with fewer tokens, as .bin files, and CLIP beside."""
    tokenizer = pieces(["<im_patch>", "<im_start>", "<im_end>", "<pad>"], pad_token="<pad>")
    original = LlavaLike(len(tokenizer), linear_projector(), holds_tower=False)
    base_rows = len(tokenizer) - 4
    base, delta = {}, {}
    for name, tensor in original.state_dict().items():
        delta[name] = tensor
        if "mm_projector" not in name:
            rows = base_rows if name in ("model.embed_tokens.weight", "lm_head.weight") else None
            base[name] = torch.randn_like(tensor)[:rows]
            delta[name] = tensor.clone()
            delta[name][:rows] -= base[name]
    base["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    source = folder / "shikra-7b-delta-v1"
    save_weights(delta, source, suffix="bin", shards=2)
    write_config(
        source, {**llava_keys(original), "model_type": "shikra", "mm_vision_tower": "gone/clip"}
    )
    tokenizer.save_pretrained(source)
    save_weights(base, folder / "llama", suffix="bin", shards=1)
    write_config(folder / "llama", {"model_type": "llama"})
    save_clip(original, folder / "clip")
    options = {"base": str(folder / "llama"), "vision_tower": str(folder / "clip")}
    return Published(source, options, original, "<im_patch>", 16)


def publish_japanese_stable_vlm(folder: Path) -> Published:
    """All in one, in shards of safetensors."""
    tokenizer = pieces(["<pad>"], pad_token="<pad>")
    original = MistralLlavaLike(len(tokenizer), two_layer_projector(), holds_tower=True)
    source = folder / "japanese-stable-vlm"
    save_weights(original.state_dict(), source, suffix="safetensors", shards=3)
    write_config(
        source,
        {
            "model_type": "japanese_stable_vlm",
            "text_config": original.config.to_dict(),
            "vision_config": TOWER,
            "mm_vision_select_layer": -2,
        },
    )
    tokenizer.save_pretrained(source)
    pictures(source)
    return Published(source, {}, original, "<image>", 16)


def publish_evovlm_jp(folder: Path) -> Published:
    """The layout of llava-hf, and a folder of the user's own name."""
    tokenizer = pieces(["<image>", "<pad>"], pad_token="<pad>")
    original = MistralLlavaLike(len(tokenizer), two_layer_projector(), holds_tower=True)
    renamed = {}
    for name, tensor in original.state_dict().items():
        if "mm_projector" in name:
            layer = {"0": "linear_1", "2": "linear_2"}[name.split(".")[2]]
            name = f"multi_modal_projector.{layer}.{name.split('.')[-1]}"
        elif "vision_tower" in name:
            name = "vision_tower.vision_model." + name.removeprefix("model.vision_tower.")
        else:
            name = f"language_model.{name}"
        renamed[name] = tensor
    source = folder / "evo"
    save_weights(renamed, source, suffix="safetensors", shards=1)
    write_config(
        source,
        {
            "model_type": "llava",
            "_name_or_path": "SakanaAI/EvoVLM-JP-v1-7B",
            "text_config": original.config.to_dict(),
            "vision_config": TOWER,
            "vision_feature_layer": -2,
        },
    )
    tokenizer.save_pretrained(source)
    pictures(source)
    return Published(source, {}, original, "<image>", 16)


def publish_yi_vl(folder: Path) -> Published:
    """The tower in a folder of the checkpoint, a token for the picture that nobody has yet."""
    tokenizer = pieces(["<pad>"], pad_token="<pad>")
    original = LlavaLike(len(tokenizer), normed_projector(), holds_tower=False)
    source = folder / "Yi-VL-6B"
    save_weights(original.state_dict(), source, suffix="bin", shards=1)
    write_config(
        source,
        {
            **llava_keys(original),
            "model_type": "llava",
            "mm_projector_type": "mlp2x_gelu_Norm",
            "mm_vision_tower": "./vit/clip-vit-H-14",
        },
    )
    save_clip(original, source / "vit" / "clip-vit-H-14")
    tokenizer.save_pretrained(source)
    return Published(source, {}, original, "<image_placeholder>", 16)


def publish_minigpt4(folder: Path) -> Published:
    """One linear layer in a file of its trainer's state, LAVIS' two files, and Vicuna."""
    tokenizer = pieces(["<pad>"], pad_token="<pad>")
    original = MiniGpt4(len(tokenizer), SIDE, PATCH)
    state = original.state_dict()

    def part(*beginnings: str) -> dict[str, Tensor]:
        return {k: v for k, v in state.items() if k.startswith(beginnings)}

    source = folder / "pretrained_minigpt4.pth"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": part("llama_proj"), "optimizer": {"step": 3}, "epoch": 1}, source)
    lavis = folder / "lavis"
    lavis.mkdir()
    eye = {k.removeprefix("visual_encoder."): v for k, v in part("visual_encoder").items()}
    torch.save(eye, lavis / "eva_vit_g.pth")
    q_former = part("Qformer", "query_tokens", "ln_vision")
    torch.save({"model": q_former}, lavis / "blip2_pretrained_flant5xxl.pth")
    vicuna = {k.removeprefix("language."): v for k, v in part("language.").items()}
    save_weights(vicuna, folder / "vicuna", suffix="bin", shards=2)
    write_config(folder / "vicuna", original.config.to_dict())
    tokenizer.save_pretrained(folder / "vicuna")
    options = {"base": str(folder / "vicuna"), "vision_tower": str(lavis)}
    return Published(source, options, original, "<image>", 8)


PUBLISH = {
    "evovlm_jp": publish_evovlm_jp,
    "japanese_stable_vlm": publish_japanese_stable_vlm,
    "minigpt4": publish_minigpt4,
    "shikra": publish_shikra,
    "yi_vl": publish_yi_vl,
}


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Published]:
    """Return a published checkpoint of a system, by its name."""

    @cache
    def publish(name: str) -> Published:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(len(name))
            one = PUBLISH[name](tmp_path_factory.mktemp(name) / "files")
            one.original.eval()
            return one

    return publish
