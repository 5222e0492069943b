"""The API of the page for programs: plain data in and out, over the same backend.

The page's "Use via API" link lists them; from Python, `gradio_client` calls them, and with `--mcp`
assistants have them as tools. A picture is an uploaded file (`gradio_client.handle_file`). Places
are in pixels of that file. Programs cannot vote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.events import api

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.ui.endpoints.answers import AnswerEndpoints
from vlm_demo.ui.endpoints.batches import BatchEndpoints
from vlm_demo.ui.endpoints.comparisons import ComparisonEndpoints
from vlm_demo.ui.endpoints.lookups import LookupEndpoints

if TYPE_CHECKING:  # it loads the database
    from vlm_demo.arena.ratings.leaderboards import Leaderboards

MAX_CALLS = 16
"""Largest number of calls that are answered at the same time."""


def add_endpoints(
    page: gr.Blocks, backend: Backend, settings: Settings, leaderboards: Leaderboards
) -> None:
    """Add the endpoints to the page, which is being built."""
    answers = AnswerEndpoints(backend, settings)
    comparisons = ComparisonEndpoints(backend, settings)
    batches = BatchEndpoints(backend, settings)
    lookups = LookupEndpoints(backend, settings, leaderboards)
    for endpoint in (
        answers.chat,
        answers.caption,
        answers.ask,
        answers.locate,
        answers.detect,
        answers.read,
        answers.describe,
        answers.outline,
        comparisons.compare,
        comparisons.check,
        comparisons.consensus,
        batches.batch,
        lookups.models,
        lookups.read_output,
        lookups.leaderboard,
    ):
        api(
            endpoint,
            api_name=endpoint.__name__,
            concurrency_id="answers",
            concurrency_limit=MAX_CALLS,
        )
    for function in page.fns.values():
        for component in function.inputs:
            if isinstance(component, Api):
                component._api_info = _without_none(component._api_info)


def answer_tool_calls(page: gr.Blocks, settings: Settings) -> None:
    """Answer the tools of a page that is served with MCP, which needs the package for it."""
    from vlm_demo.ui.endpoints.mcp_tools import answer_calls

    answer_calls(page, settings, MAX_CALLS)


def _without_none(schema: Any) -> Any:
    """Take null out of the schema of an optional value: Gradio knows a file only without it."""
    kinds = [kind for kind in schema.get("oneOf", ()) if kind.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else schema
