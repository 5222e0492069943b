"""Serves the API without a page; neither Gradio nor the arena is loaded for that."""

from __future__ import annotations

from threading import Thread

from vlm_demo.api.server import serve_api
from vlm_demo.cli.preload import preload
from vlm_demo.errors import SettingsError
from vlm_demo.images.opening import set_decoder
from vlm_demo.images.workers import WorkerPool
from vlm_demo.moderation import ModeratedBackend
from vlm_demo.server.logs import configure_logs
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings


def serve(settings: Settings) -> None:
    """Serve the API until the program is interrupted.

    Raises:
        VlmDemoError: a setting cannot be used, or the port is taken.
    """
    if not settings.api:
        raise SettingsError("Without the page there is nothing to serve: --no-page needs --api.")
    configure_logs(settings.log)
    check_port(settings.host, settings.port)
    workers = WorkerPool()
    set_decoder(workers)
    backend = ModeratedBackend.from_settings(settings, fetch_for_answers=not settings.is_public())
    backend.moderate(settings)

    def announce(address: str) -> None:
        print(f"The API is at {address} (stop it with Ctrl+C).", flush=True)
        Thread(target=preload, args=(backend,), daemon=True).start()

    try:
        serve_api(backend, settings, announce)
    except OSError as error:
        raise SettingsError(f"The API cannot be served: {error}") from error
    finally:
        backend.close()
        workers.close()
