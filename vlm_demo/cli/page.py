"""Builds the page and serves it."""

from __future__ import annotations

import importlib
from threading import Thread

from starlette.routing import Mount

from vlm_demo.api.app import PREFIX, build_api
from vlm_demo.arena import open_hub_copy
from vlm_demo.backend import Backend
from vlm_demo.cli.preload import preload
from vlm_demo.errors import SettingsError
from vlm_demo.moderation import ModeratedBackend
from vlm_demo.server import Monitor, ServerPart
from vlm_demo.server.logs import configure_logs
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings
from vlm_demo.ui import layout
from vlm_demo.ui.files.tree import FileTree, open_file_tree


def serve(settings: Settings) -> None:
    """Serve the page until the program is interrupted.

    Raises:
        VlmDemoError: a setting cannot be used, or the port is taken.
    """
    configure_logs(settings.log)
    monitor = Monitor()
    monitor.attach()
    check_port(settings.host, settings.port)  # before anything slow begins
    with open_file_tree(settings) as files:
        _serve(settings, monitor, files)


def _serve(settings: Settings, monitor: Monitor, files: FileTree) -> None:
    backend = ModeratedBackend.from_settings(settings, fetch_for_answers=not settings.is_public())
    backend.moderate(settings)
    votes_copy = open_hub_copy(settings)
    if votes_copy:
        votes_copy.start()  # votes that a Space has lost are back before anybody votes
    try:
        page = layout.build_page(backend, settings)
        files.serve()
        address = layout.serve(
            page, backend, settings, monitor=monitor, parts=_parts(backend, settings)
        )
    except OSError as error:
        raise SettingsError(f"The page cannot be served: {error}") from error
    print(f"The page is at {address} (stop it with Ctrl+C).", flush=True)
    if settings.api:
        print(f"Other programs are answered at {address.rstrip('/')}{PREFIX}.", flush=True)
    # The page is up before torch is even imported; the first answer need not wait for it.
    Thread(target=_preload, args=(backend,), daemon=True).start()
    page.block_thread()
    backend.close()
    if votes_copy:
        votes_copy.close()


def _parts(backend: Backend, settings: Settings) -> list[ServerPart]:
    """Return what is served beside the page.

    Raises:
        SettingsError: the API is wanted, others could reach it, and there are no keys.
    """
    if not settings.api:
        return []
    return [ServerPart(routes=(Mount(PREFIX, build_api(backend, settings)),))]


def _preload(backend: Backend) -> None:
    """Load what is needed first: the default model, and what rates models."""
    preload(backend)
    importlib.import_module("vlm_demo.arena.ratings.bradley_terry")
