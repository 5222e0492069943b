"""Builds the page and serves it."""

from __future__ import annotations

import importlib
import logging
from threading import Thread

from vlm_demo.arena import open_hub_copy
from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError, VlmDemoError
from vlm_demo.server import Monitor
from vlm_demo.server.logs import configure_logs
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings
from vlm_demo.ui import layout

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve the page until the program is interrupted.

    Raises:
        VlmDemoError: a setting cannot be used, or the port is taken.
    """
    configure_logs(settings.log)
    monitor = Monitor()
    monitor.attach()
    check_port(settings.host, settings.port)  # before anything slow begins
    backend = Backend.from_settings(settings)
    votes_copy = open_hub_copy(settings)
    if votes_copy:
        votes_copy.start()  # votes that a Space has lost are back before anybody votes
    try:
        page = layout.build_page(backend, settings)
        address = layout.serve(page, settings, monitor=monitor)
    except OSError as error:
        raise SettingsError(f"The page cannot be served: {error}") from error
    print(f"The page is at {address} (stop it with Ctrl+C).", flush=True)
    # The page is up before torch is even imported; the first answer need not wait for it.
    Thread(target=_preload, args=(backend,), daemon=True).start()
    page.block_thread()
    backend.close()
    if votes_copy:
        votes_copy.close()


def _preload(backend: Backend) -> None:
    """Load what is needed first: the default model, and what rates models."""
    first = backend.menu[0]
    if not first.is_here:
        return  # it is fetched when somebody opens the page, with a progress bar
    try:
        for _ in backend.load(first.name):
            pass
    except VlmDemoError as error:
        log.warning("%s", error)
    importlib.import_module("vlm_demo.arena.ratings.bradley_terry")
