"""Finds checkpoints that are on disk, and reads the JSON files in their folders."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from vlm_demo.errors import LoadError

PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
"""Files of a checkpoint that are used: weights that hold no code, and what the processor needs."""

ADAPTER_CONFIG = "adapter_config.json"
"""File in which PEFT says what an adapter is for."""

ADAPTER_WEIGHTS = "adapter_model.safetensors"
"""File in which PEFT saves the weights of an adapter."""

IMAGE_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
"""Files that say how pictures are prepared; a vision-language model has one of them at least."""

PROCESSOR_CLASS_FILES = (*IMAGE_PROCESSOR_FILES, "tokenizer_config.json")
"""Files that can name the class of the processor, the most reliable first."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_id(checkpoint: str) -> bool:
    """Whether a name has the form owner/name; a folder may have it too."""
    return bool(_HUB_ID.fullmatch(checkpoint)) and len(checkpoint) <= 96


def folder_on_disk(checkpoint: str, revision: str | None = None) -> Path | None:
    """Return a folder itself, or a Hub id's complete copy in the cache; uses no network."""
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_id(checkpoint):
        return None
    try:
        cached = snapshot_download(
            checkpoint, revision=revision, allow_patterns=PATTERNS, local_files_only=True
        )
    except (LocalEntryNotFoundError, OSError):
        return None
    return Path(cached) if _is_complete(Path(cached)) else None


def adapter_on_disk(adapter: str) -> Path | None:
    """Return the folder of an adapter, or a Hub id's copy in the cache; uses no network."""
    folder = Path(adapter).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_id(adapter):
        return None
    files = [ADAPTER_CONFIG, ADAPTER_WEIGHTS]
    try:
        cached = Path(snapshot_download(adapter, allow_patterns=files, local_files_only=True))
    except (LocalEntryNotFoundError, OSError):
        return None
    return cached if all((cached / name).is_file() for name in files) else None


def damaged_file_error(path: Path, problem: Exception) -> LoadError:
    """Return the error for a file of a checkpoint that cannot be read."""
    return LoadError(
        "{path} is damaged ({problem}). Download or save the model again.",
        path=path,
        problem=problem,
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a checkpoint.

    Raises:
        LoadError: the file is missing or damaged.
    """
    try:
        if not path.is_file():  # a device, to which a link may lead, is read for ever
            raise FileNotFoundError(path)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LoadError(
            "There is no {name} in {parent}: this is not the folder of a model.",
            name=path.name,
            parent=path.parent,
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise damaged_file_error(path, error) from error
    if not isinstance(content, dict):
        raise LoadError(
            "{path} is damaged: it contains no JSON object. Download it again.", path=path
        )
    return content


def missing_weights(folder: Path) -> list[str]:
    """Return the names of the weight files that are missing from a folder."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted(set(read_json(index).get("weight_map", {}).values()))
        return [shard for shard in shards if not (folder / shard).is_file()]
    return [] if any(folder.glob("*.safetensors")) else ["model.safetensors"]


def has_processor(names: Collection[str]) -> bool:
    """Whether files of these names say how pictures are prepared."""
    return not set(IMAGE_PROCESSOR_FILES).isdisjoint(names)


def _is_complete(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return "config.json" in names and has_processor(names) and not missing_weights(folder)
