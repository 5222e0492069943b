"""The menu as a table for people and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vlm_demo.catalog.menu import BITS, ModelSpec
from vlm_demo.families import get_family

HEADING = ("NAME", "FAMILY", "SIZE", "MEMORY", "LICENCE", "COMMERCIAL", "WHERE", "CAN")


def entries(menu: Sequence[ModelSpec]) -> list[dict[str, Any]]:
    """Everything that the catalogue knows of each model; memory is in bytes."""
    return [
        {
            **asdict(spec),
            "tasks": list(spec.tasks),
            "abilities": list(spec.abilities),
            "memory": {precision: spec.memory(precision) for precision in BITS},
            "runs_here": spec.runs_here,
            "obstacle": spec.unavailable_reason,
            "here": spec.is_here,
        }
        for spec in menu
    ]


def rows(menu: Sequence[ModelSpec]) -> list[tuple[str, ...]]:
    """One line a model; a question mark stands behind what could not be checked."""
    return [HEADING, *map(_row, menu)]


def _row(spec: ModelSpec) -> tuple[str, ...]:
    def marked(words: str, field: str) -> str:
        return f"{words} ?" if words and field in spec.unverified_fields else words

    memory = spec.memory("bf16")
    return (
        spec.name,
        get_family(spec.family).title,
        marked(_size(spec.parameters), "parameters"),
        "" if memory is None else f"{memory / 1e9:.1f} GB",
        marked(spec.licence, "licence"),
        marked(spec.commercial, "commercial"),
        _whereabouts(spec),
        ", ".join(spec.abilities),
    )


def _whereabouts(spec: ModelSpec) -> str:
    if not spec.runs_here:
        return spec.runs
    if spec.engine == "remote":
        return "another server"
    if spec.is_here:
        return "this machine"
    return "missing" if spec.embedded else "fetched when chosen"


def _size(parameters: int | None) -> str:
    if parameters is None:
        return ""
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"
