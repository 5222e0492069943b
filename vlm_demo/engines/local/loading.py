"""Loads a checkpoint's folder into memory, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import SafetensorError
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForImageTextToText,
    BitsAndBytesConfig,
)
from transformers.utils import logging

from vlm_demo.engines.base import Dtype, OnProgress, Progress, Quantization
from vlm_demo.engines.local.fetching import missing_weights, read_json
from vlm_demo.engines.local.processors import load_processor
from vlm_demo.errors import EngineError, LoadError, OutOfMemoryError
from vlm_demo.settings import Device

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

OWN_CODE = (
    "This model brings its own program code, which is not run. If you have read it and trust it, "
    "set trust_remote_code and a pinned revision in the menu; otherwise choose another model."
)

SPARE_BYTES = 500_000_000
"""Memory that is left to the rest of the program."""

logging.set_verbosity_error()  # type: ignore[no-untyped-call]
logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load(
    folder: Path,
    *,
    dtype: Dtype,
    quantization: Quantization,
    trust_remote_code: bool,
    device: Device,
    on_progress: OnProgress,
) -> tuple[Any, Any]:
    """Return the processor and the model of a folder; nothing is looked up elsewhere.

    Raises:
        LoadError: the folder is not a complete, known vision-language model.
        OutOfMemoryError: it does not fit into memory.
    """
    _check_files(folder)
    require_known(read_json(folder / "config.json"), trust_remote_code=trust_remote_code)
    target = _device(device)
    try:
        on_progress(Progress("loading", 0, 2, "steps"))
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        processor = load_processor(folder, trust_remote_code=trust_remote_code)
        on_progress(Progress("loading", 1, 2, "steps"))
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            **_placement(folder, config, dtype, quantization, target),
        )
    except EngineError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(_too_little_memory(folder, target)) from error
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
        raise _explained(folder, target, error) from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise LoadError(
            f"The weights in {folder} are incomplete: {len(missing)} are missing, {missing[0]} for "
            "one. Please fetch or save the model again."
        )
    on_progress(Progress("loading", 2, 2, "steps"))
    return processor, model.eval()


def _check_files(folder: Path) -> None:
    """Refuse folders whose files are not all there."""
    read_json(folder / "config.json")
    missing = missing_weights(folder)
    if not missing:
        return
    if any(folder.glob("*.bin")):
        raise LoadError(
            f"The weights in {folder} are in the old .bin form, which can hold programs. Please "
            "use a version of this model with .safetensors weights."
        )
    raise LoadError(
        f"{folder} has no {missing[0]}: its weights are missing. Please fetch or save the model "
        "again."
    )


def require_known(config: Mapping[str, Any], *, trust_remote_code: bool) -> None:
    """Refuse the config.json of a model that cannot be run here, before its weights are there.

    Raises:
        LoadError: transformers does not know it, or it cannot see.
    """
    kind, brings_code = str(config.get("model_type")), "auto_map" in config
    if kind not in CONFIG_MAPPING:
        if not brings_code:
            raise LoadError(
                f"The installed transformers does not know this kind of model ({kind}). Please "
                "choose another model, or update transformers."
            )
        if not trust_remote_code:
            raise LoadError(OWN_CODE)
    elif CONFIG_MAPPING[kind] not in AutoModelForImageTextToText._model_mapping:
        raise LoadError(
            f"This is a {kind} model, which takes no pictures. Please choose a vision-language "
            "model."
        )


def _device(wanted: Device) -> str:
    """Return the device to use: the one that was asked for, or the fastest that is there."""
    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here.insert(0, "cuda")
    if wanted != "auto" and wanted not in here:
        raise LoadError(
            f"There is no {wanted} device that this program can use. Please choose another one; "
            f"here there are: {', '.join(here)}."
        )
    return here[0] if wanted == "auto" else wanted


def _placement(
    folder: Path, config: Any, dtype: Dtype, quantization: Quantization, device: str
) -> dict[str, Any]:
    """Choose number format and place of the weights."""
    options: dict[str, Any] = {"device_map": "auto" if device == "cuda" else {"": device}}
    if quantization == "none":
        options["dtype"] = DTYPES.get(dtype) or _own_dtype(folder, config, device)
        return options
    compute = DTYPES.get(dtype, torch.float32 if device == "cpu" else torch.bfloat16)
    options["dtype"] = compute
    bits: dict[str, Any] = (
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": compute}
        if quantization == "4bit"
        else {"load_in_8bit": True}
    )
    options["quantization_config"] = BitsAndBytesConfig(**bits)  # type: ignore[no-untyped-call]
    return options


def _own_dtype(folder: Path, config: Any, device: str) -> torch.dtype | str:
    """Return the checkpoint's own number format, or what suits a CPU.

    CPUs compute half precision slowly or not at all, so there it is widened where memory allows;
    float16 always, as its CPU kernels are the poorest.

    Raises:
        OutOfMemoryError: the weights are larger than the memory that is free.
    """
    if device != "cpu":
        return "auto"
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    free = psutil.virtual_memory().available - SPARE_BYTES
    own: torch.dtype | None = config.dtype
    is_half = own in (torch.float16, torch.bfloat16)
    widened = size * 2 if is_half else size
    if widened <= free:
        return torch.float32 if is_half or own is None else "auto"
    if size > free or own is not torch.bfloat16:
        raise OutOfMemoryError(_too_little_memory(folder, device))
    return torch.bfloat16


def _too_little_memory(folder: Path, device: str) -> str:
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e9
    where = "the GPU's memory" if device == "cuda" else "the memory that is free"
    return (
        f"This model ({size:.1f} GB of weights) does not fit into {where}. Please close other "
        'programs, choose a smaller model, or set quantization = "4bit" in the menu.'
    )


def _explained(folder: Path, device: str, error: Exception) -> EngineError:
    """Say what went wrong, and what to do."""
    text = " ".join(str(error).split())
    if isinstance(error, SafetensorError):
        what = f"The weights in {folder} are damaged or cut off. Please fetch or save them again."
    elif "can't allocate memory" in text:
        return OutOfMemoryError(_too_little_memory(folder, device))
    elif "contains custom code" in text or "trust_remote_code" in text:
        what = OWN_CODE
    elif "ignore_mismatched_sizes" in text:
        what = f"The weights in {folder} do not fit its config.json. Please fetch the model again."
    elif "orchvision" in text or "load any image processor class" in text:
        what = (
            f"The model in {folder} prepares its pictures with torchvision, which is not "
            "installed. Please install the version that goes with your torch "
            "(pip install torchvision) and start again."
        )
    elif isinstance(error, ImportError):
        what = f"The model in {folder} needs a library that is not installed: {text}"
    else:
        what = f"The model in {folder} could not be loaded: {text}"
    return LoadError(what)
