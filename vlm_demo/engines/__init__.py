"""Where tokens come from. Heavy libraries load only with the engine that needs them."""

import sys
from pathlib import Path
from typing import Any

from vlm_demo.engines.base import (
    Engine,
    FreeMemory,
    ImageKind,
    ImageKindRecognizer,
    OnProgress,
    Progress,
    RenderedPrompt,
    Segmenter,
    Serving,
    Usage,
    combine_usages,
    ignore_progress,
)
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.checkpoint_description import CheckpointDescription
from vlm_demo.engines.load_options import LoadOptions, OwnCode, Server, ServerKind
from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.engines.server_listing import ServerListing, ServerModel
from vlm_demo.setting_declarations import Device
from vlm_demo.settings import on_zerogpu

__all__ = [
    "CacheBudget",
    "CheckpointDescription",
    "Engine",
    "FreeMemory",
    "ImageKind",
    "ImageKindRecognizer",
    "LoadOptions",
    "NumberFormat",
    "OnProgress",
    "OwnCode",
    "Progress",
    "RenderedPrompt",
    "Segmenter",
    "Server",
    "ServerKind",
    "ServerListing",
    "ServerModel",
    "Serving",
    "Usage",
    "adapter_on_disk",
    "chat_template",
    "checkpoint_config",
    "combine_usages",
    "describe_checkpoint",
    "fetch_original",
    "find_adapter_base",
    "find_local_servers",
    "find_own_code",
    "folder_on_disk",
    "free_memory",
    "ignore_progress",
    "is_hub_reachable",
    "list_server_models",
    "open_engine",
    "release_memory",
    "weights_memory",
    "weights_memory_by_format",
]


def list_server_models(address: str, api_key: str = "") -> ServerListing:
    """Ask a server for its models; see `engines.remote.server_models`.

    Raises:
        InputError: this is no address of a server, or no key.
        ServerError: there are none; the message says why and what to do.
    """
    from vlm_demo.engines.remote import server_models

    return server_models.list_server_models(address, api_key)


def find_local_servers() -> tuple[ServerListing, ...]:
    """Return the servers that answer on this computer, at their usual ports.

    Raises:
        ServerError: there is none; the message names the ports.
    """
    from vlm_demo.engines.remote import server_models

    return server_models.find_local_servers()


def open_engine(
    options: LoadOptions,
    serving: Serving | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Engine:
    """Connect to a model's server, or load its checkpoint here, fetching it first if need be.

    This can take minutes; `on_progress` is called meanwhile, in this thread or another. What it
    raises ends the opening.

    Raises:
        LoadError: there is no such server, or the checkpoint cannot be fetched or loaded.
        OutOfMemoryError: it does not fit into memory.
    """
    if options.server is not None:
        from vlm_demo.engines.remote.engine import RemoteEngine

        return RemoteEngine.connect(
            options.checkpoint,
            options.server,
            name=options.name,
            serving=serving,
            on_progress=on_progress,
        )
    if options.is_detector:
        from vlm_demo.engines.detector.engine import DetectorEngine

        return DetectorEngine.load(Path(options.checkpoint), serving, on_progress)
    if options.is_segmenter:
        from vlm_demo.engines.segmenter.engine import SegmenterEngine

        return SegmenterEngine.load(options, serving, on_progress)
    if on_zerogpu():
        from vlm_demo.engines.local.zerogpu.engine import ZeroGpuEngine

        return ZeroGpuEngine.load(options, serving, on_progress)
    from vlm_demo.engines.local.engine import LocalEngine

    return LocalEngine.load(options, serving, on_progress)


# What this machine holds. These only put off the import of torch; see the functions behind them.


def folder_on_disk(checkpoint: str, revision: str | None = None) -> Path | None:
    """Return the folder of a checkpoint (Hub id or folder) on this machine, or None."""
    from vlm_demo.engines.local.checkpoints import folders

    return folders.folder_on_disk(checkpoint, revision)


def is_hub_reachable() -> bool:
    """Return whether checkpoints can be fetched from the Hub, as it was a few minutes ago."""
    from vlm_demo.engines import hub_connection

    return hub_connection.is_hub_reachable()


def adapter_on_disk(adapter: str) -> Path | None:
    """Return the folder of an adapter, or a Hub id's copy in the cache; uses no network."""
    from vlm_demo.engines.local.checkpoints import folders

    return folders.adapter_on_disk(adapter)


def find_adapter_base(checkpoint: str) -> str | None:
    """Return for which model an adapter is; None: it is no adapter."""
    from vlm_demo.engines.local.checkpoints import describing

    return describing.find_adapter_base(checkpoint)


def chat_template(checkpoint: str, revision: str | None = None) -> str:
    """Return the chat template of a checkpoint on this machine; "" where there is none."""
    from vlm_demo.engines.local.checkpoints import chat_templates

    return chat_templates.chat_template(checkpoint, revision)


def checkpoint_config(checkpoint: str, revision: str | None = None) -> dict[str, Any]:
    """Return a checkpoint's config.json, or raise LoadError."""
    from vlm_demo.engines.local.checkpoints import fetching

    return fetching.checkpoint_config(checkpoint, revision)


def describe_checkpoint(checkpoint: str, revision: str | None = None) -> CheckpointDescription:
    """Describe a checkpoint by its small files, or raise LoadError."""
    from vlm_demo.engines.local.checkpoints import describing

    return describing.describe_checkpoint(checkpoint, revision)


def fetch_original(checkpoint: str, on_progress: OnProgress = ignore_progress) -> Path:
    """Fetch a checkpoint to be converted, its .bin weights included; return its folder."""
    from vlm_demo.engines.local.checkpoints import fetching

    return fetching.fetch_original(checkpoint, on_progress)


def find_own_code(checkpoint: str, revision: str | None = None) -> OwnCode | None:
    """Return the code that a checkpoint brings for its model, or None; nothing of it is run."""
    from vlm_demo.engines.local.checkpoints import runnable

    return runnable.find_own_code(checkpoint, revision)


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure the memory that another model of this machine could take."""
    from vlm_demo.engines.local.checkpoints import memory

    return memory.free_memory(device)


def release_memory() -> None:
    """Give the memory of closed models back to the system; without torch, there is none to give."""
    if "torch" not in sys.modules:
        return
    from vlm_demo.engines.local.checkpoints import memory

    memory.release_memory()


def weights_memory(options: LoadOptions) -> int | None:
    """Return the bytes of a checkpoint's weights once loaded, or None if they are not here."""
    from vlm_demo.engines.local.checkpoints import memory

    return memory.weights_memory(options)


def weights_memory_by_format(options: LoadOptions) -> dict[NumberFormat, int | None]:
    """Return `weights_memory` for each number format that makes sense here."""
    from vlm_demo.engines.local.checkpoints import memory

    return memory.weights_memory_by_format(options)
