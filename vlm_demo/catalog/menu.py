"""The menu: which models can be chosen, and where each one runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from vlm_demo.engines import (
    Dtype,
    EngineKind,
    Quantization,
    ServerKind,
    checkpoint_config,
    folder_on_disk,
)
from vlm_demo.errors import (
    LoadError,
    NotRunnableError,
    SettingsError,
    UnknownModelError,
    UnsupportedTaskError,
    VlmDemoError,
)
from vlm_demo.families import family_for_model_type, get_family
from vlm_demo.values import Task

CATALOG = Path(__file__).with_name("catalog.toml")
REPOSITORY = Path(__file__).parents[2]

Runs = Literal["here", "remote", "remote code", "nowhere"]
"""here: in this program. remote: only in the program of its own repository, or on a server that
has it. remote code: with program code from its Hub repository. nowhere: closed or never released.
"""

Commercial = Literal["yes", "no", "on conditions", "unknown"]

Precision = Literal["bf16", "8-bit", "4-bit"]

BITS: Mapping[Precision, float] = {"bf16": 16, "8-bit": 8, "4-bit": 4.5}
"""Of each parameter. With 4 bits, every 64 weights share a constant of 32 bits, half a bit each
(QLoRA, https://arxiv.org/abs/2305.14314, section 3)."""

OVERHEAD = 1.2
"""Memory to answer with, per memory of the weights: a rule of thumb of
https://blog.eleuther.ai/transformer-math/ ("Total Inference Memory"). Many large pictures or long
conversations take more."""


def memory_bytes(parameters: int, precision: Precision) -> int:
    """Estimate the memory that a model takes while it answers one request."""
    return round(parameters * BITS[precision] / 8 * OVERHEAD)


class Ability(StrEnum):
    """What people look for in a model."""

    CHAT = "chat"
    SEVERAL_PICTURES = "several pictures"
    CAPTION = "caption"
    ASK = "ask"
    LOCATE = "locate"
    REGION_INPUT = "region input"  # in the model's own syntax, not drawn into the picture
    POINTS = "points"
    MASKS = "masks"
    READ = "text reading"


TASKS_OF: Mapping[Ability, tuple[Task, ...]] = {
    Ability.CHAT: (Task.CHAT,),
    Ability.CAPTION: (Task.CAPTION, Task.DETAILED_CAPTION),
    Ability.ASK: (Task.VQA,),
    Ability.LOCATE: (Task.GROUNDING, Task.DETECT, Task.GROUNDED_CAPTION),
    Ability.REGION_INPUT: (Task.DESCRIBE_REGION,),
    Ability.READ: (Task.READ,),
}
"""The tasks that show an ability: a family that can do one of them has it."""

_WITH_PLACES = (Ability.LOCATE, Ability.POINTS, Ability.MASKS)
"""What comes back as places in the text."""


_FOR_SERVERS = ("base_url", "server", "api_key_env")
"""What a menu says only of models on other servers ..."""

_FOR_THIS_MACHINE = ("revision", "dtype", "quantization", "trust_remote_code", "embedded")
"""... and what it says only of models that this machine loads itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of the menu."""

    name: str  # shown to the user
    family: str
    checkpoint: str = ""  # Hub id, or folder; "" where there are no weights to be had
    engine: EngineKind = "local"  # remote: a server has it, and `checkpoint` is its name there
    base_url: str = ""  # of the server's OpenAI-compatible API, as a rule http://host:port/v1
    server: ServerKind = "vllm"  # what it understands beyond the standard
    api_key_env: str = ""  # environment variable with the key; never the key itself
    revision: str | None = None  # of the Hub repository; None: its newest
    dtype: Dtype = "auto"
    quantization: Quantization = "none"
    trust_remote_code: bool = False  # runs code from the Hub: wants a pinned revision
    runs: Runs = "here"
    embedded: bool = False  # comes with the program
    gated: bool = False  # the Hub asks for an agreement first
    parameters: int | None = None  # all of them, also where only a part works on each word
    licence: str = ""
    commercial: Commercial = "unknown"  # whether the licence allows commercial use
    resolution: str = ""  # how large the model sees a picture, in pixels
    languages: tuple[str, ...] = ()
    also: tuple[Ability, ...] = ()  # what it can do beyond the tasks of its family
    cannot: tuple[Ability, ...] = ()  # what others of its family can do
    alternative: str = ""  # a model of the menu that runs here and is most like it
    source: str = ""  # address of the card or repository that the facts are from
    unverified_fields: tuple[str, ...] = ()  # names of the fields here that could not be checked
    note: str = ""  # one honest line for the person who chooses

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model can be asked, in the order of `Task`."""
        return tuple(task for task in Task if self.supports(task))

    def supports(self, task: Task) -> bool:
        """Whether the family can do the task, and this checkpoint is no exception."""
        return not self.excepts(task) and task in get_family(self.family).instructions

    def excepts(self, task: Task) -> bool:
        """Whether this checkpoint cannot do a task that its family may be able to do."""
        return any(task in TASKS_OF.get(ability, ()) for ability in self._lacking)

    @property
    def _lacking(self) -> tuple[Ability, ...]:
        """What others of its family can do.

        A server that knows only the standard leaves special tokens out, and with them the places
        of families that write these in them.
        """
        loses_places = (
            self.engine == "remote"
            and self.server == "openai"
            and get_family(self.family).keep_special_tokens
        )
        return (*self.cannot, *(_WITH_PLACES if loses_places else ()))

    def check(self, task: Task) -> None:
        """Refuse a task that the model cannot do, or any where it cannot run.

        Raises:
            NotRunnableError: this program cannot run the model.
            UnsupportedTaskError: the model cannot do the task.
        """
        if self.unavailable_reason:
            raise NotRunnableError(self.unavailable_reason)
        if not self.supports(task):
            who = self.name if self.excepts(task) else f"{get_family(self.family).title} models"
            raise UnsupportedTaskError(
                f"{who} cannot do this task ({task.replace('_', ' ')}). "
                "Please choose another model."
            )

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What people can use it for, in the order of `Ability`."""
        return tuple(ability for ability in Ability if self._has(ability))

    def _has(self, ability: Ability) -> bool:
        family = get_family(self.family)
        if ability in self._lacking:
            return False
        if ability in self.also:
            return True
        match ability:
            case Ability.SEVERAL_PICTURES:
                return family.limits.max_images > 1
            case Ability.REGION_INPUT:
                return family.writes_regions
            case _:
                return any(task in family.instructions for task in TASKS_OF.get(ability, ()))

    def memory(self, precision: Precision) -> int | None:
        """Bytes of this machine's memory while it answers; None: it takes none, or not known."""
        if self.engine == "remote" or self.parameters is None:
            return None
        return memory_bytes(self.parameters, precision)

    def fitting(self, free: int) -> Precision | None:
        """Return the finest precision in which the model fits into some bytes, if there is one."""
        for precision in BITS:
            memory = self.memory(precision)
            if memory is not None and memory <= free:
                return precision
        return None

    @property
    def runs_here(self) -> bool:
        """Whether this program can load it, if need be after fetching it."""
        return not self.unavailable_reason

    @property
    def unavailable_reason(self) -> str:
        """Why this program cannot run it, and what to do; "" where it can."""
        if self.engine == "remote":
            return ""  # whoever wrote the menu has a server that can
        instead = (
            f" The nearest model that runs here is {self.alternative}." if self.alternative else ""
        )
        match self.runs:
            case "here":
                return ""
            case "remote code":
                return (
                    f"{self.name} brings program code of its own, which is not run unasked. Please "
                    "read that code, and then enter the model in a menu of your own (--menu) with "
                    f"trust_remote_code = true and the revision that you have read.{instead}"
                )
            case "remote":
                return (
                    f"{self.name} runs only in a program of its own. Please see {self.source} for "
                    f"it, or choose another model.{instead}"
                )
            case "nowhere":
                return (
                    f"{self.name} cannot be run by anybody else: its weights were never released. "
                    f"Please choose another model.{instead}"
                )

    @property
    def folder(self) -> Path | None:
        """Where the checkpoint is on this machine; None if it is not there."""
        if self.engine == "remote" or not self.checkpoint:
            return None
        return folder_on_disk(self.checkpoint, self.revision)

    @property
    def is_here(self) -> bool:
        """Whether the model can be loaded without a network."""
        return self.folder is not None


@cache
def default_menu() -> tuple[ModelSpec, ...]:
    """Return the embedded models, the default first, then well-known checkpoints."""
    return load_menu(CATALOG, relative_to=REPOSITORY)


def load_menu(path: Path, *, relative_to: Path | None = None) -> tuple[ModelSpec, ...]:
    """Read a menu from a TOML file of [[model]] tables, one per ModelSpec.

    Folders are relative to the file, or to `relative_to`.

    Raises:
        SettingsError: the file or one of its entries cannot be used.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The menu {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The menu {path} is not valid TOML: {error}.") from error
    entries = document.get("model")
    if not isinstance(entries, list) or not entries:
        raise SettingsError(f"The menu {path} has no models: each one is a [[model]] table.")
    specs = tuple(_spec(entry, path, relative_to or path.parent) for entry in entries)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"The menu {path} has several models called {name!r}.")
    if specs[0].unavailable_reason:
        raise SettingsError(
            f"The menu {path} begins with {names[0]!r}, and the first model is the one that is "
            f"loaded unless another is chosen. {specs[0].unavailable_reason}"
        )
    return specs


def find(menu: Sequence[ModelSpec], name: str) -> ModelSpec:
    """Return the entry called `name`, or raise UnknownModelError."""
    for spec in menu:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in menu)
    raise UnknownModelError(f"There is no model called {name!r}. On the menu: {known}.")


def spec_for_checkpoint(checkpoint: str) -> ModelSpec:
    """Return the catalogue's entry for a Hub id, or make one from the `model_type` in its config.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
        UnknownModelError: no family reads its type of model.
    """
    checkpoint = checkpoint.strip()
    if not checkpoint:
        raise LoadError("Please give a Hub id, like HuggingFaceTB/SmolVLM-256M-Instruct.")
    for known in default_menu():
        if known.checkpoint == checkpoint:
            return known
    config = checkpoint_config(checkpoint)
    family = family_for_model_type(str(config.get("model_type", "")), checkpoint)
    return ModelSpec(
        name=Path(checkpoint).name,
        family=family.name,
        checkpoint=checkpoint,
        note=f"Added by its name; asked in the way of {family.title}.",
    )


def _spec(entry: Any, path: Path, base: Path) -> ModelSpec:
    """Check one table and make a ModelSpec of it."""
    name = entry.get("name", "?") if isinstance(entry, dict) else "?"
    where = f"The menu {path}, model {name!r}"
    if not isinstance(entry, dict):
        raise SettingsError(f"{where}: not a [[model]] table.")
    types = _types()
    required = ["name", "family"] + ["checkpoint"] * (entry.get("runs") != "nowhere")
    if missing := [field for field in required if not entry.get(field)]:
        raise SettingsError(f"{where}: {missing[0]!r} is missing.")
    for key in (*entry, *_unsure(entry)):
        if key not in types:
            known = ", ".join(field.name for field in fields(ModelSpec))
            raise SettingsError(f"{where}: there is no {key!r}. Known: {known}.")
    values = {key: _value(where, key, value, types[key]) for key, value in entry.items()}
    spec = ModelSpec(**values)
    try:
        get_family(spec.family)
    except VlmDemoError as error:
        raise SettingsError(f"{where}: {error}") from error
    if spec.engine == "remote":
        _check_server(where, entry, spec)
        return spec
    if misplaced := [key for key in _FOR_SERVERS if key in entry]:
        raise SettingsError(f'{where}: {misplaced[0]} wants engine = "remote".')
    if spec.trust_remote_code and not spec.revision:
        raise SettingsError(f"{where}: trust_remote_code needs a pinned revision.")
    folder = base / Path(spec.checkpoint).expanduser()
    here = spec.checkpoint and (spec.embedded or folder.is_dir())
    return replace(spec, checkpoint=str(folder)) if here else spec


def _check_server(where: str, entry: Mapping[str, Any], spec: ModelSpec) -> None:
    """Refuse an entry for a server that says too little, too much, or a secret.

    Nothing that could be a secret is repeated.
    """
    if misplaced := [key for key in _FOR_THIS_MACHINE if key in entry]:
        raise SettingsError(
            f'{where}: {misplaced[0]} has no meaning with engine = "remote"; it is for the server '
            "to say."
        )
    try:
        address = urlsplit(spec.base_url)
        good = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        good = False
    if not good:
        raise SettingsError(
            f'{where}: engine = "remote" needs the address of a server, as in '
            'base_url = "http://127.0.0.1:8000/v1".'
        )
    if address.username or address.password or address.query:
        raise SettingsError(
            f"{where}: base_url holds more than an address. A key belongs in an environment "
            "variable, and the name of that into api_key_env."
        )
    if spec.api_key_env and not re.fullmatch("[A-Z_][A-Z0-9_]*", spec.api_key_env):
        raise SettingsError(
            f"{where}: api_key_env must be the name of an environment variable, in capitals; the "
            "key itself does not belong into a menu."
        )


@cache
def _types() -> dict[str, Any]:
    return get_type_hints(ModelSpec)


def _unsure(entry: Mapping[str, Any]) -> list[str]:
    """The names of fields in `unsure`; what is no list of words is refused with its type."""
    names = entry.get("unsure")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _value(where: str, key: str, value: object, wanted: Any) -> Any:
    """Return a value as the field holds it, or refuse one of another type."""
    choices = get_args(wanted)
    if get_origin(wanted) is tuple:
        return _words(where, key, value, choices[0])
    if not choices:
        good, expected = type(value) is wanted, getattr(wanted, "__name__", str(wanted))
    elif type(None) in choices:
        good, expected = any(type(value) is choice for choice in choices), f"one of {choices}"
    else:
        good, expected = value in choices, f"one of {choices}"
    if not good:
        raise SettingsError(f"{where}: {key} = {value!r} cannot be used; it must be {expected}.")
    return value


def _words(where: str, key: str, value: object, kind: type[str]) -> tuple[str, ...]:
    """Return a list of words, all of them of one kind."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError(
            f"{where}: {key} = {value!r} cannot be used; it must be a list of strings."
        )
    try:
        return tuple(kind(item) for item in value)
    except ValueError as error:
        known = ", ".join(Ability)
        raise SettingsError(f"{where}: {key}: {error}. Known: {known}.") from error
