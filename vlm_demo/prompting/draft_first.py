"""Families whose template opens the draft itself: their output begins inside `<think>`."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Self

from vlm_demo.prompting.family import Family
from vlm_demo.values import Prompt, Reply


class DraftFirst(Family):
    """All is draft until `</think>`, though no `<think>` stands in the output."""

    @classmethod
    def of(cls, family: Family, **changes: Any) -> Self:
        """Derive a relative that drafts from one that does not."""
        values = {field.name: getattr(family, field.name) for field in fields(family)}
        return cls(**values | changes)

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        if "</think>" in raw or raw.lstrip().startswith("<think>"):
            return super().reply(raw, prompt)
        return replace(super().reply(f"<think>{raw}", prompt), raw=raw)
