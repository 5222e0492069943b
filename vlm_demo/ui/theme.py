"""How the page looks, and what a browser may do with it."""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.components.canvas.canvas import SCRIPT as BOARD
from vlm_demo.ui.i18n import SCRIPT as SAY

STYLE_SHEETS = [
    browser_files.path(name)
    for name in (
        "page.css",
        "chat/chat.css",
        "components/canvas/canvas.css",
        "components/answer/view.css",
        "arena/arena.css",
        "arena/leaderboard.css",
        "check/check.css",
        "batch/batch.css",
        "components/answer_actions/actions.css",
    )
]
SCRIPT = browser_files.read("page.js")
_KEYS = browser_files.read("arena/arena.js")
_MARKS = browser_files.read("components/canvas/linked_mark.js")
_ANSWERED = browser_files.read("components/answer/answered.js")

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONOSPACED = ("ui-monospace", "Menlo", "Consolas", "monospace")

# Model output is shown as Markdown. Gradio takes scripts out of it, but not addresses of pictures
# elsewhere or forms that send elsewhere; with this, a browser refuses both.
HEAD = f"""
<meta http-equiv="Content-Security-Policy" content="default-src 'self' 'unsafe-inline'
 'unsafe-eval' data: blob:; img-src 'self' data: blob:; connect-src 'self' data: blob:;
 form-action 'self'; frame-src 'none'; object-src 'none'; base-uri 'self'">
<meta name="description" content="Chat about a picture, caption it, ask, and locate things in it.">
<script>{SAY}</script>
<script>{BOARD}</script>
<script>{_MARKS}</script>
<script>{_ANSWERED}</script>
<script>{_KEYS}</script>
"""


def page_theme() -> gr.themes.Base:
    """Gradio's default theme with the system's own font, so that none is fetched."""
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
    )
