"""What went wrong inside a model, as errors with a remedy."""

from __future__ import annotations

import gc

import torch

from vlm_demo.errors import EngineError, OutOfMemoryError, VlmDemoError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out. On a CPU, torch says so only in the words of a RuntimeError."""
    return isinstance(
        error, torch.OutOfMemoryError | MemoryError | OutOfMemoryError
    ) or "can't allocate memory" in str(error)


def typed(error: Exception) -> VlmDemoError:
    """Turn what came out of a model into an error for people."""
    if isinstance(error, VlmDemoError):
        return error
    text = " ".join(str(error).split())
    if is_out_of_memory(error):
        said: EngineError = OutOfMemoryError(
            "There is not enough memory for this answer. Please try a smaller picture, a shorter "
            "conversation or a smaller model.",
            smaller_picture=True,
        )
    else:
        said = EngineError(f"The model failed while answering: {text or type(error).__name__}")
    said.__cause__ = error
    return said


def free_device_memory() -> None:
    """Give memory that nothing refers to back to the machine."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
