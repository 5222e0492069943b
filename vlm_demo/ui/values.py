"""Values of the page's own components."""

from __future__ import annotations

import json
from typing import Any


def as_value(content: dict[str, Any]) -> str:
    """Write what a component shows as JSON.

    As text and not as an object: Gradio streams the differences and applies them inside the object
    that the component already holds, which then cannot see that anything has changed.
    """
    return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")  # no tag in an attribute


def place_in_queue(ahead: int) -> str:
    """Say how many requests are answered before one; "" where it waits for none."""
    if not ahead:
        return ""
    requests = "one request is" if ahead == 1 else f"{ahead} requests are"
    return f"The model is busy: {requests} ahead of this one."


def percent(share: float) -> str:
    """Say a share of 0 to 1 in whole percents; what is not quite all or nothing never is."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"
