"""The one path from a request to a reply. Families and engines meet only here."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Lock

from vlm_demo.catalog.menu import ModelSpec, default_menu, find, load_menu, spec_for_checkpoint
from vlm_demo.engines import (
    CacheBudget,
    Engine,
    FreeMemory,
    OnProgress,
    Progress,
    RenderedPrompt,
    Serving,
    Usage,
    open_engine,
)
from vlm_demo.errors import InputError, LoadError, NotRunnableError, TooLongError
from vlm_demo.families import get_family
from vlm_demo.pool import ModelPool, NumberFormat, Offer
from vlm_demo.prompting.confidence import TokenProbabilities
from vlm_demo.prompting.family import MAX_CHARACTERS, Family
from vlm_demo.settings import Device, Settings
from vlm_demo.values import Prompt, Reply, Request, Sampling, Task, TextChunk, Timing

READING_INTERVAL_S = 0.04
"""Replies are read and yielded at most this often ..."""

READING_SHARE = 4
"""... and so that reading them takes at most one part in this many of the time."""


class Backend:
    """Answers requests with the models of a menu."""

    def __init__(
        self,
        menu: Sequence[ModelSpec],
        *,
        max_loaded: int | None = None,
        max_characters: int = MAX_CHARACTERS,
        device: Device = "auto",
        serving: Serving | None = None,
    ) -> None:
        self._menu = tuple(menu)
        self._max_characters = max_characters
        self._device = device
        self._serving = serving or Serving()
        self._pool = ModelPool(
            self._open, menu=lambda: self._menu, max_loaded=max_loaded, device=device
        )
        self._lock = Lock()  # guards the menu

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
            serving=Serving(
                batch=settings.batch,
                waiting=settings.waiting,
                timeout_s=settings.timeout,
                cache=CacheBudget(round(settings.cache_gib * (1 << 30))),
                threads=settings.threads,
            ),
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
        return self._pool.is_loaded(name)

    def load(
        self, model: str, format: NumberFormat | None = None
    ) -> Generator[Progress, None, None]:
        """Fetch and load a model in the background; yield how far it has come.

        Several readers may wait for the same model. Loading goes on when they stop reading.

        Args:
            model: its name on the menu.
            format: to load it in; one that is loaded in another is replaced. None: as it is loaded
                now, or was chosen last, or as the menu says.

        Raises:
            NotRunnableError: this program cannot run the model.
            BusyModelError: it is answering, or on its way in, in another format.
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit; the message says what would.
        """
        yield from self._pool.load(_runnable(self.spec(model)), format)

    def progress(self, model: str) -> Progress | None:
        """Say how far the loading of a model has come; None: it can answer at once."""
        return self._pool.progress(self.spec(model).name)

    def stop_loading(self, model: str) -> None:
        """End the loading of a model soon; those who wait for it get a LoadError."""
        self._pool.stop_loading(self.spec(model).name)

    def unload(self, model: str) -> None:
        """Free the memory of a model; one that is not loaded is left as it is.

        Raises:
            BusyModelError: it is answering, or on its way in.
        """
        self._pool.unload(self.spec(model).name)

    def offers(self, model: str) -> list[Offer]:
        """Return the ways to load a model that make sense on this machine, as it is first."""
        return self._pool.offers(self.spec(model))

    def format(self, model: str) -> NumberFormat:
        """Return the format in which a model is loaded, or will be."""
        return self._pool.format(self.spec(model))

    def usage(self, model: str) -> Usage | None:
        """Say what a model is doing and what it has saved; None where it is not loaded."""
        return self._pool.usage(self.spec(model).name)

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return self._pool.free_memory()

    def check(self, model: str, request: Request) -> None:
        """Refuse a request that the model cannot be asked; nothing is loaded for that.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or not in this way.
        """
        spec = self.spec(model)
        spec.check(request.task)
        get_family(spec.family).check(request, max_characters=self._max_characters)

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply as it grows; the last one is complete. Closing the iterator stops it.

        While it waits for others, replies without text say how many are ahead. Where a
        conversation does not fit into the model's context, its oldest turns are left out, and
        the reply's note says so.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or failed.
        """
        asked = time.monotonic()
        self.check(model, request)
        spec = self.spec(model)
        family = get_family(spec.family)
        with self._pool.using(spec) as engine:
            left_out = 0  # turns
            while True:
                prompt = self._prompt(spec, request, engine)
                if left_out:
                    prompt = replace(prompt, note=_joined(prompt.note, _left_out(left_out)))
                try:
                    yield from _answer(
                        family, engine, prompt, request.sampling or family.sampling, asked
                    )
                    return
                except TooLongError:  # before anything was written
                    shorter = family.without_oldest_turn(request)
                    if shorter is None:
                        raise
                request, left_out = shorter, left_out + 1

    def score(self, model: str, request: Request) -> list[float]:
        """Return the log-probability of each of the request's choices as the whole answer.

        The model is asked as `answer` asks it. The logarithms are natural.

        Raises:
            NoScoresError: the engine cannot tell.
            VlmDemoError: as `answer` does, or there are no choices.
        """
        self.check(model, request)
        spec = self.spec(model)
        if not request.choices:
            raise InputError("Please give the answers to choose from.")
        with self._pool.using(spec) as engine:
            prompt = self._prompt(spec, request, engine)
            return engine.score(prompt, prompt.choices)

    def inspect(self, model: str, request: Request) -> RenderedPrompt:
        """Say what exactly a model is given for a request; nothing is generated.

        Raises:
            VlmDemoError: as `answer` does.
        """
        self.check(model, request)
        spec = self.spec(model)
        with self._pool.using(spec) as engine:
            return engine.inspect(self._prompt(spec, request, engine))

    def _prompt(self, spec: ModelSpec, request: Request, engine: Engine) -> Prompt:
        return get_family(spec.family).prompt(
            request, control_tokens=engine.control_tokens, max_characters=self._max_characters
        )

    def close(self) -> None:
        """Unload every model; answers that are still running end with an EngineError."""
        self._pool.close()

    def _open(self, spec: ModelSpec, on_progress: OnProgress) -> Engine:
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
            device=self._device,
            base_url=spec.base_url,
            server=spec.server,
            api_key_env=spec.api_key_env,
            serving=self._serving,
            on_progress=on_progress,
        )


class _Clock:
    """Measures an answer from the moment it was asked for."""

    def __init__(self, asked: float) -> None:
        self._asked = asked
        self._first: float | None = None
        self._tokens = 0

    def count(self, piece: TextChunk) -> None:
        """Take in the next piece."""
        if self._first is None:
            self._first = time.monotonic()
        self._tokens += len(piece.logprobs)

    @property
    def pace(self) -> Timing:
        """How fast the answer has come so far."""
        now = time.monotonic()
        return Timing((self._first or now) - self._asked, now - self._asked, self._tokens)


def _answer(
    family: Family, engine: Engine, prompt: Prompt, sampling: Sampling, asked: float
) -> Generator[Reply, None, None]:
    """Read what an engine writes, as often as reading it takes little of the time."""
    raw, read, due = prompt.answer_prefix, None, 0.0
    tokens, clock = TokenProbabilities(raw), _Clock(asked)
    with closing(engine.stream(prompt, sampling)) as pieces:
        for piece in pieces:
            if piece.ahead:
                yield Reply("", "", queue_position=piece.ahead)
                continue
            raw += piece
            tokens.add(piece)
            clock.count(piece)
            if time.monotonic() < due:
                continue
            started = time.monotonic()
            reply, read = _read(family, raw, prompt, tokens, clock), raw
            took = time.monotonic() - started
            due = started + max(READING_INTERVAL_S, took * READING_SHARE)
            yield reply
    if read != raw:
        yield _read(family, raw, prompt, tokens, clock)


def _left_out(turns: int) -> str:
    return (
        "The conversation has become too long for this model: its beginning, "
        f"{'one turn' if turns == 1 else f'{turns} turns'}, was left out."
    )


def _joined(*notes: str) -> str:
    return " ".join(note for note in notes if note)


def _read(
    family: Family, raw: str, prompt: Prompt, tokens: TokenProbabilities, clock: _Clock
) -> Reply:
    if prompt.choices or prompt.pattern or prompt.schema:
        # In an answer whose form is given, nothing is a draft or a family's markup.
        return Reply(raw, raw.strip(), note=prompt.note, timing=clock.pace)
    reply = replace(family.reply(raw, prompt), note=prompt.note, pace=clock.pace)
    return tokens.rate(reply)


def _runnable(spec: ModelSpec) -> ModelSpec:
    """Return an entry that this program can run.

    Raises:
        NotRunnableError: it cannot run this one.
    """
    if spec.unavailable_reason:
        raise NotRunnableError(spec.unavailable_reason)
    return spec
