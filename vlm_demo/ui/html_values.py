"""Values of the page's own components, and texts that the browser translates."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TranslatableText:
    """An English text that the browser shows in its own language; values fill its {blanks}."""

    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        """The text in English."""
        return self.template.format(**self.values)


DisplayText = TranslatableText | str
"""A text that a component shows. Where there are no values, a plain string is enough."""


def translatable_html(text: DisplayText) -> str:
    """Write a text as HTML: in English until the page translates it (page.js)."""
    data = ""
    if not isinstance(text, str):
        data = f' data-said="{html.escape(encode_value(_encode_text(text)))}"'
    return f"<span data-say{data}>{html.escape(str(text))}</span>"


def encode_value(content: dict[str, Any]) -> str:
    """Write what a component shows as JSON.

    It is text and not an object, since Gradio streams differences and applies them inside the
    object that a component holds, which then cannot see that anything has changed.
    """
    text = json.dumps(content, ensure_ascii=False, default=_encode_text)
    return text.replace("<", "\\u003c")  # no tag in an attribute


def _encode_text(value: object) -> dict[str, Any]:
    if isinstance(value, TranslatableText):
        return {"words": value.template, "values": dict(value.values)}
    raise TypeError(f"A component cannot show {value!r}.")
