"""Which language a visitor reads, for what the server writes in it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import cookie_parser

from vlm_demo.ui.i18n import LANGUAGE_NAMES

LANGUAGE_COOKIE = "vlm_demo_language"
"""Name of the cookie that keeps the language chosen in the header (`header/language.js`)."""


def choose_language(headers: Mapping[str, str]) -> str:
    """Return the language that was chosen in the header, or the one that the browser asks for."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGE_NAMES:
        return chosen
    wanted: list[tuple[float, str]] = []
    for entry in headers.get("accept-language", "").split(","):
        tag, _, quality = entry.strip().partition(";q=")
        try:
            wanted.append((float(quality or 1), tag.partition("-")[0].lower()))
        except ValueError:  # not a number: the entry counts for nothing
            continue
    known = [(quality, tag) for quality, tag in wanted if tag in LANGUAGE_NAMES and quality > 0]
    return max(known, key=lambda entry: entry[0])[1] if known else "en"
