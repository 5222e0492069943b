"""How the events of the page run: at once, in the queue, or as answers of a model; their data."""

from __future__ import annotations

from typing import Any

import gradio as gr

MAX_ANSWERS = 64
"""Number of answers at a time, including those that wait for their model.

It is more than a model lets wait (`Serving.waiting`), which tells people their place; Gradio would
not.
"""

QUEUED: dict[str, Any] = {
    "show_progress": "hidden",
    # On nothing: otherwise the browser would write the progress of all outputs into each of them,
    # at every step of a stream.
    "show_progress_on": [],
    "api_visibility": "private",
}
"""Settings of events that wait in the queue; only their messages and state reach the page."""

QUICK: dict[str, Any] = QUEUED | {"queue": False}
"""Settings of events that compute nothing."""

EACH: dict[str, Any] = QUICK | {"trigger_mode": "multiple"}
"""Settings of quick events that tell what a person chose.

Any other trigger mode loses the newest one while another runs, or sends the data of an old one.
"""

IN_ORDER: dict[str, Any] = QUEUED | {
    "trigger_mode": "multiple",
    "concurrency_id": "in order",
    "concurrency_limit": 1,
}
"""Settings of events that show what a person chose, each after the one before.

Those of `EACH` run side by side, and what was chosen first may be shown last.
"""

ANSWERS: dict[str, Any] = QUEUED | {
    "concurrency_id": "answers",
    "concurrency_limit": MAX_ANSWERS,
}
"""Settings of events that ask a model."""


def event_data(event: gr.EventData) -> dict[str, Any]:
    """Return what the browser sent with an event; {} where that is not a dictionary."""
    return event._data if isinstance(event._data, dict) else {}
