"""Loads the default model while nobody has asked it anything yet."""

from __future__ import annotations

import logging

from vlm_demo.backend import Backend
from vlm_demo.errors import VlmDemoError

log = logging.getLogger(__name__)


def preload(backend: Backend) -> None:
    """Load the default model, unless it would have to be fetched first."""
    first = backend.menu[0]
    if not first.is_here:
        return  # it is fetched when somebody asks for it, with a progress bar on the page
    try:
        for _ in backend.load(first.name):
            pass
    except VlmDemoError as error:
        log.warning("%s", error)
