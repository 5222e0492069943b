"""The menu: which models can be chosen, and where each one runs."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from vlm_demo.engines import Dtype, EngineKind, Quantization
from vlm_demo.engines.local.fetching import checkpoint_config, folder_on_disk
from vlm_demo.errors import LoadError, SettingsError, UnknownModelError, VlmDemoError
from vlm_demo.families import family_for_model_type, get_family
from vlm_demo.types import Task

CATALOG = Path(__file__).with_name("catalog.toml")
REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of the menu."""

    name: str  # shown to the user
    family: str
    checkpoint: str  # Hub id, or folder
    engine: EngineKind = "local"
    revision: str | None = None  # of the Hub repository; None: its newest
    dtype: Dtype = "auto"
    quantization: Quantization = "none"
    trust_remote_code: bool = False  # runs code from the Hub: wants a pinned revision
    parameters: int | None = None
    licence: str = ""
    languages: tuple[str, ...] = ()
    embedded: bool = False  # comes with the program
    note: str = ""  # one honest line for the person who chooses

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model's family can do, in the order of `Task`."""
        return tuple(task for task in Task if self.supports(task))

    def supports(self, task: Task) -> bool:
        """Whether the model's family can do the task."""
        return task in get_family(self.family).instructions

    @property
    def folder(self) -> Path | None:
        """Where the checkpoint is on this machine; None if it has yet to be fetched."""
        return folder_on_disk(self.checkpoint, self.revision)

    @property
    def is_here(self) -> bool:
        """Whether the model can be loaded without a network."""
        return self.folder is not None


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
    return specs


def find(menu: Sequence[ModelSpec], name: str) -> ModelSpec:
    """Return the entry called `name`, or raise UnknownModelError."""
    for spec in menu:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in menu)
    raise UnknownModelError(f"There is no model called {name!r}. On the menu: {known}.")


def spec_for_checkpoint(checkpoint: str) -> ModelSpec:
    """Make a menu entry for a Hub id or a folder, from the `model_type` in its config.json.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
        UnknownModelError: no family reads its type of model.
    """
    checkpoint = checkpoint.strip()
    if not checkpoint:
        raise LoadError("Please give a Hub id, like HuggingFaceTB/SmolVLM-256M-Instruct.")
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
    types = get_type_hints(ModelSpec)
    required = ("name", "family", "checkpoint")
    if missing := [field for field in required if not entry.get(field)]:
        raise SettingsError(f"{where}: {missing[0]!r} is missing.")
    for key, value in entry.items():
        if key not in types:
            known = ", ".join(field.name for field in fields(ModelSpec))
            raise SettingsError(f"{where}: there is no {key!r}. Known: {known}.")
        _check(where, key, value, types[key])
    values: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()
    }
    spec = ModelSpec(**values)
    if spec.trust_remote_code and not spec.revision:
        raise SettingsError(f"{where}: trust_remote_code needs a pinned revision.")
    try:
        get_family(spec.family)
    except VlmDemoError as error:
        raise SettingsError(f"{where}: {error}") from error
    folder = base / Path(spec.checkpoint).expanduser()
    return replace(spec, checkpoint=str(folder)) if spec.embedded or folder.is_dir() else spec


def _check(where: str, key: str, value: object, wanted: object) -> None:
    """Refuse a value of another type than the field's."""
    if choices := get_args(wanted):
        if wanted == tuple[str, ...]:
            good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        elif type(None) in choices:
            good = any(type(value) is choice for choice in choices)
        else:
            good = value in choices
        expected = "a list of strings" if wanted == tuple[str, ...] else f"one of {choices}"
    else:
        good, expected = type(value) is wanted, getattr(wanted, "__name__", str(wanted))
    if not good:
        raise SettingsError(f"{where}: {key} = {value!r} cannot be used; it must be {expected}.")
