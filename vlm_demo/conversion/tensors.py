"""Reads the tensors of weight files one by one, whatever the format, without running anything.

.safetensors files hold nothing but tensors. Files of torch (.bin, .pth, .pt) are pickles, of which
only tensors and plain containers are read (`weights_only`); they are mapped into memory, not loaded
into it, where their format allows it.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vlm_demo.errors import ConversionError

TORCH_SUFFIXES = (".bin", ".pth", ".pt")
"""Suffixes of weight files that torch wrote."""

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
"""Names of files that list the weight files of a checkpoint, the preferred one first."""

WHOLE_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names of the weight files of checkpoints that have one only, the preferred one first."""

_CONTAINERS = ("model", "state_dict")
"""Keys under which training programs save the weights, beside their own state."""


@dataclass(frozen=True, slots=True)
class TensorLocation:
    """One tensor of a weight file."""

    file: Path
    name: str

    def read(self) -> Tensor:
        """Read it.

        Raises:
            ConversionError: the file is damaged.
        """
        if self.file.suffix == ".safetensors":
            with _open_safetensors(self.file) as file:
                tensor: Tensor = file.get_tensor(self.name)
                return tensor
        return _torch_tensors(self.file)[self.name]


def list_tensors(checkpoint: Path) -> dict[str, TensorLocation]:
    """Return the tensors of a weight file, or of a folder with a checkpoint, by name.

    Raises:
        ConversionError: there are none, or a file is missing, damaged or more than weights.
    """
    found: dict[str, TensorLocation] = {}
    for file in _weight_files(checkpoint):
        for name, tensor in _list(file):
            if name in found:
                raise ConversionError(
                    f"{name} is in both {found[name].file} and {file}. Give the one of "
                    "these files that is to be converted."
                )
            found[name] = tensor
    return found


def _weight_files(checkpoint: Path) -> list[Path]:
    if checkpoint.is_file():
        return [checkpoint]
    files = [checkpoint / name for name in WHOLE_FILES if (checkpoint / name).is_file()][:1]
    for name in INDEXES:
        if (checkpoint / name).is_file():
            files = [checkpoint / shard for shard in _shards(checkpoint / name)]
            break
    if not files:
        files = [path for path in sorted(checkpoint.iterdir()) if path.suffix in TORCH_SUFFIXES]
    if not files:
        raise ConversionError(
            f"{checkpoint} has no weights: neither {WHOLE_FILES[0]} nor {WHOLE_FILES[1]}, whole or "
            "in shards. Download the model again."
        )
    for file in files:
        if not file.is_file():
            raise ConversionError(f"There is no {file}. Download the model again.")
    return files


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(f"{index} is damaged. Download the model again.") from error


def _list(file: Path) -> Iterator[tuple[str, TensorLocation]]:
    if file.suffix == ".safetensors":
        with _open_safetensors(file) as opened:
            names = list(opened.keys())
    elif file.suffix in TORCH_SUFFIXES:
        names = list(_torch_tensors(file))
    else:
        raise ConversionError(f"{file} is no weight file: .safetensors, .bin, .pth or .pt.")
    for name in names:
        yield name, TensorLocation(file, name)


def _open_safetensors(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt")
    except (OSError, SafetensorError) as error:
        raise _damage(file) from error


@lru_cache(maxsize=2)
def _torch_tensors(file: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a file of torch; the two last files stay open."""
    try:
        content: Any = _load(file)
    except pickle.UnpicklingError as error:
        raise ConversionError(
            f"{file} holds more than weights, and is not opened: it could run programs. Use "
            "a version of this model with .safetensors weights."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _damage(file) from error
    for container in _CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(container), dict):
            content = content[container]
    if not isinstance(content, dict):
        raise ConversionError(f"{file} holds no weights by name.")
    return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def _load(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # the format of torch before 1.6 cannot be mapped
        return torch.load(file, map_location="cpu", weights_only=True)


def _damage(file: Path) -> ConversionError:
    return ConversionError(f"{file} is damaged or cut off. Download it again.")
