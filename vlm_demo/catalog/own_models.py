"""Models that were made on this computer: entries of a menu file that the program itself writes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import SettingsError
from vlm_demo.files.atomic_file import atomic_write

log = logging.getLogger(__name__)

_LEFT_OUT = ("family_choice", "number_format", "compute_format", "title")
"""Fields that an entry is not written with: the formats are chosen when it is loaded."""


def own_menu_file() -> Path:
    """Return the menu file of models that were made here; it may not exist.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/ (XDG_DATA_HOME).
    """
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vlm_demo" / "models.toml"


def read_menu(file: Path | None) -> tuple[ModelSpec, ...]:
    """Return the entries of a menu file, or of the program's own menu and the models made here.

    Raises:
        SettingsError: a file cannot be used.
    """
    if file is not None:
        return load_menu(file)
    return (*default_menu(), *own_models(default_menu()))


def own_models(known: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """Return the models that were made here and are still there.

    Args:
        known: entries of another menu, whose names are taken.

    Raises:
        SettingsError: the file cannot be used.
    """
    file = own_menu_file()
    if not file.is_file() or not file.read_text(encoding="utf-8").strip():
        return ()
    taken = {spec.name for spec in known}
    return tuple(spec for spec in load_menu(file) if spec.name not in taken and _is_there(spec))


def add_to_menu(spec: ModelSpec, file: Path) -> None:
    """Write an entry to a menu file, in the place of one of the same name; others stay as they are.

    Raises:
        SettingsError: the file is there and cannot be used, or would not be usable afterwards.
        FileError: it cannot be written.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text.strip():
        load_menu(file)
    kept = "".join(table for table in _tables(text) if not _is_called(table, spec.name))
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as target:
        target.write(f"{kept.rstrip()}\n\n{_to_table(spec)}".lstrip().encode())


def _is_there(spec: ModelSpec) -> bool:
    """Whether the folder of an entry has not been deleted meanwhile."""
    there = Path(spec.adapter or spec.checkpoint).is_dir()
    if not there:
        log.warning("The model %s is not on the menu: its folder is gone.", spec.name)
    return there


def _tables(text: str) -> Iterator[str]:
    """Yield the beginning of a menu file, and each of its [[model]] tables with its header."""
    table: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.strip().startswith("[[model]]") and table:
            yield "".join(table)
            table = []
        table.append(line)
    yield "".join(table)


def _is_called(table: str, name: str) -> bool:
    return f"name = {json.dumps(name, ensure_ascii=False)}\n" in table


def _to_table(spec: ModelSpec) -> str:
    """Return an entry as a [[model]] table: what differs from the defaults."""
    lines = [
        f"{one.name} = {_to_toml(value)}\n"
        for one in fields(spec)
        if one.name not in _LEFT_OUT
        and ((value := getattr(spec, one.name)) != one.default or one.default is MISSING)
    ]
    return "[[model]]\n" + "".join(lines)


def _to_toml(value: Any) -> str:
    """Return a value as TOML; a JSON string of printable text is a TOML string, too."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case tuple():
            return f"[{', '.join(map(_to_toml, value))}]"
        case StrEnum() | str():
            return json.dumps(str(value), ensure_ascii=False)
        case _:
            raise SettingsError(f"A menu cannot hold {value!r}.")
