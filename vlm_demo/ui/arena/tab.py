"""Arena: two anonymous models to vote on, a few named ones to compare, and the leaderboard."""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui.arena.battle import build_battle
from vlm_demo.ui.arena.compare import build_compare
from vlm_demo.ui.arena.leaderboard import build_leaderboard
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.i18n import say

SHOW_COMPARE = """() => {
  document.getElementById('arena-tab-button').click();
  const open = () => {  // the inner tabs are there only when the outer one is shown
    const view = document.getElementById('compare-tab-button');
    if (view && view.offsetParent) view.click(); else requestAnimationFrame(open);
  };
  open();
}"""


def build_arena_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the views of the arena."""
    with gr.Tabs(elem_id="arena-tabs"):
        with gr.Tab(say("Battle"), id="battle", elem_id="battle-tab", render_children=True):
            build_battle(tab, around)
        with gr.Tab(
            say("Compare"), id="compare", elem_id="compare-tab", render_children=True
        ) as view:
            build_compare(view, around, SHOW_COMPARE)
        with gr.Tab(say("Leaderboard"), id="leaderboard", elem_id="leaderboard-tab") as view:
            build_leaderboard(view, around)
