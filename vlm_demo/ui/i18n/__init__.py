"""What the page says, in the languages that it speaks.

The English words are their own keys: `say("Locate")` is shown as "Locate" to whoever reads English,
or a language without a translation. Translations stand in a TOML file a language beside this one.
Scripts of the page say their words with a function of the same name (say.js).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import gradio as gr

LANGUAGES = ("ja", "zh")
"""BCP 47 tags of the languages that the page is translated into."""

_FOLDER = Path(__file__).parent


def translations(language: str) -> Mapping[str, str]:
    """Return what the page says in a language, by what it says in English."""
    with (_FOLDER / f"{language}.toml").open("rb") as file:
        return tomllib.load(file)


say = gr.I18n(en={}, **{language: dict(translations(language)) for language in LANGUAGES})
"""Mark words for translation in the browser; `launch` gets it as `i18n`."""

SCRIPT = (
    (_FOLDER / "say.js")
    .read_text(encoding="utf-8")
    .replace(
        "TRANSLATIONS",
        json.dumps(
            {language: dict(translations(language)) for language in LANGUAGES}, ensure_ascii=False
        ).replace("</", "<\\/"),
    )
)
"""Defines `say` in the browser."""
