"""What the small files of a checkpoint say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointDescription:
    """A checkpoint, as far as that is known without its weights."""

    name: str
    """Its Hub id, or the name of its folder."""

    is_hub_id: bool
    """Whether `name` is a Hub id."""

    config: Mapping[str, Any]
    """The content of its config.json."""

    chat_template: str = ""
    """Its Jinja template; "": it has none."""

    special_tokens: Mapping[str, str] = field(default_factory=dict)
    """Tokens that templates name, such as `bos_token`."""

    base_models: tuple[str, ...] = ()
    """Hub ids of the models that it was made from, by its model card."""

    vocabulary: frozenset[str] = frozenset()
    """Tokens that were added to its tokenizer; empty: not known."""

    @property
    def model_type(self) -> str:
        """The `model_type` of its config; "": it has none."""
        return str(self.config.get("model_type") or "")
