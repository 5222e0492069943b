"""Turns failures inside a model into errors for people."""

from __future__ import annotations

import gc

import torch

from vlm_demo.errors import EngineError, OutOfMemoryError, VlmDemoError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; on a CPU, torch says so only in the text of a RuntimeError."""
    return isinstance(
        error, torch.OutOfMemoryError | MemoryError | OutOfMemoryError
    ) or "can't allocate memory" in str(error)


def to_vlm_demo_error(error: Exception) -> VlmDemoError:
    """Return an error for people that says what a model raised."""
    if isinstance(error, VlmDemoError):
        return error
    text = " ".join(str(error).split())
    if is_out_of_memory(error):
        failure: EngineError = OutOfMemoryError(
            "There is not enough memory for this answer. Try a smaller image, a shorter "
            "conversation or a smaller model.",
            smaller_image=True,
        )
    else:
        failure = EngineError(
            "The model failed while answering: {reason}", reason=text or type(error).__name__
        )
    failure.__cause__ = error
    return failure


def free_device_memory() -> None:
    """Free the memory that nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
