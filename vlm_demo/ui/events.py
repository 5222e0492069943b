"""How the events of the page run: at once, in the queue, or as answers of a model."""

from __future__ import annotations

from typing import Any

MOST_ANSWERS = 64
"""Answers at a time, those that wait for their model included.

More than a model lets wait (`Serving.waiting`): it tells people their place, Gradio would not.
"""

QUEUED: dict[str, Any] = {
    "show_progress": "hidden",
    # On nothing: with every step of a stream, the browser would write into each of the outputs how
    # far all of them have come.
    "show_progress_on": [],
    "api_visibility": "private",
}
"""Settings of events that wait in the queue, and whose messages and state reach the page."""

QUICK: dict[str, Any] = QUEUED | {"queue": False}
"""Settings of events that compute nothing."""

EACH: dict[str, Any] = QUICK | {"trigger_mode": "multiple"}
"""Settings of quick events that say what was chosen.

Any other trigger mode loses the newest one while another runs, or sends an old one's data again.
"""

ANSWERS: dict[str, Any] = QUEUED | {
    "concurrency_id": "answers",
    "concurrency_limit": MOST_ANSWERS,
}
"""Settings of events that ask a model."""
