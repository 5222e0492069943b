"""Writes converted tensors into shards, so that only a few are in memory at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from vlm_demo.engines import OnProgress, Progress
from vlm_demo.errors import ConversionError
from vlm_demo.units import format_bytes

SHARD_BYTES = 2 << 30
"""Size in bytes beyond which a shard takes no further tensor."""

SPARE_SHARE = 1.02
"""Room on the disk that is asked for, as a multiple of the weights: the rest is small files."""

Shape = tuple[int, ...]
Reader = Callable[[], Tensor]


def check_disk(folder: Path, size: int) -> None:
    """Refuse to write some bytes of weights into a folder whose disk has no room for them.

    Raises:
        ConversionError: it has not.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    needed = round(size * SPARE_SHARE)
    if needed > free:
        raise ConversionError(
            f"The converted weights take {format_bytes(needed)}, and {format_bytes(free)} are free "
            f"in {existing}. Free some, or choose a folder on another disk."
        )


def write_shards(
    folder: Path,
    readers: Mapping[str, Reader],
    shapes: Mapping[str, Shape],
    dtype: torch.dtype,
    names_in_files: Mapping[str, str],
    on_progress: OnProgress,
) -> None:
    """Write tensors into as many .safetensors files as they need, and the index of the files.

    Args:
        folder: to write into.
        readers: a function for each tensor that reads it, by name.
        shapes: of the tensors; embeddings with fewer rows are filled up with their mean row.
        dtype: of all tensors.
        names_in_files: of the tensors, by their other names.
        on_progress: called with the bytes that are written.

    Raises:
        ConversionError: a tensor has another shape.
    """
    groups = list(_group(shapes, dtype))
    total, done = count_bytes(shapes, dtype), 0
    weight_map: dict[str, str] = {}
    for number, names in enumerate(groups, 1):
        file = f"model-{number:05}-of-{len(groups):05}.safetensors"
        if len(groups) == 1:
            file = "model.safetensors"
        tensors: dict[str, Tensor] = {}
        for name in names:
            on_progress(Progress("converting", done, total, "bytes"))
            tensor = _fit(name, readers[name](), shapes[name]).to(dtype).contiguous()
            tensors[names_in_files[name]] = tensor
            done += tensor.nbytes
        save_file(tensors, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, file)
    on_progress(Progress("converting", done, total, "bytes"))
    if len(groups) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def count_bytes(shapes: Mapping[str, Shape], dtype: torch.dtype) -> int:
    """Return how many bytes tensors of these shapes take."""
    return sum(_tensor_bytes(shape, dtype) for shape in shapes.values())


def _group(shapes: Mapping[str, Shape], dtype: torch.dtype) -> Iterator[Sequence[str]]:
    """Yield the names of the tensors of each shard, in the order of `shapes`."""
    names: list[str] = []
    size = 0
    for name, shape in shapes.items():
        if names and size + _tensor_bytes(shape, dtype) > SHARD_BYTES:
            yield names
            names, size = [], 0
        names.append(name)
        size += _tensor_bytes(shape, dtype)
    if names:
        yield names


def _tensor_bytes(shape: Shape, dtype: torch.dtype) -> int:
    return torch.Size(shape).numel() * dtype.itemsize


def _fit(name: str, tensor: Tensor, shape: Shape) -> Tensor:
    """Return a tensor of `shape`: itself, or with rows for tokens that were added."""
    stored = tuple(tensor.shape)
    if stored == shape:
        return tensor
    if len(shape) == 2 and stored[1:] == shape[1:] and stored[0] < shape[0]:
        mean = tensor.float().mean(0, keepdim=True).to(tensor.dtype)
        return torch.cat([tensor, mean.expand(shape[0] - stored[0], -1)])
    raise ConversionError(
        f"{name} has the shape {list(stored)} where {list(shape)} was expected: these weights do "
        "not belong to the config.json beside them."
    )
