"""Where tokens come from. Heavy libraries load only with the engine that needs them."""

from vlm_demo.engines.base import (
    Dtype,
    Engine,
    EngineKind,
    FreeMemory,
    Inspection,
    OnProgress,
    Progress,
    Quantization,
    unheard,
)
from vlm_demo.settings import Device

__all__ = [
    "Dtype",
    "Engine",
    "EngineKind",
    "FreeMemory",
    "Inspection",
    "OnProgress",
    "Progress",
    "Quantization",
    "free_memory",
    "open_engine",
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
    threads: int | None = None,
    on_progress: OnProgress = unheard,
) -> Engine:
    """Load a checkpoint (Hub id or folder), fetching it first where it is not on disk.

    This can take minutes; `on_progress` is called meanwhile, in this thread or another.

    Raises:
        LoadError: the checkpoint cannot be fetched or loaded.
    """
    match kind:
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
                threads=threads,
                on_progress=on_progress,
            )


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure the memory that a model of this machine's own could take."""
    from vlm_demo.engines.local.memory import free_memory as measured

    return measured(device)
