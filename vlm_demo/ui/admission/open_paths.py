"""What is open to everybody, before anybody has signed in or accepted anything."""

from __future__ import annotations

import re

from starlette.types import Scope

_OPEN = re.compile(
    r"/(healthz|login/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt"
    r"|gradio_api/startup-events"
    r"|(page|assets|static|svelte)/.*)"
)
"""Whether the program is up, the way in, what Gradio asks itself, and the program's own files."""


def is_open(scope: Scope) -> bool:
    """Whether a request asks for what tells nothing about this page, or for the way in."""
    return _OPEN.fullmatch(own_path(scope)) is not None


def own_path(scope: Scope) -> str:
    """Return the path of a request without that of the page behind a proxy."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "").rstrip("/")) or "/"
