"""The page: the model, one tab a task, the settings."""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr

from vlm_demo.arena import open_arena, open_boards, open_voters, open_votes
from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings
from vlm_demo.ui.arena.tab import build_arena_tab
from vlm_demo.ui.batch.tab import build_batch_tab
from vlm_demo.ui.chat.tab import build_chat_tab
from vlm_demo.ui.check.tab import build_check_tab
from vlm_demo.ui.components.answer_actions.permalinks import build_links, wire_links
from vlm_demo.ui.components.model_choice import (
    build_model_addition,
    build_model_choice,
    wire_model_choice,
)
from vlm_demo.ui.components.picture_input.examples import load_examples
from vlm_demo.ui.components.settings.panel import build_settings
from vlm_demo.ui.context import PageContext, build_again_button, build_check_button
from vlm_demo.ui.endpoints import add_endpoints
from vlm_demo.ui.events import MOST_ANSWERS
from vlm_demo.ui.i18n import say
from vlm_demo.ui.inspector.tab import build_inspector_tab
from vlm_demo.ui.models.tab import build_models_tab
from vlm_demo.ui.tasks.ask import build_ask_tab
from vlm_demo.ui.tasks.caption import build_caption_tab
from vlm_demo.ui.tasks.locate import build_locate_tab
from vlm_demo.ui.theme import HEAD, SCRIPT, STYLE_SHEETS, page_theme
from vlm_demo.ui.visitors import visitor_cookies

TABS = {
    "Chat": build_chat_tab,
    "Caption": build_caption_tab,
    "Ask": build_ask_tab,
    "Locate": build_locate_tab,
    "Check": build_check_tab,
    "Batch": build_batch_tab,
    "Arena": build_arena_tab,
    "Inspector": build_inspector_tab,
    "Models": build_models_tab,
}

ANSWERING = ("Chat", "Caption", "Ask", "Locate")
"""Tabs whose answers the Inspector can look at, and whose requests another model can be asked."""

CHECKED = ("Chat", "Caption", "Ask")
"""Tabs whose answers name things that can be looked for."""

HOUR_S = 3600
WAITING_REQUESTS = 64  # more are refused: the page is busy


def build_page(backend: Backend, settings: Settings) -> gr.Blocks:
    """Build the page; `serve` shows it.

    Raises:
        SettingsError: the list of examples cannot be used, or the votes.
    """
    # Uploads are looked for once an hour and deleted when a day old.
    store = open_votes(settings)
    boards = open_boards(store)
    arena = open_arena(backend, store, boards, settings)
    page = gr.Blocks(title="VLM demo", delete_cache=(HOUR_S, 24 * HOUR_S))
    with page:
        add_endpoints(page, backend, settings, boards)  # first: later ones get other api_names
        endpoints = page.children[:]
        model, card = build_model_choice(backend)
        links = build_links()
        # What all tabs share comes before them, also where it is seen below them: Gradio's page
        # looks for a component by walking all those before it.
        controls = build_settings(backend, model)
        if settings.allow_checkpoints:
            build_model_addition(backend, model)
        asked = {name: gr.State(None) for name in ANSWERING}
        around = PageContext(
            backend,
            settings,
            controls,
            arena,
            boards,
            newest=gr.State(None),
            asked=asked,
            again={name: build_again_button(name) for name in ANSWERING},
            check={name: build_check_button(name) for name in CHECKED},
            examples=load_examples(),
            card=card,
            numbered=gr.State(None),
            benchmark=gr.State(()),
            links=links,
        )
        with gr.Column(elem_id="tabs-column"), gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for name, build in TABS.items():
                with gr.Tab(
                    say(name), id=name.lower(), elem_id=f"{name.lower()}-tab", render_children=True
                ) as tab:
                    build(tab, around)
        wire_model_choice(page, backend, model, card)
        wire_links(page, around)
    page.children = [*page.children[len(endpoints) :], *endpoints]  # the page has no use for them
    return page


def serve(page: gr.Blocks, settings: Settings) -> str:
    """Serve the page from threads of its own; return its address.

    Raises:
        SettingsError: it is to be there for assistants too, and what that needs is missing.
        OSError: the port is taken.
    """
    if settings.mcp and find_spec("mcp") is None:
        raise SettingsError(
            'For --mcp, please install what it needs: pip install "gradio[mcp]>=6.31,<6.32".'
        )
    page.queue(api_open=False, max_size=WAITING_REQUESTS, default_concurrency_limit=16)
    _, address, public = page.launch(
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        mcp_server=settings.mcp,
        prevent_thread_lock=True,
        quiet=True,
        theme=page_theme(),
        css_paths=STYLE_SHEETS,
        head=HEAD,
        i18n=say,
        js=SCRIPT,
        footer_links=["api", "settings"],
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        # Pictures are held to their own limit when they are opened.
        max_file_size=max(settings.max_upload_bytes, settings.batch_bytes),
        app_kwargs={"middleware": [visitor_cookies(open_voters(settings))]},
        max_threads=2 * MOST_ANSWERS,  # each answer holds one, and there are other events
    )
    return public or address
