"""Holds the models that are in memory: loads them when they are wanted, and makes room for them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread

from vlm_demo.catalog.menu import BITS, OVERHEAD, ModelSpec
from vlm_demo.engines import (
    Dtype,
    Engine,
    FreeMemory,
    OnProgress,
    Progress,
    Quantization,
    Usage,
    free_memory,
    release_memory,
    weights_memory,
    weights_memory_by_format,
)
from vlm_demo.errors import BusyModelError, LoadError, OutOfMemoryError
from vlm_demo.settings import Device
from vlm_demo.units import format_bytes

HALF_PRECISION_BYTES = 2
"""Of each parameter, as most checkpoints are stored."""

Opener = Callable[[ModelSpec, OnProgress], Engine]
"""Opens the engine of a menu entry. What the listener raises ends the opening."""


class NumberFormat(StrEnum):
    """In which number format a model is loaded."""

    AS_IT_IS = "as it is"  # as it is stored, or widened where the processor wants it
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    EIGHT_BIT = "8-bit"
    FOUR_BIT = "4-bit"

    @classmethod
    def of(cls, dtype: Dtype, quantization: Quantization) -> NumberFormat:
        """Return the format that the fields of a menu entry stand for."""
        match quantization:
            case "8bit":
                return cls.EIGHT_BIT
            case "4bit":
                return cls.FOUR_BIT
            case "none":
                return cls.AS_IT_IS if dtype == "auto" else cls(dtype)

    def applied_to(self, spec: ModelSpec) -> ModelSpec:
        """Return a menu entry for the same model in this format."""
        if self is NumberFormat.of(spec.dtype, spec.quantization):
            return spec  # which may say more, such as what 4 bits are computed in
        match self:
            case NumberFormat.AS_IT_IS:
                return replace(spec, dtype="auto", quantization="none")
            case NumberFormat.EIGHT_BIT:
                return replace(spec, dtype="auto", quantization="8bit")
            case NumberFormat.FOUR_BIT:
                return replace(spec, dtype="auto", quantization="4bit")
            case NumberFormat.FLOAT32:
                return replace(spec, dtype="float32", quantization="none")
            case NumberFormat.BFLOAT16:
                return replace(spec, dtype="bfloat16", quantization="none")
            case NumberFormat.FLOAT16:
                return replace(spec, dtype="float16", quantization="none")

    @property
    def bits(self) -> float:
        """Of each parameter; "as it is" stands for the usual half precision."""
        match self:
            case NumberFormat.FLOAT32:
                return 32
            case NumberFormat.EIGHT_BIT:
                return BITS["8-bit"]
            case NumberFormat.FOUR_BIT:
                return BITS["4-bit"]
            case _:
                return BITS["bf16"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to load a model on this machine."""

    format: NumberFormat
    memory: int | None  # bytes to load it and to answer; None: not known
    fits: bool  # into the memory that is free or held by idle models; unknown sizes may


class ModelPool:
    """Loads models in the background, and unloads idle ones where memory is short.

    A model is idle when nobody reads an answer of it, or waits for one. What goes first is what
    was not used for longest. Models on other servers take no memory here, and count for nothing.
    """

    def __init__(
        self,
        opened: Opener,
        *,
        menu: Callable[[], Sequence[ModelSpec]] = tuple,
        max_loaded: int | None = None,
        device: Device = "auto",
    ) -> None:
        """Prepare an empty pool.

        Args:
            opened: opens an engine.
            menu: what could be proposed in place of a model that does not fit.
            max_loaded: models of this machine in memory; None: as many as fit.
            device: where they go.
        """
        self._opened = opened
        self._menu = menu
        self._max_loaded = max_loaded
        self._device = device
        self._models: dict[str, _Model] = {}  # by name, least recently used first
        self._formats: dict[str, NumberFormat] = {}  # chosen by people, by name of the model
        self._lock = Lock()  # guards these two, and the users of every model
        # Weights come in one model at a time, since each measures what is free.
        self._loading_turn = Lock()

    # Holding models

    def is_loaded(self, name: str) -> bool:
        """Whether the model can answer at once."""
        with self._lock:
            return name in self._models and self._models[name].engine is not None

    def progress(self, name: str) -> Progress | None:
        """Say how far the loading of a model has come; None: it can answer at once."""
        with self._lock:
            model = self._models.get(name)
        if model and model.engine is not None:
            return None
        return (model and model.newest) or Progress("loading", 0, None, "steps")

    def load(
        self, spec: ModelSpec, format: NumberFormat | None = None
    ) -> Generator[Progress, None, None]:
        """Fetch and load a model in the background; yield how far it has come.

        Several readers may wait for the same model. Loading goes on when they stop reading.

        Args:
            spec: the menu's entry.
            format: to load it in; one that is loaded in another is replaced. It is remembered.
                None: the one that was chosen before, or the menu's.

        Raises:
            BusyModelError: it is answering, or on its way in, in another format.
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit.
        """
        if format is not None:
            self._unload_other_format(spec, format)
        with self._lock:
            model = self._wanted(spec, format)
            reader = model.reader()
        yield from reader

    @contextmanager
    def using(self, spec: ModelSpec) -> Iterator[Engine]:
        """Hold a model so that it is not unloaded; load it first where that is needed.

        Raises:
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit.
        """
        with self._lock:
            model = self._wanted(spec)
            model.users += 1  # from here on it is not idle, so it is still there when loaded
            reader = model.reader()
        try:
            for _ in reader:
                pass
            if model.engine is None:
                raise LoadError(f"{spec.name} was unloaded meanwhile. Please try again.")
            yield model.engine
        finally:
            with self._lock:
                model.users -= 1
            self._keep_at_most(self._max_loaded)

    def unload(self, name: str) -> None:
        """Free the memory of a model; one that is not loaded is left as it is.

        Raises:
            BusyModelError: it is answering, or on its way in.
        """
        with self._lock:
            model = self._models.get(name)
            if model is None:
                return
            _require_idle(model)
            del self._models[name]
        _close([model])

    def stop_loading(self, name: str) -> None:
        """End the loading of a model at its next step; those who wait for it get a LoadError."""
        with self._lock:
            model = self._models.get(name)
            if model and model.engine is None:
                model.stopped = True

    def usage(self, name: str) -> Usage | None:
        """Say what a model is doing; None where it is not loaded."""
        with self._lock:
            model = self._models.get(name)
            engine = model.engine if model else None
        return engine.usage() if engine else None

    def close(self) -> None:
        """Unload every model; answers that are still running end with an EngineError."""
        with self._lock:
            loaded = [model for model in self._models.values() if model.engine is not None]
            for model in self._models.values():
                model.stopped = True
            for model in loaded:
                del self._models[model.spec.name]
        _close(loaded)

    # Memory

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return free_memory(self._device)

    def format(self, spec: ModelSpec) -> NumberFormat:
        """Return the format in which a model is loaded: chosen by people, or the menu's."""
        return self._formats.get(spec.name, NumberFormat.of(spec.dtype, spec.quantization))

    def offers(self, spec: ModelSpec) -> list[Offer]:
        """Return the ways to load a model that make sense here, as it is first.

        Models of other servers are offered in no way.
        """
        if spec.engine != "local":
            return []
        sizes = weights_memory_by_format(spec.checkpoint, spec.revision, self._device)
        room = self._room(besides=spec.name)
        offers = []
        for (dtype, quantization), size in sizes.items():
            one = NumberFormat.of(dtype, quantization)
            memory = _memory(size, one, spec.parameters)
            offers.append(Offer(one, memory, fits=memory is None or memory <= room))
        return offers

    def _room(self, besides: str = "") -> int:
        """Bytes that are free, or would be without the idle models, and without one of them."""
        with self._lock:
            own = self._models.get(besides)
            could_go = {*self._idle(), *([own] if own else [])}
        held = sum(_held(model) for model in could_go)
        return self.free_memory().for_model + held

    def _needed(self, spec: ModelSpec, parameters: int | None = None) -> int | None:
        """Bytes to load a model and to answer; None where its size is not known."""
        if spec.engine != "local":
            return None
        size = weights_memory(
            spec.checkpoint, spec.revision, spec.dtype, spec.quantization, self._device
        )
        own = NumberFormat.of(spec.dtype, spec.quantization)
        return _memory(size, own, spec.parameters or parameters)

    def _require_room(self, spec: ModelSpec, parameters: int | None = None) -> None:
        """Refuse a model that would not fit even if every idle one was unloaded.

        Raises:
            OutOfMemoryError: it would not.
        """
        needed = self._needed(spec, parameters)
        if needed is not None and needed > self._room():
            raise self._too_large(spec, needed)

    def _make_room(self, spec: ModelSpec) -> None:
        """Unload idle models until one more fits; none, if that would not do.

        Raises:
            OutOfMemoryError: it does not fit.
        """
        needed = self._needed(spec)
        while needed is not None and needed > self.free_memory().for_model:
            if needed > self._room():
                raise self._too_large(spec, needed)
            with self._lock:
                gone = self._idle()[:1]
                for model in gone:
                    del self._models[model.spec.name]
            if not gone:
                raise self._too_large(spec, needed)
            _close(gone)

    def _keep_at_most(self, keep: int | None) -> None:
        """Unload the least recently used idle models of this machine until `keep` are left.

        Never the newest: somebody may be about to use it.
        """
        if keep is None:
            return
        with self._lock:
            local = [model for model in self._models.values() if model.takes_memory]
            newest = list(self._models.values())[-1:] if keep else []
            spare = [model for model in self._idle() if model not in newest]
            gone = spare[: max(len(local) - keep, 0)]
            for model in gone:
                del self._models[model.spec.name]
        _close(gone)

    def _idle(self) -> list[_Model]:
        """The models of this machine that nobody uses, least recently used first."""
        return [model for model in self._models.values() if model.takes_memory and not model.users]

    def _too_large(self, spec: ModelSpec, needed: int) -> OutOfMemoryError:
        """Say what does not fit, and what would."""
        room = self._room()
        lighter = [
            offer
            for offer in self.offers(spec)
            if offer.memory is not None and offer.memory <= room and offer.memory < needed
        ]
        remedies = [
            f"load it in {offer.format} (about {format_bytes(offer.memory)})"
            for offer in lighter[:1]
        ]
        with self._lock:
            busy = [model for model in self._models.values() if model.takes_memory and model.users]
        remedies += [
            f"wait until {model.spec.name} has finished"
            for model in busy
            if needed <= room + _held(model)
        ][:1]
        other = self._fitting_instead(spec, room)
        if other:
            remedies.append(f"choose {other.name}")
        return OutOfMemoryError(
            f"{spec.name} needs about {format_bytes(needed)} of memory, and {format_bytes(room)} are free "
            f"or held by idle models. Please {', or '.join(remedies) or 'close other programs'}.",
            formats=[offer.format.value for offer in lighter],
            alternative=other.name if other else "",
        )

    def _fitting_instead(self, spec: ModelSpec, room: int) -> ModelSpec | None:
        """Return the largest model that fits and does the same tasks, of its family if possible."""
        able = [
            (other.family == spec.family, needed, number)
            for number, other in enumerate(self._menu())
            if other.name != spec.name and other.runs_here and {*spec.tasks} <= {*other.tasks}
            for needed in [self._needed(other)]
            if needed is not None and needed <= room
        ]
        return self._menu()[max(able)[2]] if able else None

    # Loading

    def _wanted(self, spec: ModelSpec, format: NumberFormat | None = None) -> _Model:
        """Return a model, loaded or on its way in; call it with the lock held."""
        model = self._models.pop(spec.name, None)
        if model is None:
            wanted = format or self.format(spec)
            model = _Model(wanted.applied_to(spec))
            Thread(target=self._open, args=(model,), name=f"load {spec.name}", daemon=True).start()
        self._models[spec.name] = model  # now the most recently used
        return model

    def _unload_other_format(self, spec: ModelSpec, format: NumberFormat) -> None:
        with self._lock:
            model = self._models.get(spec.name)
            if model is None or model.format is format:
                return
            _require_idle(model)
            del self._models[spec.name]
        _close([model])

    def _open(self, model: _Model) -> None:
        """Load one model; runs in a thread of its own and tells the readers how it ended."""
        engine: Engine | None = None
        end: Exception | None = None
        try:
            self._require_room(model.spec)  # before gigabytes are fetched
            if self._max_loaded and model.spec.engine == "local":
                self._keep_at_most(self._max_loaded - 1)
            engine = self._opened(model.spec, partial(self._hear, model))
        except Exception as error:  # raised again where the progress is read
            end = error
        except BaseException as error:  # a checkpoint's own program may call for the exit
            end = LoadError(f"{model.spec.name} could not be loaded: {error!r}")
        finally:
            if model.has_turn:
                self._loading_turn.release()
        with self._lock:
            if engine and model.stopped:
                end = _stopped(model)
            if end:
                del self._models[model.spec.name]
            else:
                model.engine = engine
                self._formats[model.spec.name] = model.format
        try:
            if end:
                _clean_up(model.spec, engine, end)
        finally:
            model.finish(end)

    def _hear(self, model: _Model, progress: Progress) -> None:
        """Take the progress of an opening; make room just before weights come into memory.

        Raises:
            OutOfMemoryError: there is no room; it ends the opening.
            LoadError: somebody stopped the loading; it ends the opening.
        """
        if progress.stage == "fetching" and progress.done == 0 and progress.total:
            self._require_room(model.spec, parameters=progress.total // HALF_PRECISION_BYTES)
        comes_in = progress.stage == "loading" and not model.has_turn
        if comes_in:
            model.has_turn = self._loading_turn.acquire()
        if model.stopped:
            raise _stopped(model)
        if comes_in:
            self._make_room(model.spec)
        model.tell(progress)


class _Model:
    """A model that is loaded or on its way in, and everybody who waits for it."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.engine: Engine | None = None  # None: it is on its way in, or was closed
        self.users = 0  # who hold it, or wait to hold it
        self.stopped = False  # it is not wanted any more
        self.has_turn = False  # its weights may come in
        self._newest: Progress | None = None
        self._readers: list[SimpleQueue[Progress | Exception | None]] = []
        self._telling = Lock()  # guards these two

    @property
    def format(self) -> NumberFormat:
        return NumberFormat.of(self.spec.dtype, self.spec.quantization)

    @property
    def takes_memory(self) -> bool:
        """Whether it is loaded, and on this machine."""
        return self.engine is not None and self.spec.engine == "local"

    @property
    def newest(self) -> Progress | None:
        """How far it has come on its way in; None: nobody has heard of it yet."""
        return self._newest

    def reader(self) -> Iterator[Progress]:
        """Join those who wait; a model that is loaded has nothing to tell."""
        if self.engine is not None:
            return iter(())
        events: SimpleQueue[Progress | Exception | None] = SimpleQueue()
        with self._telling:
            if self._newest:
                events.put(self._newest)
            self._readers.append(events)
        return _read(events)

    def tell(self, progress: Progress) -> None:
        with self._telling:
            self._newest = progress
            for events in self._readers:
                events.put(progress)

    def finish(self, error: Exception | None) -> None:
        with self._telling:
            for events in self._readers:
                events.put(error)


def _read(events: SimpleQueue[Progress | Exception | None]) -> Iterator[Progress]:
    while True:
        match events.get():
            case None:
                return
            case Progress() as progress:
                yield progress
            case Exception() as error:
                raise error


def _memory(weights: int | None, format: NumberFormat, parameters: int | None) -> int | None:
    """Estimate the bytes to load a model and to answer, from its weights or their number."""
    if weights is None and parameters is not None:
        weights = round(parameters * format.bits / 8)
    return None if weights is None else round(weights * OVERHEAD)


def _held(model: _Model) -> int:
    """Bytes that unloading a model would free, at least."""
    engine = model.engine
    return engine.usage().weight_bytes if engine else 0


def _require_idle(model: _Model) -> None:
    name = model.spec.name
    if model.engine is None:
        raise BusyModelError(f"{name} is being loaded. Please wait until it is ready.")
    if model.users:
        raise BusyModelError(f"{name} is answering. Please stop it, or wait until it has finished.")


def _close(models: Sequence[_Model]) -> None:
    """Close the engines of models that the pool has let go of, and give their memory back."""
    for model in models:
        engine, model.engine = model.engine, None
        if engine:
            engine.close()
        del engine
    if any(model.spec.engine == "local" for model in models):
        release_memory()


def _stopped(model: _Model) -> LoadError:
    return LoadError(f"The loading of {model.spec.name} was stopped. Please load it again.")


def _clean_up(spec: ModelSpec, engine: Engine | None, error: Exception) -> None:
    """Leave nothing behind of a load that has failed: its frames hold what it had come to."""
    if engine:
        engine.close()
    cause: BaseException | None = error
    while cause:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
    if spec.engine == "local":
        release_memory()
