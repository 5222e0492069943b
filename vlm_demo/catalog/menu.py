"""The menu: which models can be chosen, the default first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import SettingsError, UnknownModelError, quote_name, suggest_names
from vlm_demo.translatable_text import TranslatableText, join_texts, message

CATALOG = tuple(
    Path(__file__).with_name(name) for name in ("catalog.toml", "recent.toml", "documents.toml")
)
"""The files of the menu that ships with the program, in the order in which they are shown."""

REPOSITORY = Path(__file__).parents[2]
"""The folder that embedded models are looked up in."""


@cache
def default_menu() -> tuple[ModelSpec, ...]:
    """Return the embedded models, the default first, then well-known checkpoints."""
    return tuple(spec for path in CATALOG for spec in load_menu(path, relative_to=REPOSITORY))


def load_menu(path: Path, *, relative_to: Path | None = None) -> tuple[ModelSpec, ...]:
    """Read a menu from a TOML file of [[model]] tables, one per ModelSpec.

    Folders are relative to the file, or to `relative_to`.

    Raises:
        SettingsError: the file or one of its entries cannot be used.
    """
    from vlm_demo.catalog.menu_file import read_menu_file  # pydantic is slow to import

    specs = read_menu_file(path, relative_to or path.parent)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(
                "The menu {path} has several models called {name}.", path=path, name=repr(name)
            )
    if specs[0].unavailable_reason:
        raise SettingsError(
            "The menu {path} begins with {name}, and the first model is loaded unless another "
            "is chosen. {reason}",
            path=path,
            name=repr(names[0]),
            reason=specs[0].unavailable_reason,
        )
    return specs


def find(menu: Sequence[ModelSpec], name: str) -> ModelSpec:
    """Return the entry called `name`, or raise UnknownModelError."""
    for spec in menu:
        if spec.name == name:
            return spec
    unknown = TranslatableText("There is no model called {name}.", {"name": quote_name(name)})
    suggestion = suggest_names(name, [spec.name for spec in menu])
    advice = message("vlm-demo models lists them all.")
    raise UnknownModelError(join_texts(unknown, suggestion, advice))
