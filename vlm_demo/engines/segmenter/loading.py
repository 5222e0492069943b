"""Loads SAM 1 and SAM 2 from the folder of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import Sam2Model, SamModel

from vlm_demo.engines.base import OnProgress
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.fetching import fetch
from vlm_demo.engines.local.checkpoints.folders import read_json
from vlm_demo.engines.local.checkpoints.loading import (
    BUILDING,
    check_complete,
    check_weight_files,
    explain_load_failure,
    too_large_error,
)
from vlm_demo.engines.local.checkpoints.loading_progress import LoadingProgress
from vlm_demo.engines.local.checkpoints.memory import SPARE_BYTES, free_on_device, total_memory
from vlm_demo.engines.local.checkpoints.placement import pick_device
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.errors import LoadError

MODEL_CLASSES: Mapping[str, Any] = {
    "sam": SamModel,
    "sam2": Sam2Model,
    "sam2_video": Sam2Model,  # as the published checkpoints of SAM 2 call it
}
"""The classes of models that outline things, by `model_type`."""


def load_segmenter(options: LoadOptions, on_progress: OnProgress) -> Any:
    """Load a checkpoint, fetching it first if it is not on disk; nothing of it is run.

    Raises:
        LoadError: it cannot be fetched or loaded, or is no model of this kind.
        OutOfMemoryError: it does not fit into memory.
    """
    memory = total_memory(options.device)
    folder = fetch(options.checkpoint, options.revision, on_progress, memory=memory)
    model_class = _find_class(folder)
    check_weight_files(folder)
    weights = read_weights(folder)
    device = pick_device(options.device)
    needed = weights.memory_bytes(torch.float32.itemsize)
    if needed > max(free_on_device(device)) - SPARE_BYTES:
        raise too_large_error(needed, device)
    progress = LoadingProgress(weights, on_progress)
    progress.begin()
    try:
        with BUILDING, progress.watch():
            model, report = model_class.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, dtype=torch.float32
            )
        check_complete(folder, report)
        model = model.to(device).eval()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise too_large_error(needed, device) from error
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise explain_load_failure(folder, weights, device, error) from error
    progress.end()
    return model


def _find_class(folder: Path) -> Any:
    kind = str(read_json(folder / "config.json").get("model_type"))
    if kind not in MODEL_CLASSES:
        raise LoadError(
            "{folder} contains no segmentation model (its model_type is {kind}). Known: {known}.",
            folder=folder,
            kind=kind,
            known=", ".join(MODEL_CLASSES),
        )
    return MODEL_CLASSES[kind]
