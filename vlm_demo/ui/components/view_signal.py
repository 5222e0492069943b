"""A component that tells the server when a view of the page is opened.

Gradio builds a view when its own tab is selected for the first time, which the page does before
anybody asks for the view (header/views.js): that event says nothing about what a person sees.
"""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.views import View

Opening = gr.HTML | gr.Tab
"""What has an event `select`, at which a view or one of its parts is opened."""


def build_view_signal(view: View) -> gr.HTML:
    """Build the component, which is not seen.

    Event: `select`.
    """
    script = browser_files.read("components/view_signal.js", view=view.slug)
    return build_html_component(None, "", script, f"{view.slug}-signal", visible="hidden")
