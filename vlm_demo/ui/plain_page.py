"""Pages without scripts, beside the page itself: Operations, and terms to accept."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vlm_demo.translatable_text import DisplayText
from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.i18n import language_tag, translate

STYLE_SHEETS = ("tokens.css", "plain_page.css")
"""Style sheets of all such pages."""

MAX_FORM_BYTES = 4_000
"""Largest form that is read."""

Say = Callable[[DisplayText], str]
"""Returns a text in the visitor's language, as HTML."""


def translate_to_html(language: str) -> Say:
    """Return what translates texts into a language."""
    return partial(_translate, language=language)


def plain_page(language: str, title: DisplayText, body: str, sheets: Sequence[str] = ()) -> str:
    """Return a whole document.

    Args:
        language: of the visitor.
        title: its heading.
        body: HTML that follows the heading.
        sheets: further style sheets, as paths in `vlm_demo/ui`.
    """
    heading = _translate(title, language=language)
    links = "".join(
        f"<link rel='stylesheet' href='{module_url(one)}'>" for one in (*STYLE_SHEETS, *sheets)
    )
    return (
        f"<!doctype html><html lang='{language_tag(language)}'><head>"
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{heading} · VLM Demo</title>{links}</head><body class='plain-page'>"
        f"<main><h1>{heading}</h1>{body}</main></body></html>"
    )


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of the form that a browser sent; of several with a name, the first.

    Raises:
        HTTPException: it is too long; the status is 413.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise HTTPException(413, "This form is too long.")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _translate(text: DisplayText, *, language: str) -> str:
    return html.escape(translate(text, language))
