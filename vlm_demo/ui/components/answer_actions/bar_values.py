"""Values of the bar under an answer that say or do something once."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from vlm_demo.ui.html_values import encode_value
from vlm_demo.ui.streaming import error_message


def once_value(**content: object) -> str:
    """Value of the bar that says or does something one time, and leaves the rest as it is."""
    return encode_value({"once": {"id": time.monotonic_ns(), **content}})


def report_problem(bar: gr.HTML, error: Exception) -> dict[Any, Any]:
    """Say in the bar what went wrong: a message over the page would cover the picture on phones."""
    return {bar: once_value(problem=error_message(error))}
