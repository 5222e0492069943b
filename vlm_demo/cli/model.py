"""The model that a command asks: the options that choose it, its pictures and its answers."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL.Image import Image

from vlm_demo.analysis.multiple_choice import Ranking, rank_choices
from vlm_demo.backend import Backend
from vlm_demo.catalog.server_menu import is_server_address
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.cli.options import Menu, Server
from vlm_demo.cli.terminal import GrowingText, print_json, print_note, show_progress
from vlm_demo.errors import InputError, NoScoresError, quote_name
from vlm_demo.families import get_family
from vlm_demo.images.opening import open_image
from vlm_demo.markup.coordinate_spaces import KNOWN_SPACES, find_space
from vlm_demo.prompting.stop_notes import stop_note
from vlm_demo.settings import Settings
from vlm_demo.values import Reply, ReplyState, Request, Sampling

PATIENCE_S = 3.0
"""Seconds after which people are told that a server has not begun to answer."""


@dataclass(frozen=True)
class ModelOptions:
    """The options that choose a model."""

    model: Annotated[
        str | None,
        typer.Option(
            help="A name on the menu, a Hub ID or a folder. Default: the first on the menu."
        ),
    ] = None
    menu: Menu = None
    server: Server = None

    def select(self) -> SelectedModel:
        """Find the model; nothing is loaded yet.

        Raises:
            UnknownModelError: it is not on the menu.
            SettingsError: the menu cannot be used.
            LoadError: a Hub id or folder was given, and there is no such checkpoint.
        """
        settings, backend = open_backend(menu=self.menu, server=self.server)
        name = self.model or backend.menu[0].name
        is_on_menu = any(spec.name == name for spec in backend.menu)
        if not is_on_menu and is_server_address(name):
            raise InputError(f"{name} is the address of a server. Give it as --server.")
        # Only a path or a Hub id has a slash; a misspelt name gets a list of names.
        is_checkpoint = not is_on_menu and ("/" in name or Path(name).is_dir())
        spec = backend.add_checkpoint(name) if is_checkpoint else backend.spec(name)
        return SelectedModel(backend, spec, settings, self._sampling(spec))

    def _sampling(self, spec: ModelSpec) -> Sampling | None:
        return None


@dataclass(frozen=True)
class AnswerOptions(ModelOptions):
    """The options that choose a model and how its tokens are drawn."""

    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="0: always the likeliest token.")
    ] = None
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens after which an answer is cut off.")
    ] = None
    seed: Annotated[
        int | None, typer.Option(min=0, help="Makes answers at a temperature repeatable.")
    ] = None
    thinking: Annotated[
        bool | None,
        typer.Option(
            "--thinking/--no-thinking",
            help="Whether a model that can reason first does. Default: as it does by itself.",
        ),
    ] = None

    visual_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How finely images are seen: one of the numbers of visual tokens that the "
            "model's family offers. Default: as the model has it.",
        ),
    ] = None

    coordinates: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="What the numbers of boxes count: unit, n1000, pixels, n1000_yxyx and so on. "
            "Default: what the model's family says, or a guess.",
        ),
    ] = None

    def select(self) -> SelectedModel:
        """Find the model, and note what its numbers count; see `ModelOptions.select`.

        Raises:
            InputError: there is no such coordinate space.
        """
        model = super().select()
        if not self.coordinates:
            return model
        space = find_space(self.coordinates)
        if space is None:
            raise InputError(
                f"There is no coordinate space {quote_name(self.coordinates)}. "
                f"Known: {KNOWN_SPACES}."
            )
        return replace(model, spec=model.backend.choose_space(model.spec.name, space.name))

    def _sampling(self, spec: ModelSpec) -> Sampling | None:
        options: dict[str, Any] = {
            "temperature": self.temperature,
            "max_new_tokens": self.max_new_tokens,
            "seed": self.seed,
            "thinking": self.thinking,
            "visual_tokens": self.visual_tokens,
        }
        changes = {name: value for name, value in options.items() if value is not None}
        return replace(get_family(spec.family).sampling, **changes) if changes else None


@dataclass(frozen=True, slots=True)
class SelectedModel:
    """The model that a command asks, and how."""

    backend: Backend
    spec: ModelSpec
    settings: Settings
    sampling: Sampling | None  # None: the family's own

    def read_image(self, argument: str) -> Image:
        """Open the picture that the command line names.

        Raises:
            ImageError: it is not a picture that can be read.
        """
        return read_image(argument, self.settings)


def open_backend(**flags: Any) -> tuple[Settings, Backend]:
    """Read the settings, and open a backend that is closed when the program ends."""
    settings = Settings.read(flags)
    backend = Backend.from_settings(settings)
    # A model that still computes while the interpreter ends would abort the process.
    atexit.register(backend.close)
    return settings, backend


def read_image(argument: str, settings: Settings) -> Image:
    """Open a picture file, or standard input for "-".

    Raises:
        ImageError: it is not a picture that can be read.
    """
    source = sys.stdin.buffer if argument == "-" else Path(argument)
    return open_image(source, max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)


def answer(model: SelectedModel, request: Request, *, quiet: bool = False) -> Reply:
    """Return the complete answer; print its text as it grows, unless `quiet`.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    _prepare(model, request)
    text, notes = GrowingText(), AnswerNotes()
    reply = Reply("", "")
    for reply in stream_answer(model, request):
        notes.begin(reply)
        if not quiet:
            text.grow(reply.text)
    if not quiet:
        text.end(reply.text)
    notes.end(reply)
    if reply.state is ReplyState.PARTLY_UNREADABLE:
        print_note("Some of the boxes or points in this answer cannot be read.")
    if reply.state is ReplyState.UNREADABLE:
        print_note(f"The answer has boxes or points that cannot be read: {reply.raw}")
    if reply.state is ReplyState.SPACE_UNKNOWN:
        print_note(
            "Boxes or points were found, but not what their numbers count. Say it with "
            f"--coordinates, such as pixels, n1000 or unit: {reply.raw}"
        )
    return reply


def stream_answer(model: SelectedModel, request: Request) -> Generator[Reply, None, None]:
    """Yield the reply as it grows; say so once if the server of a model is silent at first.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    begun, is_told = time.monotonic(), model.spec.engine != "remote"
    with closing(model.backend.answer(model.spec.name, request)) as replies:
        for reply in replies:
            if reply.is_waiting and not is_told and time.monotonic() - begun > PATIENCE_S:
                print_note(f"Waiting for the server of {model.spec.name} ...")
                is_told = True
            yield reply


class AnswerNotes:
    """Prints the notes on one answer: what is known before its words first, the rest after them."""

    def __init__(self) -> None:
        self._printed: str | None = None

    def begin(self, reply: Reply) -> None:
        """Print the note of the first reply: who answers, or that the model cannot know."""
        if self._printed is None:
            self._printed = str(reply.note)
            if reply.note:
                print_note(self._printed)

    def end(self, reply: Reply) -> None:
        """Say how a complete answer was understood, and why it ended if that was not its end."""
        more = str(reply.note).removeprefix(self._printed or "").strip()
        for note in filter(None, (more, stop_note(reply))):
            print_note(str(note))


def outline_answer(backend: Backend, reply: Reply, image: Image, model: str) -> Reply:
    """Return an answer with outlines in place of its boxes and points.

    Args:
        backend: has the models.
        reply: the answer.
        image: the picture that it is about.
        model: that outlines, by its name on the menu; "": one that is here, or the smallest.

    Raises:
        VlmDemoError: there is no such model, it cannot be loaded, or it failed.
    """
    spec = backend.outliner.find_model(model)
    show_progress(backend.load(spec.name), spec.name)
    outlined = backend.outliner.outline_reply(reply, (image,), spec.name)
    if note := str(outlined.note).removeprefix(str(reply.note)).strip():
        print_note(note)
    return outlined


def print_answer(model: SelectedModel, request: Request, *, json_output: bool) -> None:
    """Print the answer as it grows, or as JSON when it is complete.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    reply = answer(model, request, quiet=json_output)
    if json_output:
        print_json(answer_to_data(reply))


def answer_to_data(reply: Reply) -> dict[str, str]:
    """Return an answer without regions as data for programs."""
    stop = {"stop": reply.stop.value} if reply.stop else {}
    known = {"model": reply.model, "note": str(reply.note)}
    return {"text": reply.text, **stop, **{key: value for key, value in known.items() if value}}


def rank(model: SelectedModel, request: Request) -> Ranking | None:
    """Compare the choices of a request; None where the model's engine cannot.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    _prepare(model, request)
    try:
        ranking = rank_choices(request, partial(model.backend.score, model.spec.name))
    except NoScoresError:
        return None  # then the answer says what there is to say
    if note := model.backend.route(model.spec.name, request).note:
        print_note(str(note))
    return ranking


def load(model: SelectedModel) -> None:
    """Load a model that was chosen by name, with a progress bar.

    Raises:
        LoadError: it cannot be fetched or loaded.
    """
    spec = model.spec
    if spec.engine == "automatic":
        return  # what is needed is known with the picture, and small
    if spec.embedded and sys.stderr.isatty():
        print_note(f"{spec.name}: {spec.note}")
    show_progress(model.backend.load(spec.name), spec.name)


def _prepare(model: SelectedModel, request: Request) -> None:
    """Refuse a request that the model cannot serve, before it is loaded; then load it."""
    model.backend.check(model.spec.name, request)
    load(model)
