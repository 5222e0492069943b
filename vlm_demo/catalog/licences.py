"""Licences that many models have: whether they allow commercial use, and where their text is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vlm_demo.catalog.spec import Commercial

_FILE = Path(__file__).with_name("licences.toml")


@dataclass(frozen=True, slots=True)
class Licence:
    """What is known of a licence."""

    commercial: Commercial
    source: str  # address of its text


@cache
def licences_by_name() -> Mapping[str, Licence]:
    """Return the licences by the name that menus have."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))["licence"]
    return {name: Licence(**table) for name, table in tables.items()}
