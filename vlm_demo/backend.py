"""The one path from a request to a reply. Families and engines meet only here."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Self

from PIL.Image import Image

from vlm_demo.answering.answer_reading import AnswerReader, AnswerTimer, describe_omission
from vlm_demo.answering.model_routing import ModelRouter, Route
from vlm_demo.answering.outlining import Outliner
from vlm_demo.answering.target_replies import answer_each, assign_targets
from vlm_demo.catalog.model_menu import ModelMenu
from vlm_demo.catalog.own_models import read_menu
from vlm_demo.catalog.server_menu import settings_server_specs
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.system_prompt import check_system_prompt
from vlm_demo.catalog.thinking import check_thinking
from vlm_demo.catalog.visual_tokens import check_visual_tokens
from vlm_demo.engines import (
    CacheBudget,
    Engine,
    FreeMemory,
    ImageKind,
    NumberFormat,
    OnProgress,
    Progress,
    RenderedPrompt,
    Serving,
    Usage,
    combine_usages,
    open_engine,
)
from vlm_demo.errors import InputError, NoScoresError, NotRunnableError, TooLongError
from vlm_demo.pool import FormatOption, ModelPool
from vlm_demo.prompting.family import MESSAGE_TOKENS
from vlm_demo.prompting.images.image_size import limit_image_size
from vlm_demo.prompting.request_checks import MAX_CHARACTERS
from vlm_demo.prompting.targets import TARGET_TASKS, read_targets
from vlm_demo.quotas.limits import AnswerQuota, Quotas
from vlm_demo.setting_declarations import Device
from vlm_demo.settings import Settings
from vlm_demo.translatable_text import join_texts
from vlm_demo.values import Prompt, Reply, Request, StopReason, Task


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
        fetch_for_answers: bool = True,
        quotas: Quotas | None = None,
    ) -> None:
        """Prepare to answer with the models of a menu, the default first; nothing is loaded yet.

        Requests fetch models that are not on this computer only where `fetch_for_answers` says so.
        """
        self._menu = ModelMenu(menu)
        self._max_characters = max_characters
        self._device = device
        self._serving = serving or Serving()
        self._fetch_for_answers = fetch_for_answers
        self.quota = AnswerQuota(quotas or Quotas())
        self._pool = ModelPool(
            self._open_engine, menu=lambda: self.menu, max_loaded=max_loaded, device=device
        )
        self._router = ModelRouter(lambda: self.menu, self._using)
        self.outliner = Outliner(lambda: self.menu, self._pool.is_loaded, self._using)

    @classmethod
    def from_settings(cls, settings: Settings, *, fetch_for_answers: bool = True) -> Self:
        """Build the backend that settings describe; see the constructor.

        Raises:
            SettingsError: the menu file cannot be used.
            InputError: what is given as a server is no address.
            ServerError: a server cannot be used; the message says why.
        """
        return cls(
            (*settings_server_specs(settings), *read_menu(settings.menu)),
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
            fetch_for_answers=fetch_for_answers,
            quotas=settings.quotas,
        )

    @property
    def menu(self) -> tuple[ModelSpec, ...]:
        """The models that can be chosen, the default first."""
        return self._menu.specs

    def models_for(self, task: Task) -> list[str]:
        """Names of the models, without automatic, that run here and can do a task, in order."""
        models = (spec for spec in self.menu if spec.engine != "automatic")
        return [spec.name for spec in models if spec.runs_here and spec.supports(task)]

    def spec(self, name: str) -> ModelSpec:
        """Return the menu's entry, or raise UnknownModelError."""
        return self._menu.find(name)

    def _parts(self, name: str) -> tuple[ModelSpec, ...]:
        return self._router.list_parts(self.spec(name))

    def add_checkpoint(self, checkpoint: str, *, trusted_revision: str = "") -> ModelSpec:
        """Add a Hub id or a folder to the menu; see `ModelMenu.add_checkpoint`."""
        return self._menu.add_checkpoint(checkpoint, trusted_revision)

    def add_server_models(
        self, specs: Sequence[ModelSpec], api_key: str = ""
    ) -> tuple[ModelSpec, ...]:
        """Add models of a server to the menu, and return their entries (`merge_server_specs`).

        Args:
            specs: as `server_specs` makes them.
            api_key: of their server, kept in memory only; "": as it was.

        Raises:
            BusyModelError: one of them is answering.
        """
        return self._menu.add_server_models(specs, api_key, self._pool.unload)

    def add_from_menu(self, file: Path | None) -> tuple[ModelSpec, ...]:
        """Add what a menu file has and this menu has not, and return it.

        Args:
            file: the file; None: that of the models which were made here.

        Raises:
            SettingsError: the file cannot be used.
        """
        return self._menu.add_new(read_menu(file))

    def choose_space(self, model: str, space: str) -> ModelSpec:
        """Remember what the numbers of a model's boxes count, until the program ends.

        Args:
            model: its name on the menu.
            space: name of a coordinate space, in full; "": as its family says.

        Raises:
            UnknownModelError: there is no such model.
            InputError: there is no such space.
        """
        return self._menu.choose_space(model, space)

    def is_loaded(self, name: str) -> bool:
        """Whether the model can answer at once."""
        spec = next((spec for spec in self.menu if spec.name == name), None)
        parts = self._router.list_parts(spec) if spec else ()
        return bool(parts) and all(self._pool.is_loaded(spec.name) for spec in parts)

    def can_answer_without_fetching(self, model: str) -> bool:
        """Whether a model is loaded, on this computer, or on a server."""
        return all(
            spec.engine == "remote" or spec.is_here or self._pool.is_loaded(spec.name)
            for spec in self._parts(model)
        )

    def load(
        self, model: str, number_format: NumberFormat | None = None
    ) -> Generator[Progress, None, None]:
        """Fetch and load a model in the background; yield how far it has come.

        Several readers may wait for the same model. Loading goes on when they stop reading.

        Args:
            model: its name on the menu.
            number_format: to load it in; a model that is loaded in another is replaced. None: that
                in which it is loaded, or the one that was chosen last, or the menu's.

        Raises:
            NotRunnableError: this program cannot run the model.
            BusyModelError: it is answering, or being loaded, in another format.
            LoadError: the checkpoint cannot be fetched or loaded.
            OutOfMemoryError: it does not fit; the message says what would.
        """
        for spec in self._parts(model):
            spec.require_runnable()
            yield from self._pool.load(spec, number_format)

    def progress(self, model: str) -> Progress | None:
        """Return how far the loading of a model has come; None: it can answer at once."""
        progress = (self._pool.progress(spec.name) for spec in self._parts(model))
        return next((one for one in progress if one), None)

    def stop_loading(self, model: str) -> None:
        """End the loading of a model soon; those who wait for it get a LoadError."""
        for spec in self._parts(model):
            self._pool.stop_loading(spec.name)

    def unload(self, model: str) -> None:
        """Free the memory of a model; one that is not loaded is left as it is.

        Raises:
            BusyModelError: it is answering, or being loaded.
        """
        for spec in self._parts(model):
            self._pool.unload(spec.name)

    def format_options(self, model: str) -> list[FormatOption]:
        """Return the number formats that make sense for a model on this machine, AUTO first."""
        return self._pool.format_options(self.spec(model))

    def number_format(self, model: str) -> NumberFormat:
        """Return the number format in which a model is loaded, or will be."""
        return self._pool.number_format(self.spec(model))

    def usage(self, model: str) -> Usage | None:
        """Return what a model is doing and what it has saved; None: it is not loaded."""
        return combine_usages(self._pool.usage(spec.name) for spec in self._parts(model))

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return self._pool.free_memory()

    def check(self, model: str, request: Request) -> None:
        """Refuse a request that the model cannot answer, without loading anything.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or not with these options.
        """
        spec = self.spec(model)
        spec.check(request.task)
        if spec.engine != "automatic":  # it is known once the picture has been looked at
            self._check_options(spec, request)

    def _check_options(self, spec: ModelSpec, request: Request) -> None:
        check_thinking(spec, request.sampling.thinking if request.sampling else None)
        check_visual_tokens(spec, request.sampling.visual_tokens if request.sampling else None)
        check_system_prompt(spec, request.system)
        spec.find_family().check(request, max_characters=self._max_characters)

    def route(self, model: str, request: Request) -> Route:
        """Return who answers a request, by the kind of its picture where that matters.

        Raises:
            VlmDemoError: the model is unknown, or the one that answers cannot do the task.
        """
        self.check(model, request)
        spec = self.spec(model)
        route = self._router.find_route(spec, request)
        if route.spec is not spec and not route.refusal:
            route.spec.check(request.task)
            self._check_options(route.spec, request)
        return route

    def recognize(self, image: Image) -> ImageKind | None:
        """Return what kind of picture an image is; None: nothing is on it, or nobody can tell."""
        return self._router.recognize(image)

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply as it grows; the last one is complete. Closing the iterator stops it.

        While it waits for others, replies without text give its queue position. If a conversation
        does not fit into the model's context, its oldest turns are left out, and the reply's note
        says so. A reply about several things has a result for each of them.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or failed.
        """
        route = self.route(model, request)
        if route.refusal:
            refusal = Reply(route.refusal, route.refusal, answer=route.refusal)
            yield replace(refusal, stop=StopReason.FINISHED, model=model)
            return
        targets = read_targets(request.text) if request.task in TARGET_TASKS else ()
        answer = partial(self._answer, route)
        if len(targets) < 2:
            yield from answer(request)
            return
        requests = route.spec.find_family().split_request(request)
        if len(requests) > 1:
            at_once = self._serving.batch
            yield from answer_each(requests, targets, answer, at_once=at_once)
            return
        with closing(answer(request)) as replies:
            for reply in replies:
                yield assign_targets(reply, targets)

    def _answer(self, route: Route, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply to one prompt; see `answer`."""
        timer = AnswerTimer()
        spec = route.spec
        family = spec.find_family()
        sampling = request.sampling or family.sampling
        with self._using(spec) as engine:
            omitted_turns = 0
            for attempt in count():
                prompt = self._prompt(spec, request, engine)
                omission = describe_omission(omitted_turns) if omitted_turns else ""
                notes = route.note, prompt.note, omission
                prompt = replace(prompt, note=join_texts(*notes))
                try:
                    reader = AnswerReader(family, prompt, timer, spec.name)
                    yield from reader.read(engine, sampling)
                    return
                except TooLongError as error:  # before anything was written
                    # A server does not say how much is too much: twice as much goes each time.
                    excess = error.excess_tokens or 2**attempt * MESSAGE_TOKENS
                    request, turns = family.without_oldest_turns(request, excess)
                    if not turns:
                        raise
                omitted_turns += turns

    def score(self, model: str, request: Request) -> list[float]:
        """Return the log-probability of each of the request's choices as the whole answer.

        The model is asked as `answer` asks it. The logarithms are natural.

        Raises:
            NoScoresError: the engine cannot compute them.
            VlmDemoError: as `answer` does, or there are no choices.
        """
        route = self.route(model, request)
        if not request.choices:
            raise InputError("Give the answers to choose from.")
        if route.refusal:
            raise NoScoresError(route.refusal)
        with self._using(route.spec) as engine:
            prompt = self._prompt(route.spec, request, engine)
            return engine.score(prompt, prompt.choices)

    def inspect(self, model: str, request: Request) -> RenderedPrompt:
        """Return what exactly a model is given for a request; nothing is generated.

        Raises:
            VlmDemoError: as `answer` does.
        """
        route = self.route(model, request)
        if route.refusal:
            raise InputError(route.refusal)
        with self._using(route.spec) as engine:
            return engine.inspect(self._prompt(route.spec, request, engine))

    def _prompt(self, spec: ModelSpec, request: Request, engine: Engine) -> Prompt:
        family = spec.find_family()
        if spec.engine == "remote":
            family = limit_image_size(family)
        prompt = family.prompt(
            request, control_tokens=engine.control_tokens, max_characters=self._max_characters
        )
        prompt = replace(prompt, visitor=request.visitor)
        if prompt.frame is None or not spec.coordinate_space:
            return prompt
        return replace(prompt, frame=replace(prompt.frame, space=spec.coordinate_space))

    def close(self) -> None:
        """Unload every model; answers that are still running end with an EngineError."""
        self._pool.close()

    def _using(self, spec: ModelSpec) -> AbstractContextManager[Engine]:
        """Hold a model while it answers; see `ModelPool.using`.

        Raises:
            NotRunnableError: it would have to be fetched, and nobody has asked for that.
        """
        if not (self._fetch_for_answers or self.can_answer_without_fetching(spec.name)):
            raise NotRunnableError(
                "{name} is not on this computer, and only the operator of this page can "
                "download it. Choose another model.",
                name=spec.name,
            )
        return self._pool.using(spec)

    def _open_engine(self, spec: ModelSpec, on_progress: OnProgress) -> Engine:
        """Open the engine of a menu entry.

        Raises:
            LoadError: the checkpoint cannot be fetched or loaded.
        """
        spec.require_embedded_weights()
        options = spec.load_options(self._device, self._menu.server_key(spec))
        return open_engine(options, self._serving, on_progress)
