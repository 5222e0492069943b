"""The page: its views in one frame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

import gradio as gr

from vlm_demo.arena import (
    open_arena,
    open_feedback,
    open_judgements,
    open_leaderboards,
    open_voter_hash,
    open_votes,
)
from vlm_demo.backend import Backend
from vlm_demo.batch.manager import BatchManager
from vlm_demo.errors import SettingsError
from vlm_demo.server import Monitor, ServerPart, application_options
from vlm_demo.server.figures import measure
from vlm_demo.server.metrics import metrics_routes
from vlm_demo.server.operators import Operators, offers_hub_login
from vlm_demo.server.ports import check_port
from vlm_demo.server.users import read_users
from vlm_demo.settings import Settings
from vlm_demo.ui.admission.login import login_middleware
from vlm_demo.ui.admission.terms import read_terms
from vlm_demo.ui.arena.battle import build_battle
from vlm_demo.ui.arena.leaderboard import build_leaderboard
from vlm_demo.ui.batch.tab import build_batch_tab
from vlm_demo.ui.browser_modules import module_routes
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.ui.components.model_choice import build_model_choice
from vlm_demo.ui.components.settings.panel import build_settings
from vlm_demo.ui.components.view_signal import build_view_signal
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.endpoints import add_endpoints, answer_tool_calls
from vlm_demo.ui.event_errors import log_event_errors
from vlm_demo.ui.events import MAX_ANSWERS
from vlm_demo.ui.files.access import file_middleware
from vlm_demo.ui.files.folders import batches_folder
from vlm_demo.ui.header.first_html import first_html_middleware
from vlm_demo.ui.i18n import say
from vlm_demo.ui.models.evaluation.calls import add_evaluation_calls
from vlm_demo.ui.models.evaluation.pictures import picture_routes
from vlm_demo.ui.models.finetuning.calls import add_finetune_calls
from vlm_demo.ui.models.tab import build_models_tab
from vlm_demo.ui.operations.routes import Operations
from vlm_demo.ui.sessions import session_middleware
from vlm_demo.ui.studio.endpoints import add_studio_endpoints
from vlm_demo.ui.studio.tab import build_studio_tab
from vlm_demo.ui.theme import HEAD, SCRIPT, STYLE_SHEETS, build_theme
from vlm_demo.ui.views import View
from vlm_demo.ui.visitors import cookie_middleware

VIEWS = {
    View.STUDIO: build_studio_tab,
    View.ARENA: build_battle,
    View.LEADERBOARD: build_leaderboard,
    View.BATCH: build_batch_tab,
    View.MODELS: build_models_tab,
}

MAX_WAITING_REQUESTS = 64
"""Number of waiting events beyond which further ones are refused, as the page is busy."""


def build_page(backend: Backend, settings: Settings) -> gr.Blocks:
    """Build the page; `serve` serves it.

    Raises:
        SettingsError: the list of examples or the database of votes cannot be used.
    """
    store = open_votes(settings)
    leaderboards = open_leaderboards(store, open_judgements(settings))
    arena = open_arena(backend, store, leaderboards, settings)
    blocks = gr.Blocks(title="VLM demo")
    with blocks:
        # First, since components that come later would change the api_names.
        add_endpoints(blocks, backend, settings, leaderboards)
        examples = load_examples()
        add_studio_endpoints(backend, settings, examples)
        add_evaluation_calls(backend, settings)
        batches = BatchManager(backend, settings, batches_folder())
        add_finetune_calls(backend, settings, batches)
        endpoints = blocks.children[:]
        model = build_model_choice(backend)
        # What all tabs share comes before them, even where it is shown below: Gradio's page finds
        # a component by walking all those before it.
        controls = build_settings(backend, model)
        newest_image = gr.State(None)
        page = PageContext(
            backend,
            settings,
            controls,
            arena,
            leaderboards,
            batches,
            newest_image=newest_image,
            examples=examples,
        )
        with gr.Column(elem_id="tabs-column"), gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for name, build in VIEWS.items():
                with gr.Tab(
                    say(name.value),
                    id=name.slug,
                    elem_id=f"{name.slug}-tab",
                ):
                    build(build_view_signal(name), page)
        if offers_hub_login():  # its presence is what makes Gradio add the routes of the login
            gr.LoginButton(visible=False)
    # The browser has no use for the endpoints' components.
    blocks.children = [*blocks.children[len(endpoints) :], *endpoints]
    return blocks


def serve(
    blocks: gr.Blocks,
    backend: Backend,
    settings: Settings,
    *,
    monitor: Monitor | None = None,
    parts: Sequence[ServerPart] = (),
) -> str:
    """Serve the page from threads of its own; return its address.

    Args:
        blocks: the page.
        backend: that answers on it.
        settings: of this run.
        monitor: that counts requests and listens to the log; None: one that does not listen.
        parts: what other parts of the program add to the web application.

    Raises:
        SettingsError: the settings ask for MCP, and the package for it is not installed; or the
            port is taken.
        OSError: the server did not start.
    """
    check_port(settings.host, settings.port)
    log_event_errors()
    _exempt_from_proxies("127.0.0.1", "localhost", settings.host)
    if settings.mcp and find_spec("mcp") is None:
        raise SettingsError(
            '--mcp needs another package. Install it: pip install "gradio[mcp]>=6.31,<6.32".'
        )
    monitor = monitor or Monitor()
    own_part = _own_part(backend, settings, monitor)
    blocks.queue(api_open=False, max_size=MAX_WAITING_REQUESTS, default_concurrency_limit=16)
    _, address, public = blocks.launch(
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        mcp_server=settings.mcp,
        prevent_thread_lock=True,
        quiet=True,
        theme=build_theme(),
        css_paths=STYLE_SHEETS,
        head=HEAD,
        i18n=say,
        js=SCRIPT,
        footer_links=["api"],  # the footer is hidden; About has the link
        ssr_mode=False,
        auth=read_users(settings.auth).knows if settings.auth else None,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        # Pictures have a limit of their own, which holds when they are opened.
        max_file_size=max(settings.max_upload_bytes, settings.batch_bytes, settings.film_bytes),
        app_kwargs=application_options(settings, monitor, [own_part, *parts]),
        max_threads=2 * MAX_ANSWERS,  # an answer holds one, and there are other events
        # Gradio would ask its own page for an answer within seconds, and give up on a busy machine.
        _frontend=False,
    )
    if settings.mcp:
        answer_tool_calls(blocks, settings)
    return public or address


def _own_part(backend: Backend, settings: Settings, monitor: Monitor) -> ServerPart:
    """Return what the page itself adds to the web application."""
    keyed_hash = open_voter_hash(settings)
    operators = Operators(settings, keyed_hash)
    measure_now = partial(measure, backend)
    operations = Operations(operators, monitor, measure_now, open_feedback(settings))
    terms = read_terms(settings.terms) if settings.terms else None
    return ServerPart(
        routes=(
            *module_routes(),
            *picture_routes(settings.evaluations),
            *metrics_routes(settings, monitor, measure_now),
            *operations.routes(),
            *(terms.routes() if terms else ()),
        ),
        middleware=(
            cookie_middleware(keyed_hash, settings.trusted_proxies),
            *((login_middleware(settings),) if settings.auth else ()),
            *((terms.middleware(),) if terms else ()),
            operators.middleware(),
            session_middleware(),
            file_middleware(settings),
            first_html_middleware(),
        ),
    )


def _exempt_from_proxies(*hosts: str) -> None:
    """Let requests of this program to its own page pass no proxy, as Gradio sends one at its start.

    Source of the variable's two spellings: https://www.python-httpx.org/environment_variables/
    """
    for name in ("no_proxy", "NO_PROXY"):
        listed = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*listed, *hosts]))
