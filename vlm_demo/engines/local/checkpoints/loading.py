"""Loads a checkpoint's folder into memory, or says what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from typing import Any

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
from vlm_demo.engines.local.checkpoints.fetching import missing_weights, read_json
from vlm_demo.engines.local.checkpoints.memory import SPARE_BYTES, free_on_device
from vlm_demo.engines.local.checkpoints.placement import pick_device, pick_device_map, pick_dtype
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.engines.local.checkpoints.weights import StoredWeights, read_weights
from vlm_demo.engines.local.decoding.acceleration import attention
from vlm_demo.engines.local.decoding.vision_towers import drop_unread_layers
from vlm_demo.errors import EngineError, LoadError, OutOfMemoryError
from vlm_demo.settings import Device
from vlm_demo.units import format_bytes

OWN_CODE = (
    "This model brings its own program code, which is not run. If you have read it and trust it, "
    "set trust_remote_code and a pinned revision in the menu; otherwise choose another model."
)

logging.set_verbosity_error()  # type: ignore[no-untyped-call]
logging.disable_progress_bar()  # type: ignore[no-untyped-call]

_building = Lock()
"""transformers exchanges functions of its own and of torch while it builds a model: two threads
that do so at once can leave them exchanged."""

_listening = local()
"""`listener`, where this thread is loading a model: called with the names of tensors, as they come
in."""


def _bar(make: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Stand between transformers and its progress bars, and listen to the one for weights."""
    listener = getattr(_listening, "listener", None)
    if listener is None or options.get("desc") != "Loading weights":
        return make(*args, **options)
    return _heard(args[0], listener)


def _heard(conversions: Iterable[Any], listener: Callable[[Iterable[str]], None]) -> Iterator[Any]:
    """Pass on what transformers loads one by one: a name, and the tensors that it is made from."""
    for name, conversion in conversions:
        sources = tuple(conversion.collected_tensors)  # it lets go of them meanwhile
        yield name, conversion
        listener(sources)


logging.set_tqdm_hook(_bar)


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
    target = pick_device(device)
    weights = read_weights(folder)
    arrival = _Arrival(weights, on_progress)
    try:
        arrival.begin()
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        options = _options(weights, config.dtype, dtype, quantization, target)
        options |= attention(config.model_type, target, options["dtype"], quantization)
        processor = load_processor(folder, trust_remote_code=trust_remote_code)
        with _building, arrival.listening():
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=trust_remote_code,
                output_loading_info=True,
                **options,
            )
    except EngineError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _too_large(weights.stored_bytes, target) from error
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
        raise _explained(folder, weights, target, error) from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise LoadError(
            f"The weights in {folder} are incomplete: {len(missing)} are missing, {missing[0]} for "
            "one. Please fetch or save the model again."
        )
    _check_place(model, weights)
    drop_unread_layers(model)
    arrival.end()
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


class _Arrival:
    """Tells how many bytes of the weights have been loaded, and how many of their files."""

    def __init__(self, weights: StoredWeights, on_progress: OnProgress) -> None:
        self._weights = weights
        self._on_progress = on_progress
        self._missing = Counter(tensor.file for tensor in weights.tensors.values())
        self._loaded: set[str] = set()
        self._done = 0

    def begin(self) -> None:
        self._tell(0)

    def end(self) -> None:
        self._missing.clear()
        self._tell(self._weights.stored_bytes)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of what this thread loads."""
        _listening.listener = self._take
        try:
            yield
        finally:
            _listening.listener = None

    def _take(self, names: Iterable[str]) -> None:
        """Count tensors that were loaded.

        What is made from many, such as the experts of a layer, has no names here: it is counted
        at the end.
        """
        for name in names:
            if name in self._weights.tensors and name not in self._loaded:
                self._loaded.add(name)
                tensor = self._weights.tensors[name]
                self._missing[tensor.file] -= 1
                self._done += tensor.stored_bytes
        self._tell(self._done)

    def _tell(self, done: int) -> None:
        files = len(self._weights.files)
        whole = files - sum(missing > 0 for missing in self._missing.values())
        self._on_progress(
            Progress("loading", done, self._weights.stored_bytes, "bytes", shards=(whole, files))
        )


def _options(
    weights: StoredWeights,
    own: torch.dtype | None,
    dtype: Dtype,
    quantization: Quantization,
    device: str,
) -> dict[str, Any]:
    """Choose number format and place of the weights.

    Raises:
        OutOfMemoryError: they are larger than the memory that is free.
    """
    free = [gap - SPARE_BYTES for gap in free_on_device(device)]
    chosen = pick_dtype(weights, own, dtype, quantization, device=device, free=sum(free))
    needed = weights.memory(chosen.itemsize if chosen else None, quantization)
    if needed > sum(gap for gap in free if gap > 0):
        raise _too_large(needed, device)
    options = {**pick_device_map(device, needed, free), "dtype": chosen or "auto"}
    if quantization == "none":
        return options
    bits: dict[str, Any] = (
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": chosen}
        if quantization == "4bit"
        else {"load_in_8bit": True}
    )
    options["quantization_config"] = BitsAndBytesConfig(**bits)  # type: ignore[no-untyped-call]
    return options


def _check_place(model: Any, weights: StoredWeights) -> None:
    """Refuse a model of which several GPUs together could not take every layer."""
    places = getattr(model, "hf_device_map", {}).values()
    if len(set(places)) > 1 and not {"cpu", "disk"}.isdisjoint(places):
        raise _too_large(weights.stored_bytes, "cuda")


def _too_large(needed: int, device: str) -> OutOfMemoryError:
    where = "the GPU's memory" if device == "cuda" else "the memory that is free"
    free = sum(max(gap - SPARE_BYTES, 0) for gap in free_on_device(device))
    return OutOfMemoryError(
        f"This model ({format_bytes(needed)} of weights) does not fit into {where} ({format_bytes(free)}). "
        "Please close other programs, choose a smaller model, or load it in 4-bit."
    )


def _explained(folder: Path, weights: StoredWeights, device: str, error: Exception) -> EngineError:
    """Say what went wrong, and what to do."""
    text = " ".join(str(error).split())
    if isinstance(error, SafetensorError):
        what = f"The weights in {folder} are damaged or cut off. Please fetch or save them again."
    elif "can't allocate memory" in text:
        return _too_large(weights.stored_bytes, device)
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
