"""What is declared of a system whose weights can be converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vlm_demo.conversion.key_map import Fusion, Rename
from vlm_demo.conversion.tensors import TensorLocation

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceCheckpoint:
    """One of the checkpoints that a conversion puts together."""

    path: Path  # of its folder, or of its only file
    config: Json  # content of its config.json; {}: it has none
    tensors: Mapping[str, TensorLocation]


@dataclass(frozen=True, slots=True)
class SourceCheckpoints:
    """The checkpoints that a conversion puts together."""

    source: SourceCheckpoint
    base: SourceCheckpoint | None
    vision: SourceCheckpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system whose published weights become a folder of classes that run here.

    Names of tensors are those of the converted model's `state_dict`, in the installed transformers.
    """

    name: str
    """The name of the system's file."""

    title: str
    """The name that people know it by."""

    families: tuple[str, ...]
    """Names of the families that can ask the converted model; the first one unless another is
    named."""

    checkpoints: tuple[str, ...]
    """Ids on the Hugging Face Hub; the first one stands for folders that are not named so."""

    is_source: Callable[[Json, Mapping[str, TensorLocation]], bool]
    """Whether a checkpoint, given by its config.json ({}: none) and its tensors, is one of it."""

    renames: Sequence[Rename]
    """Rules for the tensors of the published checkpoint."""

    base_renames: Sequence[Rename] = ()
    """Rules for the tensors of `--base`; (): the system has none."""

    base: str = ""
    """What `--base` must be, in words; "": there is none."""

    differences: tuple[str, ...] = ()
    """Checkpoints among these that are differences, to be added to the base."""

    vision_renames: Sequence[Rename] = ()
    """Rules for the tensors of `--vision-tower`; (): the weights hold it."""

    vision: str = ""
    """What `--vision-tower` must be, in words; "": there is none."""

    fusions: Sequence[Fusion] = ()
    """Rules for tensors, of any part, that become one."""

    build_config: Callable[[SourceCheckpoints, int, int], Any]
    """Builds the configuration from the parts, the size of the vocabulary and the image token."""

    make_tensors: Callable[[Any], Mapping[str, Tensor]] = field(default=lambda _: {})
    """Makes the tensors that the published weights have no counterpart of, from the config."""

    saved_renames: Sequence[Rename] = ()
    """Rules from names in the `state_dict` to those in the files; (): they are the same."""

    image_token: str
    """The token that stands for the picture in a prompt; it is added where it is missing."""

    build_processor: Callable[[Any], Json]
    """Builds the content of processor_config.json from the configuration."""

    build_image_processor: Callable[[Any], Json]
    """Builds the content of preprocessor_config.json, where no part has one."""
