"""Saves what was trained: an adapter, or a folder of the whole model that runs everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import FileError
from vlm_demo.training.finetuning.loading import LoadedModel

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx")
_OWN_FILES = ("config.json", "README.md", "model.safetensors.index.json", ".gitattributes")

_SPARE_BYTES = 50_000_000
"""Bytes on the disk beside those of what is saved."""


def check_disk(folder: Path, trained: int, *, full_bytes: int) -> None:
    """Refuse to begin where checkpoints and the result would not fit on the disk.

    Args:
        folder: where they go.
        trained: number of trained parameters; a checkpoint has three numbers for each.
        full_bytes: of the weights of a whole model that is saved; 0: an adapter is.

    Raises:
        FileError: there is too little room.
    """
    needed = 2 * trained * 12 + full_bytes + trained * 4 + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FileError(
            "The disk of {folder} has {free} MB free, and checkpoints and the result take about "
            "{needed} MB. Make room, or choose another folder with --out.",
            folder=folder,
            free=free // 1_000_000,
            needed=needed // 1_000_000,
        )


def save_adapter(model: Any, folder: Path, base: ModelSpec) -> None:
    """Save the adapter of a trained model; its settings name the base as the menu does.

    Raises:
        FileError: it cannot be written.
    """
    _write(lambda: model.save_pretrained(folder), folder)
    config = folder / "adapter_config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = base.checkpoint
    config.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def save_whole(trained: LoadedModel, folder: Path) -> None:
    """Save all weights in 16 bits, with the processor's files of the base.

    The processor itself cannot be saved: the engine has put a cache into it.

    Raises:
        FileError: it cannot be written.
    """
    model = trained.model
    model.to(_saved_dtype(model))
    _write(lambda: model.save_pretrained(folder), folder)
    for file in trained.folder.iterdir():
        known = file.name in _OWN_FILES or file.suffix in _WEIGHTS or file.suffix == ".py"
        if file.is_file() and not known and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)


def _saved_dtype(model: Any) -> torch.dtype:
    """Return float16, or bfloat16 where a weight is too large for that."""
    largest = torch.finfo(torch.float16).max
    fits = all(
        bool((parameter.abs() < largest).all())
        for parameter in model.parameters()
        if parameter.is_floating_point()
    )
    return torch.float16 if fits else torch.bfloat16


def _write(save: Any, folder: Path) -> None:
    try:
        save()
    except (OSError, SafetensorError) as error:
        raise FileError(
            "{path} cannot be written: {reason}.",
            path=folder,
            reason=str(error).rstrip("."),
        ) from error
