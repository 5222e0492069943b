"""Loads the folder of a checkpoint into memory, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig

from vlm_demo.engines.base import OnProgress
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.adapters import merge_adapter
from vlm_demo.engines.local.checkpoints.architecture import find_architecture
from vlm_demo.engines.local.checkpoints.attention import attention_options
from vlm_demo.engines.local.checkpoints.fetching import check_processor, fetch_adapter
from vlm_demo.engines.local.checkpoints.folders import missing_weights, read_json
from vlm_demo.engines.local.checkpoints.loading_progress import LoadingProgress
from vlm_demo.engines.local.checkpoints.memory import SPARE_BYTES, free_on_device
from vlm_demo.engines.local.checkpoints.own_code import load_own_class, own_code_errors
from vlm_demo.engines.local.checkpoints.placement import pick_device, pick_device_map, pick_dtype
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.engines.local.checkpoints.runnable import OWN_CODE, check_trust
from vlm_demo.engines.local.checkpoints.vision_tower import drop_unread_layers
from vlm_demo.engines.local.checkpoints.weights import StoredWeights, read_weights
from vlm_demo.engines.local.torchvision_check import REMEDY, torchvision_problem
from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.errors import EngineError, LoadError, OutOfMemoryError
from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.units import format_bytes

BUILDING = Lock()
"""Held while transformers builds a model: it replaces functions of its own and of torch meanwhile,
and two threads that do so at once can leave them replaced."""


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A checkpoint in memory."""

    processor: Any
    model: Any
    architecture: Architecture


def load(
    folder: Path, options: LoadOptions, on_progress: OnProgress, *, whole: bool = False
) -> LoadedCheckpoint:
    """Load the processor and the model of a folder; nothing is looked up elsewhere.

    Args:
        folder: of the checkpoint.
        options: how it is loaded, and which adapter is merged into it.
        on_progress: is told how far it has come.
        whole: whether layers whose output is never read are loaded, too; without them, the model
            cannot be saved.

    Raises:
        LoadError: the folder is not a complete, known vision-language model.
        OutOfMemoryError: it does not fit into memory.
    """
    stored = read_json(folder / "config.json")
    brings_code = check_trust(folder, stored, options)
    _check_files(folder)
    target = pick_device(options.device)
    weights = read_weights(folder)
    progress = LoadingProgress(weights, on_progress)
    try:
        progress.begin()
        with own_code_errors(folder, stored) if brings_code else nullcontext():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=brings_code)
            model_class = (
                load_own_class(folder, stored) if brings_code else AutoModelForImageTextToText
            )
            processor = load_processor(folder, trust_remote_code=brings_code)
            arguments = _loading_arguments(weights, config.dtype, options, target)
            # Nothing is known of how a class of the checkpoint's own computes.
            architecture = (
                ONE_AT_A_TIME
                if brings_code
                else find_architecture(config.model_type, options.architectures)
            )
            arguments |= attention_options(
                architecture, target, arguments["dtype"], options.number_format
            )
            with BUILDING, progress.watch():
                loaded: Any = model_class.from_pretrained(
                    folder,
                    config=config,
                    use_safetensors=True,
                    trust_remote_code=brings_code,
                    output_loading_info=True,
                    **arguments,
                )
    except EngineError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise too_large_error(weights.disk_bytes, target) from error
    except (
        OSError,
        ValueError,
        ImportError,
        RuntimeError,
        AssertionError,
        KeyError,
        TypeError,
        AttributeError,
        SafetensorError,
    ) as error:
        raise explain_load_failure(folder, weights, target, error) from error
    model, report = loaded
    check_complete(folder, report)
    _check_placement(model, weights)
    if options.adapter:
        merge_adapter(model, fetch_adapter(options.adapter))
    if not whole:
        drop_unread_layers(model)
    progress.end()
    return LoadedCheckpoint(processor, model.eval(), architecture)


def check_complete(folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse weights that are not all of a model's; `report` is what transformers says of them.

    Raises:
        LoadError: some are missing.
    """
    if missing := sorted(report["missing_keys"]):
        raise LoadError(
            "The weights in {folder} are incomplete: {count} are missing, such as {missing}. "
            "Download or save the model again.",
            folder=folder,
            count=len(missing),
            missing=missing[0],
        )


def _check_files(folder: Path) -> None:
    """Refuse a folder whose files are not all there."""
    check_weight_files(folder)
    if "auto_map" not in read_json(folder / "config.json"):
        # Its own code may prepare pictures by itself.
        check_processor(str(folder), [path.name for path in folder.iterdir()])


def check_weight_files(folder: Path) -> None:
    """Refuse a folder whose weights are not all there, or may hold programs.

    Raises:
        LoadError: it is no complete folder of a model.
    """
    read_json(folder / "config.json")
    missing = missing_weights(folder)
    if not missing:
        return
    if any(folder.glob("*.bin")):
        raise LoadError(
            "The weights in {folder} are in the old .bin format, which can contain code. Use a "
            "version of this model with .safetensors weights.",
            folder=folder,
        )
    raise LoadError(
        "{folder} has no {missing}: its weights are missing. Download or save the model again.",
        folder=folder,
        missing=missing[0],
    )


def _loading_arguments(
    weights: StoredWeights, own: torch.dtype | None, options: LoadOptions, device: str
) -> dict[str, Any]:
    """Choose the number format and the place of the weights.

    Raises:
        OutOfMemoryError: they are larger than the memory that is free.
    """
    number_format = options.number_format
    free = [gap - SPARE_BYTES for gap in free_on_device(device)]
    dtype = pick_dtype(
        weights, own, number_format, options.compute_format, device=device, free=sum(free)
    )
    needed = weights.memory_bytes(dtype.itemsize if dtype else None, number_format)
    if needed > sum(gap for gap in free if gap > 0):
        raise too_large_error(needed, device)
    arguments = {**pick_device_map(device, needed, free), "dtype": dtype or "auto"}
    if not number_format.is_quantized:
        return arguments
    bits: dict[str, Any] = (
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
        if number_format is NumberFormat.FOUR_BIT
        else {"load_in_8bit": True}
    )
    arguments["quantization_config"] = BitsAndBytesConfig(**bits)  # type: ignore[no-untyped-call]
    return arguments


def _check_placement(model: Any, weights: StoredWeights) -> None:
    """Refuse a model of which several GPUs together could not take every layer."""
    places = getattr(model, "hf_device_map", {}).values()
    if len(set(places)) > 1 and not {"cpu", "disk"}.isdisjoint(places):
        raise too_large_error(weights.disk_bytes, "cuda")


_EXCEEDS_GPU = message(
    "This model ({needed} of weights) does not fit into the free GPU memory ({free}). Close "
    "other programs, choose a smaller model, or load it in 4-bit."
)

_EXCEEDS_MEMORY = message(
    "This model ({needed} of weights) does not fit into the free memory ({free}). Close other "
    "programs, choose a smaller model, or load it in 4-bit."
)


def too_large_error(needed: int, device: str) -> OutOfMemoryError:
    """Return an error that says that some bytes of weights do not fit, and what to do."""
    free = sum(max(gap - SPARE_BYTES, 0) for gap in free_on_device(device))
    return OutOfMemoryError(
        _EXCEEDS_GPU if device == "cuda" else _EXCEEDS_MEMORY,
        needed=format_bytes(needed),
        free=format_bytes(free),
    )


def explain_load_failure(
    folder: Path, weights: StoredWeights, device: str, error: Exception
) -> EngineError:
    """Return an error that says what went wrong, and what to do."""
    reason = " ".join(str(error).split())
    problem = torchvision_problem()
    if isinstance(error, SafetensorError):
        template = message(
            "The weights in {folder} are damaged or cut off. Download or save them again."
        )
    elif "can't allocate memory" in reason:
        return too_large_error(weights.disk_bytes, device)
    elif "contains custom code" in reason or "trust_remote_code" in reason:
        template = OWN_CODE
    elif "ignore_mismatched_sizes" in reason:
        template = message(
            "The weights in {folder} do not fit its config.json. Download the model again."
        )
    elif "orchvision" in reason or "load any image processor class" in reason:
        template = message(
            "The model in {folder} preprocesses images with torchvision, which is not "
            "installed. {remedy}"
        )
        if problem:
            template = message(
                "The model in {folder} preprocesses images with torchvision, which cannot be "
                "imported ({problem}). {remedy}"
            )
    elif isinstance(error, ImportError):
        template = message("The model in {folder} needs a library that is not installed: {reason}")
    else:
        template = message("The model in {folder} could not be loaded: {reason}")
    remedy = TranslatableText(REMEDY)
    return LoadError(template, folder=folder, reason=reason, problem=problem, remedy=remedy)
