"""How the page looks, and its scripts."""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui import browser_files

STYLE_SHEETS = [
    browser_files.path(name)
    for name in (
        "page.css",
        "components/answer/view.css",
        "arena/arena.css",
        "arena/leaderboard.css",
        "batch/batch.css",
        "models/models.css",
        "models/evaluation/evaluation.css",
        "models/finetuning/finetuning.css",
    )
]
"""Style sheets of the page, in the order in which they apply."""

SCRIPT = browser_files.read("page.js")
"""Runs once when the page is built."""

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONOSPACED = ("ui-monospace", "Menlo", "Consolas", "monospace")

HEAD = '<meta name="description" content="Ask about an image: the answer shows where.">'
"""What Gradio puts into the head of the page. Scripts there would not run (`server.headers`)."""


def build_theme() -> gr.themes.Base:
    """Build Gradio's default theme with the system's own fonts, so that none is fetched."""
    return gr.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        font=_FONT,
        font_mono=_MONOSPACED,
        radius_size="lg",
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        # Gradio's own greys and accent are too pale to read easily (WCAG AA asks for 4.5 to 1).
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        color_accent="*primary_600",
        block_shadow="none",
        checkbox_border_radius="3px",
    )
