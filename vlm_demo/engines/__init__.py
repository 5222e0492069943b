"""Where tokens come from. Heavy libraries load only with the engine that needs them."""

from pathlib import Path
from typing import Any

from vlm_demo.engines.base import (
    Dtype,
    Engine,
    EngineKind,
    FreeMemory,
    OnProgress,
    Progress,
    Quantization,
    RenderedPrompt,
    ServerKind,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.settings import Device, on_zerogpu

__all__ = [
    "CacheBudget",
    "Dtype",
    "Engine",
    "EngineKind",
    "FreeMemory",
    "RenderedPrompt",
    "OnProgress",
    "Progress",
    "Quantization",
    "ServerKind",
    "Serving",
    "Usage",
    "checkpoint_config",
    "folder_on_disk",
    "free_memory",
    "open_engine",
    "release_memory",
    "weights_memory",
    "weights_memory_by_format",
]


def open_engine(
    kind: EngineKind,
    checkpoint: str,
    *,
    revision: str | None = None,
    dtype: Dtype = "auto",
    quantization: Quantization = "none",
    trust_remote_code: bool = False,
    context: int | None = None,
    device: Device = "auto",
    base_url: str = "",
    server: ServerKind = "vllm",
    api_key_env: str = "",
    serving: Serving | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Engine:
    """Load a checkpoint (Hub id or folder), fetching it first where it is not on disk.

    Or connect to the server at `base_url` that has it, if `kind` says so.

    This can take minutes; `on_progress` is called meanwhile, in this thread or another. What it
    raises ends the opening.

    Raises:
        LoadError: the checkpoint cannot be fetched or loaded.
    """
    match kind:
        case "local" if on_zerogpu():
            from vlm_demo.engines.local.zerogpu import ZeroGpuEngine

            return ZeroGpuEngine.load(
                checkpoint,
                revision=revision,
                dtype=dtype,
                quantization=quantization,
                trust_remote_code=trust_remote_code,
                context=context,
                serving=serving,
                on_progress=on_progress,
            )
        case "local":
            from vlm_demo.engines.local.engine import LocalEngine

            return LocalEngine.load(
                checkpoint,
                revision=revision,
                dtype=dtype,
                quantization=quantization,
                trust_remote_code=trust_remote_code,
                context=context,
                device=device,
                serving=serving,
                on_progress=on_progress,
            )
        case "remote":
            from vlm_demo.engines.remote.engine import RemoteEngine

            return RemoteEngine.connect(
                checkpoint,
                base_url,
                server=server,
                api_key_env=api_key_env,
                serving=serving,
                on_progress=on_progress,
            )


def folder_on_disk(checkpoint: str, revision: str | None = None) -> Path | None:
    """Return where a checkpoint (Hub id or folder) is on this machine; None: it is not."""
    from vlm_demo.engines.local.checkpoints.fetching import folder_on_disk as found

    return found(checkpoint, revision)


def checkpoint_config(checkpoint: str, revision: str | None = None) -> dict[str, Any]:
    """Return a checkpoint's config.json, from the Hub where it is not on disk.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config as read

    return read(checkpoint, revision)


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure the memory that a model of this machine's own could take."""
    from vlm_demo.engines.local.checkpoints.memory import free_memory as measured

    return measured(device)


def release_memory() -> None:
    """Give back to the system what closed models have left."""
    from vlm_demo.engines.local.checkpoints.memory import release_memory as released

    released()


def weights_memory(
    checkpoint: str,
    revision: str | None,
    dtype: Dtype,
    quantization: Quantization,
    device: Device = "auto",
) -> int | None:
    """Return the fewest bytes that a checkpoint's weights take once loaded; None: not known."""
    from vlm_demo.engines.local.checkpoints.memory import weights_memory as measured

    return measured(checkpoint, revision, dtype, quantization, device)


def weights_memory_by_format(
    checkpoint: str, revision: str | None, device: Device = "auto"
) -> dict[tuple[Dtype, Quantization], int | None]:
    """Return the bytes of a checkpoint's weights for each way to load it that makes sense here."""
    from vlm_demo.engines.local.checkpoints.memory import weights_memory_by_format as measured

    return measured(checkpoint, revision, device)
