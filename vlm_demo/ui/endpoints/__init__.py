"""The page's actions for programs: plain data in and out, over the same backend.

The page's "Use via API" link lists them; from Python, `gradio_client` calls them, and with `--mcp`
assistants have them as tools. A picture is an uploaded file (`gradio_client.handle_file`). Places
are in pixels of that file. Votes are not among them: those are for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.events import api

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.ui.endpoints.answering import Answering
from vlm_demo.ui.endpoints.batching import Batching
from vlm_demo.ui.endpoints.comparing import Comparing
from vlm_demo.ui.endpoints.looking import Looking

if TYPE_CHECKING:  # it loads the database, and what rates
    from vlm_demo.arena.ratings.leaderboards import Boards

AT_A_TIME = 16
"""Calls of programs that are answered at the same time."""


def add_endpoints(page: gr.Blocks, backend: Backend, settings: Settings, boards: Boards) -> None:
    """Put the endpoints on the page, which is being built."""
    answering, comparing = Answering(backend, settings), Comparing(backend, settings)
    looking = Looking(backend, settings, boards)
    for endpoint in (
        answering.chat,
        answering.caption,
        answering.ask,
        answering.locate,
        answering.describe,
        comparing.compare,
        comparing.check,
        comparing.consensus,
        Batching(backend, settings).batch,
        looking.models,
        looking.read_output,
        looking.leaderboard,
    ):
        api(
            endpoint,
            api_name=endpoint.__name__,
            concurrency_id="answers",
            concurrency_limit=AT_A_TIME,
        )
    for function in page.fns.values():
        for given in function.inputs:
            if isinstance(given, Api):
                given._api_info = _without_none(given._api_info)


def _without_none(schema: Any) -> Any:
    """Describe what may be left out by what it is otherwise: only so Gradio knows it as a file."""
    kinds = [kind for kind in schema.get("oneOf", ()) if kind.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else schema
