"""Values of the page's own components."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """Words that the browser says in its own language, with values for {what stands so}."""

    words: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        """The same in English."""
        return self.words.format(**self.values)


Words = Said | str
"""What a component says. Of words without values, plain text is enough."""


def as_html(words: Words) -> str:
    """Write words as HTML, in English until the page says them in its language (page.js)."""
    said = "" if isinstance(words, str) else f' data-said="{html.escape(as_value(_plain(words)))}"'
    return f"<span data-say{said}>{html.escape(str(words))}</span>"


def as_value(content: dict[str, Any]) -> str:
    """Write what a component shows as JSON.

    As text and not as an object: Gradio streams the differences and applies them inside the object
    that the component already holds, which then cannot see that anything has changed.
    """
    text = json.dumps(content, ensure_ascii=False, default=_plain)
    return text.replace("<", "\\u003c")  # no tag in an attribute


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Said):
        return {"words": value.words, "values": dict(value.values)}
    raise TypeError(f"Not to be shown: {value!r}")


def place_in_queue(ahead: int) -> str:
    """Say how many requests are answered before one; "" where it waits for none."""
    if not ahead:
        return ""
    requests = "one request is" if ahead == 1 else f"{ahead} requests are"
    return f"The model is busy: {requests} ahead of this one."


def percent(share: float) -> str:
    """Say a share of 0 to 1 in whole percents; what is not quite all or nothing never is."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"
