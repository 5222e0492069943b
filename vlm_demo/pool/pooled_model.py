"""One model of the pool, and everybody who waits for it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from threading import Lock

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Engine, Progress, release_memory
from vlm_demo.engines.channel import Channel
from vlm_demo.errors import BusyModelError, LoadError


class PooledModel:
    """A model that is loaded, or being loaded."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.engine: Engine | None = None  # None: it is being loaded, or was closed
        self.users = 0  # who hold it, or wait to hold it
        self.is_stopped = False  # it is not to be loaded any more
        self.has_turn = False  # its weights may come into memory
        self._newest: Progress | None = None
        self._readers: list[Channel[Progress]] = []
        self._lock = Lock()  # guards these two

    @property
    def takes_memory(self) -> bool:
        """Whether it is loaded, and on this machine."""
        return self.engine is not None and self.spec.takes_memory

    @property
    def weight_bytes(self) -> int:
        """Bytes that unloading it would free, at least."""
        return self.engine.usage().weight_bytes if self.engine else 0

    @property
    def newest_progress(self) -> Progress | None:
        """How far its loading has come; None: nothing is known yet."""
        return self._newest

    def subscribe(self) -> Generator[Progress, None, None]:
        """Return the progress from now on, for one reader; call it with the pool's lock held.

        It ends when the model is loaded, or raises why it is not.
        """
        channel: Channel[Progress] = Channel()
        if self.engine is not None:
            channel.finish()
            return channel.iterate()
        with self._lock:
            if self._newest:
                channel.put(self._newest)
            self._readers.append(channel)
        return channel.iterate()

    def report(self, progress: Progress) -> None:
        """Pass on how far the loading has come."""
        with self._lock:
            self._newest = progress
            for reader in self._readers:
                reader.put(progress)

    def finish(self, error: Exception | None) -> None:
        """Tell everybody who waits that the loading has ended."""
        with self._lock:
            for reader in self._readers:
                reader.finish(error)
            self._readers.clear()

    def check_idle(self) -> None:
        """Raise BusyModelError while it is used or loaded."""
        name = self.spec.name
        if self.engine is None:
            raise BusyModelError("{name} is being loaded. Wait until it is ready.", name=name)
        if self.users:
            raise BusyModelError(
                "{name} is answering. Stop it, or wait until it has finished.", name=name
            )

    def stop_error(self) -> LoadError:
        """Build the error of a loading that somebody has stopped."""
        return LoadError("The loading of {name} was stopped. Load it again.", name=self.spec.name)


def close_models(models: Sequence[PooledModel]) -> None:
    """Close the engines of models that are no longer in the pool, and free their memory."""
    for model in models:
        engine, model.engine = model.engine, None
        if engine:
            engine.close()
        del engine
    if any(model.spec.takes_memory for model in models):
        release_memory()
