"""Values of the page's own components, and texts that the browser translates."""

from __future__ import annotations

import html
import json
from typing import Any

from vlm_demo.translatable_text import DisplayText, TranslatableText, text_to_json


def translatable_html(text: DisplayText) -> str:
    """Write a text as HTML: in English until the page translates it (page.js)."""
    return f"<span{translatable_content(text)}</span>"


def translatable_content(text: DisplayText) -> str:
    """Write a text as the end of an opening tag and the content of its element."""
    return f" data-say{_values_attribute(text)}>{html.escape(str(text))}"


def translatable_attribute(name: str, text: DisplayText) -> str:
    """Write a text as an attribute of HTML, in an element with no other text to translate."""
    own = f'{name}="{html.escape(str(text))}"'
    return f'{own} data-say="{name}"{_values_attribute(text)}'


def _values_attribute(text: DisplayText) -> str:
    if isinstance(text, str):
        return ""
    return f' data-said="{html.escape(encode_value(text_to_json(text)))}"'


def encode_value(content: dict[str, Any]) -> str:
    """Write what a component shows as JSON.

    It is text and not an object, since Gradio streams differences and applies them inside the
    object that a component holds, which then cannot see that anything has changed.
    """
    text = json.dumps(content, ensure_ascii=False, default=_encode_text)
    return text.replace("<", "\\u003c")  # no tag in an attribute


def _encode_text(value: object) -> dict[str, Any]:
    if isinstance(value, TranslatableText):
        content: dict[str, Any] = text_to_json(value)
        return content
    raise TypeError(f"A component cannot show {value!r}.")
