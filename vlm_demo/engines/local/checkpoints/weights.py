"""Reads the headers of a checkpoint's weight files, without reading any weight.

A .safetensors file starts with the length of its header, eight bytes, little-endian, and the header
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

from vlm_demo.engines.local.checkpoints.folders import read_json
from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.errors import LoadError

MAX_HEADER_BYTES = 100_000_000
"""Size of the largest header that the format allows."""

QUANTIZATION_BLOCK = 64
"""Number of 4-bit weights that share a constant; bitsandbytes needs rows of whole blocks."""

_UNQUANTIZED_LAYERS = frozenset(
    {
        *("embed_tokens", "embed_positions", "embeddings", "word_embeddings", "shared"),
        *("position_embedding", "position_embeddings", "relative_attention_bias"),
        *("wte", "wpe", "lm_head", "output"),
    }
)
"""Names of layers that bitsandbytes does not quantize: embeddings, and the last layer."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a checkpoint."""

    name: str
    file: str
    dtype: str  # as safetensors calls it: "F32", "BF16", "I64", ...
    shape: tuple[int, ...]
    disk_bytes: int

    @property
    def element_count(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)

    @property
    def is_quantizable(self) -> bool:
        """Whether bitsandbytes would quantize it, as the weight of a linear layer."""
        *_, layer, kind = ("", "", *self.name.split("."))
        return len(self.shape) == 2 and kind == "weight" and layer not in _UNQUANTIZED_LAYERS

    def memory_bytes(self, element_bytes: int | None, number_format: NumberFormat) -> float:
        """Return the bytes that it takes once loaded.

        Args:
            element_bytes: of each element that is not quantized; None: as stored.
            number_format: that the weights are loaded in.
        """
        if number_format.is_quantized and self.is_quantizable:
            return self.element_count * number_format.bits / 8
        if element_bytes is None or not self.dtype.startswith(("F", "BF")):
            return self.disk_bytes
        return self.element_count * element_bytes


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """The tensors of a checkpoint, by name."""

    tensors: Mapping[str, StoredTensor]

    @property
    def files(self) -> frozenset[str]:
        """Names of the files that hold them."""
        return frozenset(tensor.file for tensor in self.tensors.values())

    @property
    def disk_bytes(self) -> int:
        """Size of all tensors on disk."""
        return sum(tensor.disk_bytes for tensor in self.tensors.values())

    @property
    def main_dtype(self) -> str:
        """The number format of most of their bytes, as safetensors calls it."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors.values():
            sizes[tensor.dtype] += tensor.disk_bytes
        return max(sizes, key=sizes.__getitem__, default="")

    @property
    def can_be_4bit(self) -> bool:
        """Whether the rows of all linear layers are whole blocks."""
        rows = (tensor.shape[1] for tensor in self.tensors.values() if tensor.is_quantizable)
        return all(length % QUANTIZATION_BLOCK == 0 for length in rows)

    def memory_bytes(
        self, element_bytes: int | None, number_format: NumberFormat = NumberFormat.AUTO
    ) -> int:
        """Return the bytes that they take once loaded; see `StoredTensor.memory_bytes`."""
        tensors = self.tensors.values()
        return round(sum(tensor.memory_bytes(element_bytes, number_format) for tensor in tensors))


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
            header: Any = json.loads(file.read(length)) if length <= MAX_HEADER_BYTES else None
            tensors = [
                StoredTensor(name, path.name, entry["dtype"], tuple(entry["shape"]), end - start)
                for name, entry in header.items()
                if name != "__metadata__"
                for start, end in [entry["data_offsets"]]
            ]
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as error:
        raise LoadError(
            "The weights in {parent} are damaged or cut off. Download or save them again.",
            parent=path.parent,
        ) from error
    return tensors
