"""Reports how many bytes of the weights transformers has loaded, and how many of their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from transformers.utils import logging

from vlm_demo.engines.base import OnProgress, Progress
from vlm_demo.engines.local.checkpoints.weights import StoredWeights

logging.set_verbosity_error()  # type: ignore[no-untyped-call]
logging.disable_progress_bar()  # type: ignore[no-untyped-call]

_thread = local()
"""`on_tensors` of the thread that is loading a model: called with the names of loaded tensors."""


def _hook_progress_bar(
    make_bar: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Make the progress bars of transformers, but replace the one for weights."""
    on_tensors = getattr(_thread, "on_tensors", None)
    if on_tensors is None or options.get("desc") != "Loading weights":
        return make_bar(*args, **options)
    return _report_tensors(args[0], on_tensors)


def _report_tensors(
    conversions: Iterable[Any], on_tensors: Callable[[Iterable[str]], None]
) -> Iterator[Any]:
    """Yield what transformers loads one by one: a name, and the tensors that it is made from."""
    for name, conversion in conversions:
        sources = tuple(conversion.collected_tensors)  # they are freed once yielded
        yield name, conversion
        on_tensors(sources)


logging.set_tqdm_hook(_hook_progress_bar)


class LoadingProgress:
    """Counts the weights of one checkpoint as they are loaded."""

    def __init__(self, weights: StoredWeights, on_progress: OnProgress) -> None:
        self._weights = weights
        self._on_progress = on_progress
        self._missing = Counter(tensor.file for tensor in weights.tensors.values())
        self._loaded: set[str] = set()
        self._done = 0

    def begin(self) -> None:
        """Report that nothing has been loaded yet."""
        self._report(0)

    def end(self) -> None:
        """Report that everything has been loaded."""
        self._missing.clear()
        self._report(self._weights.disk_bytes)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Report what this thread loads meanwhile."""
        _thread.on_tensors = self._count
        try:
            yield
        finally:
            _thread.on_tensors = None

    def _count(self, names: Iterable[str]) -> None:
        """Count tensors that were loaded.

        Tensors that are made from many, such as the experts of a layer, come without names: they
        are counted at the end.
        """
        for name in names:
            if name in self._weights.tensors and name not in self._loaded:
                self._loaded.add(name)
                tensor = self._weights.tensors[name]
                self._missing[tensor.file] -= 1
                self._done += tensor.disk_bytes
        self._report(self._done)

    def _report(self, done: int) -> None:
        files = len(self._weights.files)
        complete = files - sum(missing > 0 for missing in self._missing.values())
        self._on_progress(
            Progress("loading", done, self._weights.disk_bytes, "bytes", shards=(complete, files))
        )
