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
