"""Arena: two anonymous models to vote on, and the leaderboard."""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui.arena.battle import build_battle
from vlm_demo.ui.arena.leaderboard import build_leaderboard
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.i18n import say


def build_arena_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the views of the arena."""
    with gr.Tabs(elem_id="arena-tabs", overflow_behavior="wrap"):
        with gr.Tab(say("Battle"), id="battle", elem_id="battle-tab", render_children=True):
            build_battle(tab, page)
        with gr.Tab(say("Leaderboard"), id="leaderboard", elem_id="leaderboard-tab") as view:
            build_leaderboard(view, page)
