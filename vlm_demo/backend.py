"""The one path from a request to a reply. Families and engines meet only here."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Lock, Thread

from vlm_demo.catalog import ModelSpec, default_menu, find, load_menu, spec_for_checkpoint
from vlm_demo.engines import (
    Engine,
    FreeMemory,
    Inspection,
    Progress,
    free_memory,
    open_engine,
)
from vlm_demo.errors import BusyModelError, LoadError, NotRunnableError
from vlm_demo.families import Family, get_family
from vlm_demo.families.base import MAX_CHARACTERS
from vlm_demo.settings import Device, Settings
from vlm_demo.types import Prompt, Reply, Request, Task

READING_INTERVAL_S = 0.04
"""Replies are read and yielded at most this often ..."""

READING_SHARE = 4
"""... and so that reading them takes at most one part in this many of the time."""


class Backend:
    """Answers requests with the models of a menu, and keeps the newest few of them loaded."""

    def __init__(
        self,
        menu: Sequence[ModelSpec],
        *,
        max_loaded: int = 2,
        max_characters: int = MAX_CHARACTERS,
        device: Device = "auto",
        threads: int | None = None,
    ) -> None:
        self._menu = tuple(menu)
        self._max_loaded = max_loaded
        self._max_characters = max_characters
        self._device = device
        self._threads = threads
        self._loaded: dict[str, _Loaded] = {}  # by name, least recently used first
        self._loading: dict[str, _Loading] = {}
        self._lock = Lock()  # guards the three attributes that change: menu, loaded, loading

    @classmethod
    def from_settings(cls, settings: Settings) -> Backend:
        """Build the backend that settings describe.

        Raises:
            SettingsError: the menu file cannot be used.
        """
        return cls(
            load_menu(settings.menu) if settings.menu else default_menu(),
            max_loaded=settings.max_loaded,
            max_characters=settings.max_characters,
            device=settings.device,
            threads=settings.threads,
        )

    @property
    def menu(self) -> tuple[ModelSpec, ...]:
        """The models that can be chosen, the default first."""
        return self._menu

    def models_for(self, task: Task) -> list[str]:
        """Names of the models that run here and can do a task, in menu order."""
        return [spec.name for spec in self._menu if spec.runs_here and spec.supports(task)]

    def spec(self, name: str) -> ModelSpec:
        """Return the menu's entry, or raise UnknownModelError."""
        return find(self._menu, name)

    def add_checkpoint(self, checkpoint: str) -> ModelSpec:
        """Put a Hub id or a folder on the menu, unless it is there already.

        Raises:
            NotRunnableError: this program cannot run it; the message says what to do.
            LoadError: there is no such checkpoint, or it cannot be reached.
            UnknownModelError: no family reads its type of model.
        """
        for spec in self._menu:
            if checkpoint.strip() in (spec.name, spec.checkpoint):
                return _runnable(spec)
        new = _runnable(spec_for_checkpoint(checkpoint))
        with self._lock:
            for spec in self._menu:
                if spec.name == new.name:
                    raise LoadError(f"There is another model called {new.name!r} on the menu.")
            self._menu = (*self._menu, new)
        return new

    def is_loaded(self, name: str) -> bool:
        """Whether the model can answer at once."""
        with self._lock:
            return name in self._loaded

    def load(self, model: str) -> Generator[Progress, None, None]:
        """Fetch and load a model in the background; yield how far it has come.

        Several readers may wait for the same model. Loading goes on when they stop reading.

        Raises:
            NotRunnableError: this program cannot run the model.
            LoadError: the checkpoint cannot be fetched or loaded.
        """
        spec = _runnable(self.spec(model))
        with self._lock:
            if spec.name in self._loaded:
                return
            loading = self._loading.get(spec.name)
            if loading is None:
                loading = self._loading[spec.name] = _Loading(spec)
                Thread(target=self._open, args=(loading,), daemon=True).start()
            reader = loading.reader()
        yield from reader

    def unload(self, model: str) -> None:
        """Free the memory of a model; one that is not loaded is left as it is.

        Raises:
            BusyModelError: it is answering, or on its way in.
        """
        name = self.spec(model).name
        with self._lock:
            if name in self._loading:
                raise BusyModelError(f"{name} is being loaded. Please wait until it is ready.")
            if name not in self._loaded:
                return
            if self._loaded[name].users:
                raise BusyModelError(
                    f"{name} is answering. Please stop it, or wait until it has finished."
                )
            engine = self._loaded.pop(name).engine
        engine.close()

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return free_memory(self._device)

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply as it grows; the last one is complete. Closing the iterator stops it.

        Requests to the same model are answered one after the other.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or failed.
        """
        spec = self.spec(model)
        spec.check(request.task)
        family = get_family(spec.family)
        family.check(request, max_characters=self._max_characters)
        with self._in_use(spec) as engine:
            prompt = self._prompt(spec, request, engine)
            sampling = request.sampling or family.sampling
            raw, read, due = prompt.answer_prefix, None, 0.0
            with closing(engine.stream(prompt, sampling)) as pieces:
                for piece in pieces:
                    raw += piece
                    if time.monotonic() < due:
                        continue
                    started = time.monotonic()
                    reply, read = _read(family, raw, prompt), raw
                    took = time.monotonic() - started
                    due = started + max(READING_INTERVAL_S, took * READING_SHARE)
                    yield reply
            if read != raw:
                yield _read(family, raw, prompt)

    def inspect(self, model: str, request: Request) -> Inspection:
        """Say what exactly a model is given for a request; nothing is generated.

        Raises:
            VlmDemoError: as `answer` does.
        """
        spec = self.spec(model)
        spec.check(request.task)
        get_family(spec.family).check(request, max_characters=self._max_characters)
        with self._in_use(spec) as engine:
            return engine.inspect(self._prompt(spec, request, engine))

    def _prompt(self, spec: ModelSpec, request: Request, engine: Engine) -> Prompt:
        return get_family(spec.family).prompt(
            request, control_tokens=engine.control_tokens, max_characters=self._max_characters
        )

    def close(self) -> None:
        """Unload every model; answers that are still running end with an EngineError."""
        with self._lock:
            engines = [loaded.engine for loaded in self._loaded.values()]
            self._loaded.clear()
        for engine in engines:
            engine.close()

    @contextmanager
    def _in_use(self, spec: ModelSpec) -> Iterator[Engine]:
        """Hold a model so that it is not unloaded; load it first where that is needed."""
        while True:
            with self._lock:
                loaded = self._loaded.pop(spec.name, None)
                if loaded:
                    self._loaded[spec.name] = loaded  # now the most recently used
                    loaded.users += 1
                    break
            for _ in self.load(spec.name):
                pass
        try:
            yield loaded.engine
        finally:
            with self._lock:
                loaded.users -= 1
            self._unload_idle(keep=self._max_loaded)

    def _open(self, loading: _Loading) -> None:
        """Load one model; runs in a thread of its own and tells the readers how it ended."""
        spec, end = loading.spec, None
        try:
            self._unload_idle(keep=self._max_loaded - 1)
            engine = _opened(spec, loading, self._device, self._threads)
        except Exception as error:  # raised again where the progress is read
            end = error
        with self._lock:
            del self._loading[spec.name]
            if end is None:
                self._loaded[spec.name] = _Loaded(engine)
            loading.finish(end)

    def _unload_idle(self, keep: int) -> None:
        """Close the least recently used idle models until `keep` are left.

        A busy model is never closed, nor is the newest: somebody may be about to use it.
        """
        idle: list[Engine] = []
        with self._lock:
            candidates = list(self._loaded)[:-1] if keep > 0 else list(self._loaded)
            for name in candidates:
                if len(self._loaded) > keep and not self._loaded[name].users:
                    idle.append(self._loaded.pop(name).engine)
        for engine in idle:
            engine.close()


def _read(family: Family, raw: str, prompt: Prompt) -> Reply:
    return replace(family.reply(raw, prompt), note=prompt.note)


@dataclass(slots=True)
class _Loaded:
    """A loaded model, and how many answers are being read from it."""

    engine: Engine
    users: int = 0


class _Loading:
    """One model on its way in, and everybody who waits for it."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self._readers: list[SimpleQueue[Progress | Exception | None]] = []

    def reader(self) -> Iterator[Progress]:
        """Join those who wait; call it before the loading has ended."""
        events: SimpleQueue[Progress | Exception | None] = SimpleQueue()
        self._readers.append(events)
        return self._read(events)

    def tell(self, progress: Progress) -> None:
        for events in self._readers:
            events.put(progress)

    def finish(self, error: Exception | None) -> None:
        for events in self._readers:
            events.put(error)

    @staticmethod
    def _read(events: SimpleQueue[Progress | Exception | None]) -> Iterator[Progress]:
        while True:
            match events.get():
                case None:
                    return
                case Progress() as progress:
                    yield progress
                case Exception() as error:
                    raise error


def _runnable(spec: ModelSpec) -> ModelSpec:
    """Return an entry that this program can run.

    Raises:
        NotRunnableError: it cannot run this one.
    """
    if spec.obstacle:
        raise NotRunnableError(spec.obstacle)
    return spec


def _opened(spec: ModelSpec, loading: _Loading, device: Device, threads: int | None) -> Engine:
    """Open the engine of a menu entry.

    Raises:
        LoadError: the checkpoint cannot be fetched or loaded.
    """
    if spec.embedded and not spec.is_here:
        raise LoadError(
            f"The model {spec.name} is missing from this copy of the program. Please get the "
            "whole repository (its folder assets/models), or train the model: "
            f"python -m vlm_demo train --recipe {spec.name}."
        )
    return open_engine(
        spec.engine,
        spec.checkpoint,
        revision=spec.revision,
        dtype=spec.dtype,
        quantization=spec.quantization,
        trust_remote_code=spec.trust_remote_code,
        context=get_family(spec.family).limits.context,
        device=device,
        threads=threads,
        on_progress=loading.tell,
    )
