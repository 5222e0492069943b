"""The texts of the page in other languages.

The English text is the key: `say("Locate")` appears as "Locate" in English, and in any language
without a translation. A file in `catalogues/` makes a language; nothing else lists them. Modules of
the page import a function of the same name from `say.js`; scripts of Gradio's components find it
everywhere (`say_everywhere.js`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.i18n import I18nData

from vlm_demo.translatable_text import DisplayText, TranslatableText
from vlm_demo.ui.i18n.po_file import Catalogue, read_catalogue

_FOLDER = Path(__file__).parent

CATALOGUES: Mapping[str, Catalogue] = {
    file.stem: read_catalogue(file) for file in sorted((_FOLDER / "catalogues").glob("*.po"))
}
"""The catalogue of each language that the page is translated into, by the name of its file."""

LANGUAGES = tuple(CATALOGUES)
"""The languages that the page is translated into."""

LANGUAGE_NAMES = {"en": "English"} | {key: one.name for key, one in CATALOGUES.items()}
"""What each language of the page is called in itself."""


def language_tag(language: str) -> str:
    """Return the BCP 47 tag of a language of the page, as Gradio and the document use it."""
    return CATALOGUES[language].tag if language in CATALOGUES else language


def translations(language: str) -> Mapping[str, str]:
    """Return the translations into a language, by their English text."""
    return CATALOGUES[language].texts


def translate(text: DisplayText, language: str) -> str:
    """Return a text in a language; in English where that has no translation of it."""
    known = translations(language) if language in CATALOGUES else {}
    if isinstance(text, str):
        return known.get(text, text)
    values = {
        name: translate(value, language) if isinstance(value, TranslatableText) else value
        for name, value in text.values.items()
    }
    return str(TranslatableText(known.get(text.template, text.template), values))


class _GradioTexts(gr.I18n):
    """Marks texts of Gradio's components for translation in the browser."""

    def __call__(self, key: DisplayText) -> I18nData:
        """Mark a text; one with values becomes a text of its own, which Gradio cannot fill."""
        if isinstance(key, TranslatableText):
            for language in LANGUAGES:
                self.translations[language][str(key)] = translate(key, language)
        return super().__call__(str(key))


say = _GradioTexts(en={}, **{language: dict(translations(language)) for language in LANGUAGES})
"""Marks a text for translation in the browser; `launch` gets it as `i18n`."""


@cache
def everywhere_script(language: str) -> str:
    """Return JavaScript that defines `say` for scripts of Gradio's components.

    Args:
        language: of the page; only its translations are in it.
    """
    words = dict(translations(language)) if language in CATALOGUES else {}
    script = (_FOLDER / "say_everywhere.js").read_text(encoding="utf-8")
    # No tag in a text may end the script.
    return script.replace("CATALOGUE", json.dumps(words, ensure_ascii=False).replace("</", "<\\/"))
