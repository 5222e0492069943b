"""Fetches checkpoints from the Hugging Face Hub.

The Hub's own client retries for minutes before it reports that it is offline. So a connection is
tried first, and the repository's metadata is requested before any file.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx2  # the Hub client's own: it lets these errors through
from huggingface_hub import HfApi, ModelInfo, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from vlm_demo.engines.base import OnProgress, Progress, ignore_progress
from vlm_demo.engines.hub_connection import can_connect
from vlm_demo.engines.local.checkpoints.code_files import CODE_PATTERN, code_files, code_revision
from vlm_demo.engines.local.checkpoints.download_progress import progress_bar_class
from vlm_demo.engines.local.checkpoints.fetch_failures import (
    ANSWER_TIMEOUT_S,
    explain_fetch_failure,
)
from vlm_demo.engines.local.checkpoints.folders import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    PATTERNS,
    adapter_on_disk,
    folder_on_disk,
    has_processor,
    is_hub_id,
    read_json,
)
from vlm_demo.errors import LoadError, OutOfMemoryError
from vlm_demo.units import format_bytes

UNSAFE_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt")
"""Suffixes of weight files that can hold programs."""

LEAST_BITS = 4
"""Bits of a weight in the smallest number format in which models are loaded here."""

STORED_BITS = 32
"""Bits of a weight on the Hub, at most, where the Hub does not say how many weights there are."""

_FETCH_ERRORS = (httpx2.HTTPError, LocalEntryNotFoundError, OSError)
"""Errors that the Hub's client raises when something cannot be fetched."""


def fetch(
    checkpoint: str,
    revision: str | None = None,
    on_progress: OnProgress = ignore_progress,
    *,
    with_code: bool = False,
    memory: int | None = None,
) -> Path:
    """Return the folder of a checkpoint, fetching it first if it is not on disk.

    Args:
        checkpoint: a folder or a Hub id.
        revision: of the Hub's repository; None: the newest.
        on_progress: called with the bytes that have arrived.
        with_code: whether to fetch the checkpoint's own program code, too.
        memory: bytes in which the model must fit once loaded; None: not known.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, or the disk is too full.
        OutOfMemoryError: it would not fit into `memory` in any number format.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder and (code_files(folder) or not with_code or not is_hub_id(checkpoint)):
        return folder
    info = _look_up(checkpoint, revision)
    _check_weights(checkpoint, _file_names(info))
    if not with_code:  # which may prepare pictures by itself
        check_processor(checkpoint, _file_names(info))
    if memory is not None:
        _check_memory(checkpoint, info, memory)
    patterns = [*PATTERNS, CODE_PATTERN] if with_code else PATTERNS
    return _fetch_files(checkpoint, revision, info, patterns, on_progress)


def fetch_original(checkpoint: str, on_progress: OnProgress = ignore_progress) -> Path:
    """Fetch a checkpoint to be converted; return the folder of its copy in the Hub's cache.

    Its weights may be in the old format, which the conversion reads without running anything. Where
    a folder has both formats, the safe one is fetched.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    try:
        info = _look_up(checkpoint, None)
    except LoadError:
        if cached := _find_cached_original(checkpoint):
            return cached
        raise
    names = [PurePosixPath(name) for name in _file_names(info)]
    safe_folders = {name.parent for name in names if name.suffix == ".safetensors"}
    old = [
        str(name)
        for name in names
        if name.suffix in UNSAFE_WEIGHTS and name.parent not in safe_folders
    ]
    return _fetch_files(checkpoint, None, info, [*PATTERNS, *old], on_progress)


def _find_cached_original(checkpoint: str) -> Path | None:
    """Return the copy of a checkpoint in the Hub's cache, as far as it was fetched."""
    if not is_hub_id(checkpoint):
        return None
    try:
        return Path(snapshot_download(checkpoint, local_files_only=True))
    except (LocalEntryNotFoundError, OSError):
        return None


def _fetch_files(
    checkpoint: str,
    revision: str | None,
    info: ModelInfo,
    patterns: Sequence[str],
    on_progress: OnProgress,
) -> Path:
    """Fetch the files of a repository that have certain names; return their folder.

    Raises:
        LoadError: they cannot be fetched.
    """
    total = _download_bytes(info, patterns)
    _check_disk(checkpoint, total or 0)
    on_progress(Progress("fetching", 0, total, "bytes"))
    try:
        fetched = snapshot_download(
            checkpoint,
            revision=revision,
            allow_patterns=list(patterns),
            etag_timeout=ANSWER_TIMEOUT_S,
            tqdm_class=progress_bar_class(on_progress, total),
        )
    except _FETCH_ERRORS as error:
        raise explain_fetch_failure(checkpoint, revision, error) from error
    return Path(fetched)


def fetch_small_files(checkpoint: str, revision: str | None, names: Sequence[str]) -> Path:
    """Return a folder with those files of a checkpoint on the Hub that it has.

    A checkpoint that cannot be fetched as a whole is refused at once.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, has no config.json, no
            weights that are safe to load, or is larger than the disk.
    """
    info = _look_up(checkpoint, revision)
    if "config.json" not in _file_names(info):
        raise LoadError(
            "{model} has no config.json: it is not a model for transformers.", model=checkpoint
        )
    _check_weights(checkpoint, _file_names(info))
    _check_disk(checkpoint, _download_bytes(info, PATTERNS) or 0)
    try:
        return Path(
            snapshot_download(
                checkpoint,
                revision=revision,
                allow_patterns=list(names),
                etag_timeout=ANSWER_TIMEOUT_S,
            )
        )
    except _FETCH_ERRORS as error:
        raise explain_fetch_failure(checkpoint, revision, error) from error


def fetch_adapter(adapter: str, on_progress: OnProgress = ignore_progress) -> Path:
    """Return the folder of an adapter, fetching it first if it is not on disk.

    Raises:
        LoadError: there is no such adapter, it cannot be reached, or has no safe weights.
    """
    if folder := adapter_on_disk(adapter):
        return folder
    info = _look_up(adapter, None)
    _check_weights(adapter, _file_names(info))
    return _fetch_files(adapter, None, info, [ADAPTER_CONFIG, ADAPTER_WEIGHTS], on_progress)


def checkpoint_config(checkpoint: str, revision: str | None = None) -> dict[str, Any]:
    """Return the content of a checkpoint's config.json; only that file is fetched.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, or the file is damaged.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder is None:
        if "config.json" not in _file_names(_look_up(checkpoint, revision)):
            raise LoadError(
                "{model} has no config.json: it is not a model for transformers.", model=checkpoint
            )
        path = _fetch_file(checkpoint, revision, "config.json")
    else:
        path = folder / "config.json"
    return read_json(path)


def fetch_json_files(
    checkpoint: str, revision: str | None, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the content of those of some JSON files that a checkpoint has, by name.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, or a file is damaged.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder is not None:
        there = [name for name in names if (folder / name).is_file()]
        return {name: read_json(folder / name) for name in there}
    offered = _file_names(_look_up(checkpoint, revision))
    return {
        name: read_json(_fetch_file(checkpoint, revision, name))
        for name in names
        if name in offered
    }


def list_code(checkpoint: str, revision: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return what names the code of a checkpoint (see `code_revision`), and its code files.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder is not None and (code_files(folder) or not is_hub_id(checkpoint)):
        return code_revision(folder), code_files(folder)
    info = _look_up(checkpoint, revision)
    files = sorted(name for name in _file_names(info) if fnmatch(name, CODE_PATTERN))
    return info.sha or "", tuple(files)


def _fetch_file(checkpoint: str, revision: str | None, name: str) -> Path:
    """Fetch one file of the Hub's repository; return where it is.

    Raises:
        LoadError: it cannot be fetched.
    """
    try:
        return Path(
            hf_hub_download(checkpoint, name, revision=revision, etag_timeout=ANSWER_TIMEOUT_S)
        )
    except _FETCH_ERRORS as error:
        raise explain_fetch_failure(checkpoint, revision, error) from error


def _check_hub(checkpoint: str) -> None:
    """Refuse names that the Hub cannot have, and a Hub that cannot be reached."""
    if not is_hub_id(checkpoint):
        raise LoadError(
            "There is no folder {model}. Give a folder with a model, or a Hub ID like "
            "HuggingFaceTB/SmolVLM-256M-Instruct.",
            model=checkpoint,
        )
    if constants.HF_HUB_OFFLINE:
        raise LoadError(
            "{model} is not on this computer and cannot be downloaded: HF_HUB_OFFLINE is set. "
            "Unset it and restart, or choose another model.",
            model=checkpoint,
        )
    if not can_connect():
        raise LoadError(
            "{model} is not on this computer and cannot be downloaded: no connection to "
            "{hostname}. Go online and try again, or choose another model.",
            model=checkpoint,
            hostname=urlsplit(constants.ENDPOINT).hostname,
        )


def _look_up(checkpoint: str, revision: str | None) -> ModelInfo:
    """Return what the Hub knows of a checkpoint.

    Raises:
        LoadError: the Hub does not have it, denies access, or does not answer.
    """
    _check_hub(checkpoint)
    try:
        return HfApi().model_info(
            checkpoint, revision=revision, files_metadata=True, timeout=ANSWER_TIMEOUT_S
        )
    except _FETCH_ERRORS as error:
        raise explain_fetch_failure(checkpoint, revision, error) from error


def _file_names(info: ModelInfo) -> list[str]:
    return [file.rfilename for file in info.siblings or ()]


def _check_weights(checkpoint: str, names: Sequence[str]) -> None:
    """Refuse a repository without weights that are safe to load."""
    if any(name.endswith(".safetensors") for name in names):
        return
    if any(name.endswith(UNSAFE_WEIGHTS) for name in names):
        raise LoadError(
            "{model} has only weights in an old format, which can contain code. Use a version "
            "of this model with .safetensors weights.",
            model=checkpoint,
        )
    raise LoadError(
        "{model} has no .safetensors weights, so it cannot be run here. Choose another model.",
        model=checkpoint,
    )


def check_processor(checkpoint: str, names: Collection[str]) -> None:
    """Refuse a checkpoint without a file that says how pictures are prepared.

    Raises:
        LoadError: `names`, its files, have none.
    """
    if not has_processor(names):
        raise LoadError(
            "{model} has no preprocessor_config.json or processor_config.json, so nothing says "
            "how to preprocess images. Add the file of the model that it was made from, or "
            "choose another model.",
            model=checkpoint,
        )


def _check_memory(checkpoint: str, info: ModelInfo, memory: int) -> None:
    """Refuse weights that would not fit into some bytes of memory in any number format."""
    stored = _download_bytes(info, ["*.safetensors"]) or 0
    counted = info.safetensors.total if info.safetensors else None
    needed = (counted or stored * 8 // STORED_BITS) * LEAST_BITS // 8
    if needed > memory:
        raise OutOfMemoryError(
            "{model} is too large for this computer: {stored} of weights, which take at least "
            "{needed} even in 4-bit, for {memory} of memory. Choose a smaller model, or use a "
            "server that has it.",
            model=checkpoint,
            stored=format_bytes(stored),
            needed=format_bytes(needed),
            memory=format_bytes(memory),
        )


def _check_disk(checkpoint: str, size: int) -> None:
    """Refuse files that the disk of the Hub's cache has no room for."""
    cache = Path(constants.HF_HUB_CACHE)
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if size > free:
        raise LoadError(
            "{model} takes {size} on disk, and {free} are free in {existing}. Free some, set "
            "HF_HOME to a folder on another disk, or choose a smaller model.",
            model=checkpoint,
            size=format_bytes(size),
            free=format_bytes(free),
            existing=existing,
        )


def _download_bytes(info: ModelInfo, patterns: Sequence[str]) -> int | None:
    """Return how many bytes will be fetched; None where the Hub does not say."""
    files = info.siblings or ()
    wanted = (file for file in files if any(fnmatch(file.rfilename, p) for p in patterns))
    return sum(file.size or 0 for file in wanted) or None
