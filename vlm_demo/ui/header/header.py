"""The header as HTML, in the visitor's language."""

from __future__ import annotations

import html
from importlib.metadata import PackageNotFoundError, version

from vlm_demo.translatable_text import message
from vlm_demo.ui.header.icons import icon
from vlm_demo.ui.i18n import LANGUAGE_NAMES, translate
from vlm_demo.ui.views import View


def header_html(language: str) -> str:
    """Return the header, the skip link before it and the panels that it opens.

    Args:
        language: one of `LANGUAGE_NAMES`.
    """

    def say(text: str) -> str:
        return html.escape(translate(text, language))

    views = "".join(
        f'<a role="tab" id="view-{view.slug}" data-view="{view.slug}" '
        f'href="?view={view.slug}" aria-controls="{view.slug}-tab" '
        f'aria-selected="{str(not number).lower()}" tabindex="{-1 if number else 0}">'
        f"{icon(view.slug)}<span>{say(view.value)}</span></a>"
        for number, view in enumerate(View)
    )
    languages = "".join(
        f'<button type="button" role="radio" data-language="{tag}" lang="{tag}" '
        f'aria-checked="{str(tag == language).lower()}">{icon("chosen")}'
        f"{html.escape(name)}</button>"
        for tag, name in LANGUAGE_NAMES.items()
    )
    menu = say("Language, theme, About")
    return (
        f'<a class="skip-link" href="#tabs-column">{say("Skip to the content")}</a>'
        '<header id="header"><h1>VLM Demo</h1>'
        f'<nav id="views" aria-label="{say("Views")}">'
        f'<div role="tablist" aria-label="{say("Views")}">{views}</div></nav>'
        '<button type="button" id="model-button" aria-haspopup="dialog" aria-expanded="false" '
        f'aria-controls="model-panel" title="{say("Choose a model")}">'
        f'<span class="sr-only">{say("Model")}: </span>'
        '<span class="model-title"></span>'
        f'<span class="model-state" hidden></span>{icon("open")}</button>'
        f'<button type="button" id="menu-button" popovertarget="header-menu" title="{menu}" '
        f'aria-label="{menu}" aria-haspopup="true" aria-expanded="false">{icon("language")}'
        f'<span class="menu-language" lang="{language}" aria-hidden="true">'
        f"{html.escape(LANGUAGE_NAMES[language])}</span>{icon('open')}</button>"
        '<div id="header-menu" popover>'
        f'<div id="language-menu" role="radiogroup" aria-label="{say("Language")}">'
        f"{languages}</div>"
        f'<button type="button" id="theme-button" aria-pressed="false">{icon("theme")}'
        f"<span>{say('Dark theme')}</span></button>"
        f'<button type="button" id="about-button" aria-haspopup="dialog">{icon("about")}'
        f"<span>{say('About')}</span></button></div></header>"
        f"{_about_html(language)}"
    )


def _about_html(language: str) -> str:
    def say(text: str) -> str:
        return html.escape(translate(text, language))

    keys = "".join(
        f"<dt>{' '.join(f'<kbd>{key}</kbd>' for key in keys)}</dt><dd>{say(words)}</dd>"
        for keys, words in (
            (("Enter",), message("Send")),
            (("Shift", "Enter"), message("New line")),
            (("B", "P", "S", "V"), message("Tools on the image: box, point, scribble, move")),
            (("1", "2", "3", "4"), message("Vote in a battle")),
        )
    )
    close = say("Close")
    return (
        '<section id="about" popover role="dialog" aria-labelledby="about-title">'
        f'<div class="panel-head"><h2 id="about-title">VLM Demo {html.escape(_version())}</h2>'
        '<button type="button" class="header-button" popovertarget="about" '
        f'popovertargetaction="hide" aria-label="{close}">{icon("close")}</button></div>'
        f"<p>{say('Vision-language models that answer about an image and show where.')}</p>"
        "<p>"
        + say(
            "Conversations and images stay in this browser; the server forgets images after"
            " a day. Votes in the Arena are kept without your name."
        )
        + f'</p><h3>{say("Keyboard")}</h3><dl class="keys">{keys}</dl>'
        f'<p><a id="api-link" href="./gradio_api/openapi.json">{say("Use via API")}</a></p>'
        "</section>"
    )


def _version() -> str:
    try:
        return version("vlm-demo")
    except PackageNotFoundError:  # started from a folder that is not installed
        return ""
