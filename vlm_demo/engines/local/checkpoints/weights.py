"""What the headers of a checkpoint's weight files tell: no weight is read for it.

A .safetensors file begins with the length of its header, eight bytes, little-endian, and the header
as JSON: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm_demo.engines.base import Quantization
from vlm_demo.engines.local.checkpoints.fetching import read_json
from vlm_demo.errors import LoadError

LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""

QUANTISED_BITS: Mapping[Quantization, float] = {"8bit": 8, "4bit": 4.5}
"""Of each weight. With 4 bits, every 64 weights share a constant of 32 bits, half a bit each
(QLoRA, https://arxiv.org/abs/2305.14314, section 3)."""

QUANTISED_BLOCK = 64
"""Weights that share a constant; bitsandbytes computes with rows of whole blocks only."""

_WHOLE = frozenset(
    {
        *("embed_tokens", "embed_positions", "embeddings", "word_embeddings", "shared"),
        *("position_embedding", "position_embeddings", "relative_attention_bias"),
        *("wte", "wpe", "lm_head", "output"),
    }
)
"""Layers with tables in place of matrices, and the last one: bitsandbytes leaves them as they
are."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a checkpoint."""

    name: str
    file: str
    dtype: str  # as safetensors calls it: "F32", "BF16", "I64", ...
    shape: tuple[int, ...]
    stored_bytes: int

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def is_quantised(self) -> bool:
        """Whether bitsandbytes would quantise it: the weight of a linear layer."""
        *_, layer, kind = ("", "", *self.name.split("."))
        return len(self.shape) == 2 and kind == "weight" and layer not in _WHOLE

    def memory(self, number_bytes: int | None, quantization: Quantization) -> float:
        """Bytes that it takes once loaded.

        Args:
            number_bytes: of each number that is not quantised; None: as they are stored.
            quantization: of the linear layers.
        """
        if quantization != "none" and self.is_quantised:
            return self.numbers * QUANTISED_BITS[quantization] / 8
        if number_bytes is None or not self.dtype.startswith(("F", "BF")):
            return self.stored_bytes
        return self.numbers * number_bytes


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """All tensors of a checkpoint, by name."""

    tensors: Mapping[str, StoredTensor]

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that hold them."""
        return frozenset(tensor.file for tensor in self.tensors.values())

    @property
    def stored_bytes(self) -> int:
        """Size of all tensors on disk."""
        return sum(tensor.stored_bytes for tensor in self.tensors.values())

    @property
    def main_dtype(self) -> str:
        """The format of most of their bytes, as safetensors calls it."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors.values():
            sizes[tensor.dtype] += tensor.stored_bytes
        return max(sizes, key=sizes.__getitem__, default="")

    @property
    def can_be_4bit(self) -> bool:
        """Whether the rows of all linear layers are whole blocks."""
        rows = (tensor.shape[1] for tensor in self.tensors.values() if tensor.is_quantised)
        return all(length % QUANTISED_BLOCK == 0 for length in rows)

    def memory(self, number_bytes: int | None, quantization: Quantization = "none") -> int:
        """Bytes that they take once loaded; the arguments are those of `StoredTensor.memory`."""
        tensors = self.tensors.values()
        return round(sum(tensor.memory(number_bytes, quantization) for tensor in tensors))


def read_weights(folder: Path) -> StoredWeights:
    """Read the headers of the weight files that transformers would load.

    Raises:
        LoadError: a file is missing, damaged or cut off.
    """
    tensors = (tensor for name in _files(folder) for tensor in _header(folder / name))
    return StoredWeights({tensor.name: tensor for tensor in tensors})


def _files(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return sorted(set(read_json(index).get("weight_map", {}).values()))
    return ["model.safetensors"]


def _header(path: Path) -> list[StoredTensor]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: Any = json.loads(file.read(length)) if length <= LONGEST_HEADER else None
            tensors = [
                StoredTensor(name, path.name, entry["dtype"], tuple(entry["shape"]), end - start)
                for name, entry in header.items()
                if name != "__metadata__"
                for start, end in [entry["data_offsets"]]
            ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LoadError(
            f"The weights in {path.parent} are damaged or cut off. Please fetch or save them again."
        ) from error
    return tensors
