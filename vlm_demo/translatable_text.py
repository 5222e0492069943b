"""English texts for people that the page can translate.

A text is a template with {blanks}, and what fills them. The template is the key of its translation,
so the page translates a text without taking a finished sentence apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class TranslatableText:
    """An English text for people; `values` fill its {blanks}, and may be such texts themselves."""

    template: str
    values: Mapping[str, str | int | TranslatableText] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Equal texts have equal templates; their values may be a dict."""
        return hash(self.template)

    def __str__(self) -> str:
        """The text in English."""

        def fill(blank: re.Match[str]) -> str:
            return str(self.values.get(blank[1], blank[0]))

        return _BLANK.sub(fill, self.template)


TextValues = Mapping[str, str | int | TranslatableText]
"""What fills the blanks of a text, by their names."""

DisplayText = TranslatableText | str
"""A text for people. Where there are no values, the template alone is enough."""


def message(text: str) -> str:
    """Return a text as it is, and mark it for translation (`ui/i18n/extraction.py`)."""
    return text


def join_texts(*texts: DisplayText) -> DisplayText:
    """Return whole sentences one after another; empty ones are left out, and repetitions."""
    joined: DisplayText = ""
    for text in dict.fromkeys(str(one) for one in texts if str(one)):
        original = next(one for one in texts if str(one) == text)
        joined = _pair(joined, original) if joined else original
    return joined


def _pair(first: DisplayText, second: DisplayText) -> TranslatableText:
    values = {"first": as_text(first), "second": as_text(second)}
    return TranslatableText("{first} {second}", values)


def list_alternatives(alternatives: Sequence[DisplayText]) -> DisplayText:
    """Return alternatives, of which there is at least one: "a, b or c".

    Strings among them are names, which are not translated.
    """
    *others, last = alternatives
    if not others:
        return last
    return TranslatableText("{first} or {second}", {"first": list_texts(others), "second": last})


def list_texts(texts: Sequence[DisplayText]) -> DisplayText:
    """Return texts, of which there is at least one, with the commas of the language: "a, b, c".

    Strings among them are names, which are not translated.
    """
    joined, *others = texts
    for one in others:
        joined = TranslatableText("{first}, {second}", {"first": joined, "second": one})
    return joined


def as_text(text: DisplayText) -> TranslatableText:
    """Return a template as a text: as a value of another text it is translated too."""
    return text if isinstance(text, TranslatableText) else TranslatableText(text)


def text_to_json(text: DisplayText) -> Any:
    """Return a text as JSON: a string, or `{words, values}` with the template and its values."""
    if isinstance(text, str):
        return text
    values = {
        name: text_to_json(value) if isinstance(value, TranslatableText) else value
        for name, value in text.values.items()
    }
    return {"words": text.template, "values": values}


def text_from_json(content: Any) -> DisplayText:
    """Read what `text_to_json` wrote.

    Raises:
        ValueError: it did not.
    """
    match content:
        case str():
            return content
        case {"words": str(template), "values": dict(values)}:
            return TranslatableText(template, {str(k): _value_from_json(values[k]) for k in values})
    raise ValueError("This is not a text for people.")


def _value_from_json(value: Any) -> str | int | TranslatableText:
    if isinstance(value, str | int):
        return value
    return as_text(text_from_json(value))
