"""Converts the published weights of a system into a folder that the program loads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText

from vlm_demo.conversion.folders import (
    find_part,
    find_system,
    find_vision,
    load_tokenizer,
    write_small_files,
)
from vlm_demo.conversion.key_map import map_tensors, rename
from vlm_demo.conversion.system import SourceCheckpoint, SourceCheckpoints, System
from vlm_demo.conversion.writing import Reader, Shape, check_disk, count_bytes, write_shards
from vlm_demo.engines import OnProgress, ignore_progress
from vlm_demo.errors import ConversionError
from vlm_demo.files.atomic_file import atomic_folder

MAX_NAMED_TENSORS = 3
"""Most tensors that a message names."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What has come of a conversion."""

    folder: Path
    system: str  # title
    family: str  # name of the family that asks the model
    tensors: int  # how many there are in the folder
    weight_bytes: int
    left_out: int  # how many published tensors the model has no use for


def convert(
    source: str,
    target: Path,
    *,
    family: str = "",
    base: str = "",
    vision_tower: str = "",
    on_progress: OnProgress = ignore_progress,
) -> Conversion:
    """Convert a published checkpoint; the folder appears when it is complete.

    Weights are read and written a few at a time, so memory is needed for one shard, whatever the
    size of the model.

    Args:
        source: Hub id, folder or weight file of the published checkpoint.
        target: the folder to be made.
        family: that asks the model; "": it is found out.
        base: Hub id or folder of the language model, where the system wants one.
        vision_tower: Hub id, folder or file of the vision tower; "": what the checkpoint names.
        on_progress: called with the bytes that are fetched and converted.

    Raises:
        ConversionError: it is no system that can be converted, or its weights are incomplete,
            damaged or too large for the disk.
        LoadError: a checkpoint cannot be fetched.
        FileError: the folder is there already, or cannot be written.
    """
    with atomic_folder(target) as folder:
        published = find_part(source, on_progress)
        system = find_system(source, published, family)
        parts = _find_parts(system, source, published, base, vision_tower, on_progress)
        tokenizer, image_token = load_tokenizer(system, parts)
        readers, left_out = _map_parts(system, parts)
        rows = _count_rows(readers)
        config = system.build_config(parts, max(rows, image_token + 1, len(tokenizer)), image_token)
        readers |= {name: _constant(made) for name, made in system.make_tensors(config).items()}
        shapes, embeddings = _list_shapes(config)
        _check_names(system, readers, shapes)
        config.dtype = dtype = readers[embeddings]().dtype
        size = count_bytes(shapes, dtype)
        check_disk(folder, size)
        names = {name: rename(name, system.saved_renames) or name for name in shapes}
        write_shards(folder, readers, shapes, dtype, names, on_progress)
        asked_by = family if family in system.families else system.families[0]
        write_small_files(folder, system, asked_by, parts, config, tokenizer)
    return Conversion(target, system.title, asked_by, len(shapes), size, left_out)


def _find_parts(
    system: System,
    source: str,
    published: SourceCheckpoint,
    base: str,
    vision_tower: str,
    on_progress: OnProgress,
) -> SourceCheckpoints:
    """Find the checkpoints that the published one is put together with.

    Raises:
        ConversionError: one is missing, or not wanted.
    """
    names = {source, str(published.config.get("_name_or_path", "")), published.path.name}
    wants_base = bool(system.base) and (
        not system.differences
        or any(name in (one, Path(one).name) for one in system.differences for name in names)
    )
    if wants_base and not base:
        what = "are differences to a language model" if system.differences else "hold none"
        raise ConversionError(
            f"{system.title} needs a language model, since its published weights {what}: please "
            f"give {system.base} with --base."
        )
    if base and not system.base:
        raise ConversionError(f"{system.title} takes no --base: its weights are complete.")
    if vision_tower and not system.vision_renames:
        raise ConversionError(f"{system.title} takes no --vision-tower: its weights hold it.")
    vision = find_vision(system, published, vision_tower, on_progress)
    return SourceCheckpoints(published, find_part(base, on_progress) if base else None, vision)


def _map_parts(system: System, parts: SourceCheckpoints) -> tuple[dict[str, Reader], int]:
    """Return a reader for each tensor of the model, and how many tensors are left out.

    Raises:
        ConversionError: there are tensors that no rule knows.
    """
    mapped = map_tensors(parts.source.tensors, system.renames, system.fusions)
    readers, unknown = dict(mapped.tensors), list(mapped.unknown)
    if parts.base:
        base = map_tensors(parts.base.tensors, system.base_renames, system.fusions)
        unknown += base.unknown
        for name, reader in base.tensors.items():
            is_difference = system.differences and name in readers
            readers[name] = _sum(readers[name], reader) if is_difference else reader
    if parts.vision:
        vision = map_tensors(parts.vision.tensors, system.vision_renames, system.fusions)
        unknown += vision.unknown
        readers |= vision.tensors
    if unknown:
        raise ConversionError(
            f"{system.title} has no tensor called {_list_some(unknown)}. Give the published "
            "weights as they are, or name the right --family."
        )
    return readers, mapped.left_out


def _sum(difference: Reader, base: Reader) -> Reader:
    """Return a reader of the sum; the base may have fewer rows, for tokens that were added."""

    def read() -> Tensor:
        total, addend = difference().clone(), base()
        if total.dim() != addend.dim() or any(
            size < other for size, other in zip(total.shape, addend.shape, strict=True)
        ):
            raise ConversionError(
                "The differences do not fit the language model that was given with --base: one has "
                f"the shape {list(total.shape)}, the other {list(addend.shape)}."
            )
        total[tuple(slice(size) for size in addend.shape)] += addend.to(total.dtype)
        return total

    return read


def _constant(tensor: Tensor) -> Reader:
    return lambda: tensor


def _count_rows(readers: Mapping[str, Callable[[], Tensor]]) -> int:
    """Return how many tokens the embeddings of the weights have; 0: there are none."""
    names = [name for name in readers if name.endswith("embed_tokens.weight")]
    return int(readers[names[0]]().shape[0]) if names else 0


def _list_shapes(config: Any) -> tuple[dict[str, Shape], str]:
    """Return the shape of each tensor of the model, and the name of its input embeddings."""
    with torch.device("meta"):
        model: Any = AutoModelForImageTextToText.from_config(config)  # type: ignore[no-untyped-call]
    embeddings = model.get_input_embeddings().weight
    state = model.state_dict(keep_vars=True)
    name = next(name for name, tensor in state.items() if tensor is embeddings)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}, name


def _check_names(
    system: System, readers: Mapping[str, Reader], shapes: Mapping[str, Shape]
) -> None:
    """Refuse weights that are not exactly those of the model.

    Raises:
        ConversionError: some are missing, or left over.
    """
    if missing := [name for name in shapes if name not in readers]:
        raise ConversionError(
            f"The weights of {system.title} are incomplete: {_list_some(missing)} cannot be made "
            "of what was given. Download the published weights again."
        )
    if left_over := [name for name in readers if name not in shapes]:
        raise ConversionError(
            f"The weights of {system.title} do not fit its config.json: {_list_some(left_over)} "
            "would be left over."
        )


def _list_some(names: list[str]) -> str:
    more = len(names) - MAX_NAMED_TENSORS
    return ", ".join(names[:MAX_NAMED_TENSORS]) + (f" and {more} more" if more > 0 else "")
