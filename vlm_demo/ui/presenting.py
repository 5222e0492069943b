"""What the tabs share: words for what became of the places, and text made safe to show."""

from __future__ import annotations

import html
import re

from vlm_demo.types import Reply, ReplyState
from vlm_demo.ui.answer import Tone

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_PICTURE = re.compile(r"!(?=\[)")


def as_markdown(text: str) -> str:
    """Make text safe to be shown as Markdown: tags become words, and pictures become links.

    Code is left as it is: nothing in it is read as a tag.
    """
    parts = _CODE.split(text)
    parts[::2] = [_PICTURE.sub("", html.escape(part, quote=False)) for part in parts[::2]]
    return "".join(parts)


def places_found(reply: Reply) -> tuple[str, Tone]:
    """Say what became of the places in a complete answer; three outcomes, told apart."""
    match reply.state:
        case ReplyState.FOUND:
            count = sum(len(mention.regions) for mention in reply.mentions)
            return f"Found {count} {'place' if count == 1 else 'places'}", "found"
        case ReplyState.NONE:
            return "Not found: the answer names no place.", "none"
        case ReplyState.UNREADABLE:
            return (
                "The answer holds places that cannot be read. See the raw output below.",
                "unreadable",
            )
