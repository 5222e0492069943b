"""Reports how many bytes of a checkpoint have arrived from the Hugging Face Hub."""

from __future__ import annotations

from threading import Lock
from typing import Any

from tqdm.auto import tqdm

from vlm_demo.engines.base import OnProgress, Progress


def progress_bar_class(on_progress: OnProgress, total: int | None) -> type[tqdm[Any]]:
    """Return a progress bar class that draws nothing and reports the bytes that arrive on disk."""
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
