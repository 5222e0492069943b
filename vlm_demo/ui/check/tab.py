"""Check: is what an answer says in the picture, and do other models see the same?"""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui.check.check_answer import build_check_answer
from vlm_demo.ui.check.consensus import build_consensus
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.i18n import say


def build_check_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the two views."""
    with gr.Tabs(elem_id="check-tabs"):
        with gr.Tab(
            say("An answer"), id="check-answer", elem_id="check-answer-tab", render_children=True
        ):
            build_check_answer(tab, page)
        with gr.Tab(
            say("Consensus"), id="consensus", elem_id="consensus-tab", render_children=True
        ) as view:
            build_consensus(view, page)
