"""The texts of the page in other languages.

The English text is the key: `say("Locate")` appears as "Locate" in English, and in any language
without a translation. Each language has a TOML file here. Modules of the page import a
function of the same name from `say.js`; scripts of Gradio's components find it everywhere
(`say_everywhere.js`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import gradio as gr

LANGUAGES = ("ja", "zh")
"""BCP 47 tags of the languages that the page is translated into."""

_FOLDER = Path(__file__).parent


@cache
def translations(language: str) -> Mapping[str, str]:
    """Return the translations into a language, by their English text."""
    with (_FOLDER / f"{language}.toml").open("rb") as file:
        return tomllib.load(file)


def translate(text: str, language: str) -> str:
    """Return a text in a language; in English where that has no translation of it."""
    return translations(language).get(text, text) if language in LANGUAGES else text


say = gr.I18n(en={}, **{language: dict(translations(language)) for language in LANGUAGES})
"""Marks a text for translation in the browser; `launch` gets it as `i18n`."""


@cache
def everywhere_script(language: str) -> str:
    """Return JavaScript that defines `say` for scripts of Gradio's components.

    Args:
        language: of the page; only its translations are in it.
    """
    words = {language: dict(translations(language))} if language in LANGUAGES else {}
    script = (_FOLDER / "say_everywhere.js").read_text(encoding="utf-8")
    # No tag in a text may end the script.
    return script.replace(
        "TRANSLATIONS", json.dumps(words, ensure_ascii=False).replace("</", "<\\/")
    )
