"""How calls of the page's browser applications are added to the page, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradio.events import api

from vlm_demo.errors import ForgottenImageError
from vlm_demo.translatable_text import text_to_json
from vlm_demo.ui.streaming import error_message


def explain_errors(compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `compute` returns, or why it failed."""
    try:
        return compute()
    except Exception as error:  # whatever it is, the visitor is told
        return error_data(error)


def error_data(error: Exception) -> dict[str, Any]:
    """Return why a call failed as the browser gets it; one that is no VlmDemoError is logged."""
    gone = error.image_id if isinstance(error, ForgottenImageError) else None
    return {"error": text_to_json(error_message(error)), "image_gone": gone}


def add_call(call: Callable[..., Any], group: str, at_once: int) -> None:
    """Add a call to the page, which is being built.

    Args:
        call: a function; its name becomes that of the call.
        group: of calls that share a limit.
        at_once: how many calls of the group are served at the same time.
    """
    api(
        call,
        api_name=call.__name__,
        api_visibility="undocumented",
        concurrency_id=group,
        concurrency_limit=at_once,
    )
