"""Finds a checkpoint on disk, or fetches it from the Hugging Face Hub.

Being offline is noticed at once: the Hub's own client retries for minutes before it says so. So a
connection is tried first, and a short question is asked before any file is.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2  # the Hub client's own: it lets these errors through
from huggingface_hub import HfApi, ModelInfo, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm.auto import tqdm

from vlm_demo.engines.base import OnProgress, Progress, ignore_progress
from vlm_demo.errors import LoadError

PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
"""Files that are fetched: weights that hold no code, and what the processor needs."""

CODE_PATTERN = "*.py"
"""A checkpoint's own program, fetched only where it is trusted."""

OLD_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt")
"""Weights that can hold programs."""

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 4.0

_TROUBLE = (httpx2.HTTPError, LocalEntryNotFoundError, OSError)
"""What the Hub's client raises when something cannot be fetched."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_id(checkpoint: str) -> bool:
    """Whether a name has the form owner/name; such a folder may exist all the same."""
    return bool(_HUB_ID.fullmatch(checkpoint)) and len(checkpoint) <= 96


def folder_on_disk(checkpoint: str, revision: str | None = None) -> Path | None:
    """Return a folder itself, or a Hub id's complete copy in the cache; asks no network."""
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


def fetch(
    checkpoint: str,
    revision: str | None = None,
    on_progress: OnProgress = ignore_progress,
    *,
    with_code: bool = False,
) -> Path:
    """Return the folder of a checkpoint, fetching it first if it is not on disk.

    Args:
        checkpoint: a folder or a Hub id.
        revision: of the Hub's repository; None: its newest.
        on_progress: told the bytes that have arrived.
        with_code: fetch the checkpoint's own program code, too.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    if folder := folder_on_disk(checkpoint, revision):
        return folder
    info = _looked_up(checkpoint, revision)
    _require_weights(checkpoint, _names(info))
    patterns = [*PATTERNS, CODE_PATTERN] if with_code else PATTERNS
    total = _size(info, patterns)
    on_progress(Progress("fetching", 0, total, "bytes"))
    try:
        fetched = snapshot_download(
            checkpoint,
            revision=revision,
            allow_patterns=patterns,
            etag_timeout=ANSWER_TIMEOUT_S,
            tqdm_class=_progress_bar(on_progress, total),
        )
    except _TROUBLE as error:
        raise _explained(checkpoint, revision, error) from error
    return Path(fetched)


def checkpoint_config(checkpoint: str, revision: str | None = None) -> dict[str, Any]:
    """Return a checkpoint's config.json; only that file is fetched.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, or the file is damaged.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder is None:
        if "config.json" not in _names(_looked_up(checkpoint, revision)):
            raise LoadError(f"{checkpoint} has no config.json: it is not a model for transformers.")
        try:
            path = Path(
                hf_hub_download(
                    checkpoint, "config.json", revision=revision, etag_timeout=ANSWER_TIMEOUT_S
                )
            )
        except _TROUBLE as error:
            raise _explained(checkpoint, revision, error) from error
    else:
        path = folder / "config.json"
    return read_json(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a checkpoint.

    Raises:
        LoadError: the file is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LoadError(
            f"There is no {path.name} in {path.parent}: this is not the folder of a model."
        ) from error
    except (OSError, ValueError) as error:
        raise LoadError(
            f"{path} is damaged ({error}). Please fetch or save the model again."
        ) from error
    if not isinstance(content, dict):
        raise LoadError(f"{path} is damaged: it holds no JSON object. Please fetch it again.")
    return content


def missing_weights(folder: Path) -> list[str]:
    """Return the names of the weight files that the folder should have and has not."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted(set(read_json(index).get("weight_map", {}).values()))
        return [shard for shard in shards if not (folder / shard).is_file()]
    return [] if any(folder.glob("*.safetensors")) else ["model.safetensors"]


def _is_complete(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    processor = names & {"preprocessor_config.json", "processor_config.json"}
    return "config.json" in names and bool(processor) and not missing_weights(folder)


def _require_hub(checkpoint: str) -> None:
    """Refuse names that the Hub cannot have, and find out quickly whether it can be reached."""
    if not is_hub_id(checkpoint):
        raise LoadError(
            f"There is no folder {checkpoint}. Please give a folder with a model, or a Hub id "
            "like HuggingFaceTB/SmolVLM-256M-Instruct."
        )
    if constants.HF_HUB_OFFLINE:
        raise LoadError(
            f"{checkpoint} is not on this computer and cannot be fetched: HF_HUB_OFFLINE is set. "
            "Please unset it and start again, or choose another model."
        )
    if not _hub_answers():
        raise LoadError(
            f"{checkpoint} is not on this computer and cannot be fetched: there is no connection "
            f"to {urlsplit(constants.ENDPOINT).hostname}. Please go online and try again, or "
            "choose another model."
        )


def _hub_answers() -> bool:
    """Open a connection to the Hub, or to the proxy that leads there, and close it again.

    In a thread, because looking up a name knows no timeout.
    """
    hub = urlsplit(constants.ENDPOINT)
    target = urlsplit(getproxies().get(hub.scheme, "")) if hub.scheme in getproxies() else hub
    port = target.port or (443 if target.scheme == "https" else 80)
    answered: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((target.hostname or "", port), CONNECT_TIMEOUT_S).close()
        except OSError:
            return
        answered.append(True)

    attempt = Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(CONNECT_TIMEOUT_S)
    return bool(answered)


def _looked_up(checkpoint: str, revision: str | None) -> ModelInfo:
    """Ask the Hub what it has of a checkpoint.

    Raises:
        LoadError: it has none, does not let us, or does not answer.
    """
    _require_hub(checkpoint)
    try:
        return HfApi().model_info(
            checkpoint, revision=revision, files_metadata=True, timeout=ANSWER_TIMEOUT_S
        )
    except _TROUBLE as error:
        raise _explained(checkpoint, revision, error) from error


def _names(info: ModelInfo) -> list[str]:
    return [file.rfilename for file in info.siblings or ()]


def _require_weights(checkpoint: str, names: Sequence[str]) -> None:
    """Refuse repositories without weights that are safe to load."""
    if any(name.endswith(".safetensors") for name in names):
        return
    if any(name.endswith(OLD_WEIGHTS) for name in names):
        raise LoadError(
            f"{checkpoint} has its weights in an old form only, which can hold programs. Please "
            "use a version of this model with .safetensors weights."
        )
    raise LoadError(
        f"{checkpoint} has no .safetensors weights, so it cannot be run here. Please choose "
        "another model."
    )


def _size(info: ModelInfo, patterns: Sequence[str]) -> int | None:
    """Return the bytes that will be fetched, as the Hub lists them."""
    files = info.siblings or ()
    wanted = (file for file in files if any(fnmatch(file.rfilename, p) for p in patterns))
    return sum(file.size or 0 for file in wanted) or None


def _progress_bar(on_progress: OnProgress, total: int | None) -> type[tqdm[Any]]:
    """Make a bar that draws nothing and passes on the bytes that arrive on disk."""
    lock = Lock()

    class Bar(tqdm):  # type: ignore[type-arg]  # it takes no arguments when it runs
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # The client draws three bars: bytes received, bytes written, and files.
            self._counts = str(kwargs.get("desc", "")).startswith("Reconstructing")
            self._done = 0
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            if self._counts and n:
                with lock:
                    self._done += int(n)
                    on_progress(Progress("fetching", self._done, total, "bytes"))
            return None

    return Bar


def _explained(checkpoint: str, revision: str | None, error: Exception) -> LoadError:
    """Say what went wrong with the Hub, and what to do."""
    match error:
        case GatedRepoError():
            what = (
                f"{checkpoint} asks for an agreement first. Please accept it on "
                f"{constants.ENDPOINT}/{checkpoint} and set HF_TOKEN."
            )
        case RepositoryNotFoundError():
            what = (
                f"There is no model {checkpoint} on the Hub, or it is private. Please check the "
                "name, or set HF_TOKEN."
            )
        case RevisionNotFoundError():
            what = f"{checkpoint} has no revision {revision!r}. Please correct the menu."
        case HfHubHTTPError() if error.response.status_code == 404:
            what = f"There is no model {checkpoint} on the Hub. Please check the name."
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            what = (
                f"The Hub does not let us have {checkpoint}. Please check that HF_TOKEN is valid "
                "and may read it."
            )
        case httpx2.TimeoutException():
            what = (
                f"{urlsplit(constants.ENDPOINT).hostname} did not answer within "
                f"{ANSWER_TIMEOUT_S:g} seconds, so {checkpoint} could not be fetched. Please try "
                "again later, or choose another model."
            )
        case _:
            reason = " ".join(str(error).split("For more information")[0].split())
            what = f"{checkpoint} could not be fetched ({reason}). Please try again."
    return LoadError(what)
