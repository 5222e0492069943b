"""Whether the Hub of Hugging Face can be reached from here."""

from __future__ import annotations

import socket
import time
from functools import lru_cache
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants

CONNECT_TIMEOUT_S = 3.0
"""Seconds to wait for a connection to the Hub, its name lookup included."""

REACHABLE_S = 300.0
"""Seconds for which it is remembered whether the Hub can be reached."""


def is_hub_reachable() -> bool:
    """Return whether checkpoints can be fetched; what was found out holds for some minutes."""
    if constants.HF_HUB_OFFLINE:
        return False
    return _find_hub(round(time.monotonic() / REACHABLE_S))


@lru_cache(maxsize=1)
def _find_hub(_period: int) -> bool:
    return can_connect()


def can_connect() -> bool:
    """Whether a connection to the Hub, or to the proxy that leads there, can be opened.

    It is tried in a thread, because name lookups have no timeout.
    """
    hub = urlsplit(constants.ENDPOINT)
    target = urlsplit(getproxies().get(hub.scheme, "")) if hub.scheme in getproxies() else hub
    port = target.port or (443 if target.scheme == "https" else 80)
    connections: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((target.hostname or "", port), CONNECT_TIMEOUT_S).close()
        except OSError:
            return
        connections.append(True)

    attempt = Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(CONNECT_TIMEOUT_S)
    return bool(connections)
