"""Buttons below an answer that take it to another tab.

They are made before the tabs, so that every tab can wire them, and placed by the tab that they
belong to. page.css hides them until there is an answer.
"""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui.i18n import say
from vlm_demo.ui.tabs import Tab


def build_ask_again_button(tab: Tab) -> gr.Button:
    """Make the button of a tab that takes its newest request to other models."""
    return gr.Button(
        say("Ask another model the same"),
        size="sm",
        variant="secondary",
        elem_id=f"{tab.slug}-again",
        render=False,
    )


def build_check_button(tab: Tab) -> gr.Button:
    """Make the button of a tab that takes its newest answer to be checked."""
    return gr.Button(
        say("Check this answer"),
        size="sm",
        variant="secondary",
        elem_id=f"{tab.slug}-check",
        render=False,
    )
