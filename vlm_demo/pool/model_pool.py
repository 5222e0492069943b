"""Loads models in the background, and unloads idle ones if memory is short."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock, Thread

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import (
    Engine,
    FreeMemory,
    NumberFormat,
    OnProgress,
    Progress,
    Usage,
    release_memory,
)
from vlm_demo.engines.channel import clear_frames
from vlm_demo.errors import LoadError, OutOfMemoryError
from vlm_demo.pool.memory import FormatOption, MemoryAdvisor
from vlm_demo.pool.pooled_model import PooledModel, close_models
from vlm_demo.setting_declarations import Device

HALF_PRECISION_BYTES = 2
"""Bytes of each parameter as most checkpoints are stored."""

OpenEngine = Callable[[ModelSpec, OnProgress], Engine]
"""Opens the engine of a menu entry. What the callback raises ends the opening."""


class ModelPool:
    """The models in memory.

    A model is idle when nobody reads an answer of it, or waits for one. The least recently used
    one is unloaded first. Models on other servers take no memory here, and do not count.
    """

    def __init__(
        self,
        open_engine: OpenEngine,
        *,
        menu: Callable[[], Sequence[ModelSpec]] = tuple,
        max_loaded: int | None = None,
        device: Device = "auto",
    ) -> None:
        """Prepare an empty pool.

        Args:
            open_engine: opens an engine.
            menu: models that may be proposed in place of one that does not fit.
            max_loaded: most models of this machine in memory; None: as many as fit.
            device: where they go.
        """
        self._open_engine = open_engine
        self._max_loaded = max_loaded
        self._memory = MemoryAdvisor(menu, device)
        self._models: dict[str, PooledModel] = {}  # by name, least recently used first
        self._formats: dict[str, NumberFormat] = {}  # chosen by people, by name of the model
        self._lock = Lock()  # guards these two, and the users of every model
        # Weights come in one model at a time, since each measures what is free.
        self._loading_turn = Lock()

    # Using models

    def is_loaded(self, name: str) -> bool:
        """Whether the model can answer at once."""
        with self._lock:
            return name in self._models and self._models[name].engine is not None

    def progress(self, name: str) -> Progress | None:
        """Return how far the loading of a model has come; None: it can answer at once."""
        with self._lock:
            model = self._models.get(name)
        if model and model.engine is not None:
            return None
        return (model and model.newest_progress) or Progress("loading", 0, None, "steps")

    def load(
        self, spec: ModelSpec, number_format: NumberFormat | None = None
    ) -> Generator[Progress, None, None]:
        """Fetch and load a model in the background; yield how far it has come.

        Several readers may wait for the same model. Loading goes on when they stop reading.

        Args:
            spec: the menu's entry.
            number_format: to load it in; a model that is loaded in another is replaced. It is
                remembered. None: the one that was chosen before, or the menu's.

        Raises:
            BusyModelError: it is answering, or being loaded, in another format.
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit.
        """
        if number_format is not None:
            self._unload_other_format(spec, number_format)
        with self._lock:
            progress = self._get_or_load(spec, number_format).subscribe()
        yield from progress

    @contextmanager
    def using(self, spec: ModelSpec) -> Iterator[Engine]:
        """Hold a model so that it is not unloaded; load it first if need be.

        Raises:
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit.
        """
        with self._lock:
            model = self._get_or_load(spec)
            model.users += 1  # from here on it is not idle, so it is still there when loaded
            progress = model.subscribe()
        try:
            for _ in progress:
                pass
            if model.engine is None:
                raise LoadError("{name} was unloaded meanwhile. Try again.", name=spec.name)
            yield model.engine
        finally:
            with self._lock:
                model.users -= 1
            self._unload_beyond(self._max_loaded)

    def unload(self, name: str) -> None:
        """Free the memory of a model; one that is not loaded is left as it is.

        Raises:
            BusyModelError: it is answering, or being loaded.
        """
        with self._lock:
            model = self._models.get(name)
            if model is None:
                return
            model.check_idle()
            del self._models[name]
        close_models([model])

    def stop_loading(self, name: str) -> None:
        """End the loading of a model at its next step; those who wait for it get a LoadError."""
        with self._lock:
            model = self._models.get(name)
            if model and model.engine is None:
                model.is_stopped = True

    def usage(self, name: str) -> Usage | None:
        """Return what a model is doing; None: it is not loaded."""
        with self._lock:
            model = self._models.get(name)
            engine = model.engine if model else None
        return engine.usage() if engine else None

    def close(self) -> None:
        """Unload every model; answers that are still running end with an EngineError."""
        with self._lock:
            loaded = [model for model in self._models.values() if model.engine is not None]
            for model in self._models.values():
                model.is_stopped = True
            for model in loaded:
                del self._models[model.spec.name]
        close_models(loaded)

    # Memory

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return self._memory.free_memory()

    def number_format(self, spec: ModelSpec) -> NumberFormat:
        """Return the number format in which a model is loaded: chosen by people, or the menu's."""
        return self._formats.get(spec.name, spec.number_format)

    def format_options(self, spec: ModelSpec) -> list[FormatOption]:
        """Return the number formats that make sense for a model here, AUTO first.

        There are none for models on other servers.
        """
        return self._memory.format_options(spec, self._room(besides=spec.name))

    def _room(self, besides: str = "") -> int:
        """Return the bytes that are free without the idle models, and without the named one."""
        with self._lock:
            named = self._models.get(besides)
            models = {*self._idle_models(), *([named] if named else [])}
        return self.free_memory().for_model + sum(model.weight_bytes for model in models)

    def _check_room(self, spec: ModelSpec, parameters: int | None = None) -> None:
        """Refuse a model that would not fit even if every idle one was unloaded.

        Raises:
            OutOfMemoryError: it would not.
        """
        needed = self._memory.estimate(spec, parameters)
        if needed is not None and needed > self._room():
            raise self._too_large_error(spec, needed)

    def _make_room(self, spec: ModelSpec) -> None:
        """Unload idle models until one more fits; none, if that would not do.

        Raises:
            OutOfMemoryError: it does not fit.
        """
        needed = self._memory.estimate(spec)
        while needed is not None and needed > self.free_memory().for_model:
            if needed > self._room():
                raise self._too_large_error(spec, needed)
            with self._lock:
                models = self._idle_models()[:1]
                for model in models:
                    del self._models[model.spec.name]
            if not models:
                raise self._too_large_error(spec, needed)
            close_models(models)

    def _unload_beyond(self, count: int | None) -> None:
        """Unload the least recently used idle models of this machine until `count` are left.

        The newest one stays: somebody may be about to use it.
        """
        if count is None:
            return
        with self._lock:
            local = [model for model in self._models.values() if model.takes_memory]
            newest = list(self._models.values())[-1:] if count else []
            candidates = [model for model in self._idle_models() if model not in newest]
            models = candidates[: max(len(local) - count, 0)]
            for model in models:
                del self._models[model.spec.name]
        close_models(models)

    def _idle_models(self) -> list[PooledModel]:
        """Return the models of this machine that nobody uses, least recently used first."""
        return [model for model in self._models.values() if model.takes_memory and not model.users]

    def _too_large_error(self, spec: ModelSpec, needed: int) -> OutOfMemoryError:
        with self._lock:
            busy = [model for model in self._models.values() if model.takes_memory and model.users]
        return self._memory.too_large_error(spec, needed, self._room(), busy)

    # Loading

    def _get_or_load(
        self, spec: ModelSpec, number_format: NumberFormat | None = None
    ) -> PooledModel:
        """Return a model that is loaded or being loaded; call it with the lock held."""
        model = self._models.pop(spec.name, None)
        if model is None:
            model = PooledModel(spec.in_format(number_format or self.number_format(spec)))
            Thread(target=self._load, args=(model,), name=f"load {spec.name}", daemon=True).start()
        self._models[spec.name] = model  # now the most recently used
        return model

    def _unload_other_format(self, spec: ModelSpec, number_format: NumberFormat) -> None:
        with self._lock:
            model = self._models.get(spec.name)
            if model is None or model.spec.number_format is number_format:
                return
            model.check_idle()
            del self._models[spec.name]
        close_models([model])

    def _load(self, model: PooledModel) -> None:
        """Load one model, in a thread of its own, and tell its readers how that ended."""
        engine: Engine | None = None
        failure: Exception | None = None
        try:
            self._check_room(model.spec)  # before gigabytes are fetched
            if self._max_loaded and model.spec.takes_memory:
                self._unload_beyond(self._max_loaded - 1)
            engine = self._open_engine(model.spec, partial(self._report, model))
        except Exception as error:  # raised again where the progress is read
            failure = error
        except BaseException as error:  # a checkpoint's own code may call sys.exit
            failure = LoadError(
                "{name} could not be loaded: {problem}", name=model.spec.name, problem=repr(error)
            )
        finally:
            if model.has_turn:
                self._loading_turn.release()
        with self._lock:
            if engine and model.is_stopped:
                failure = model.stop_error()
            if failure:
                del self._models[model.spec.name]
            else:
                model.engine = engine
                self._formats[model.spec.name] = model.spec.number_format
        try:
            if failure:
                _clean_up(model.spec, engine, failure)
        finally:
            model.finish(failure)

    def _report(self, model: PooledModel, progress: Progress) -> None:
        """Take the progress of a loading; make room just before weights come into memory.

        Raises:
            OutOfMemoryError: there is no room; it ends the loading.
            LoadError: somebody stopped the loading.
        """
        if progress.stage == "fetching" and progress.done == 0 and progress.total:
            self._check_room(model.spec, parameters=progress.total // HALF_PRECISION_BYTES)
        begins = progress.stage == "loading" and not model.has_turn
        if begins:
            model.has_turn = self._loading_turn.acquire()
        if model.is_stopped:
            raise model.stop_error()
        if begins:
            self._make_room(model.spec)
        model.report(progress)


def _clean_up(spec: ModelSpec, engine: Engine | None, error: Exception) -> None:
    """Free what a failed loading had read: the frames of its error hold it."""
    if engine:
        engine.close()
    clear_frames(error)
    if spec.takes_memory:
        release_memory()
