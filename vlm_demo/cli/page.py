"""Builds the page and serves it."""

from __future__ import annotations

import importlib
import logging
import threading
from functools import partial
from threading import Thread

from vlm_demo.arena import open_hub_copy
from vlm_demo.backend import Backend
from vlm_demo.cli import lazy
from vlm_demo.cli.preload import preload
from vlm_demo.errors import SettingsError
from vlm_demo.images.opening import set_decoder
from vlm_demo.images.workers import WorkerPool
from vlm_demo.media.films import set_film_reader
from vlm_demo.media.workers import FilmWorkers
from vlm_demo.server import Monitor
from vlm_demo.server.ending import Ending
from vlm_demo.server.failed_answers import ServedBackend
from vlm_demo.server.logs import configure_logs
from vlm_demo.server.memory import MemoryTrimmer
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings
from vlm_demo.ui import layout
from vlm_demo.ui.files.tree import FileTree, open_file_tree

log = logging.getLogger(__name__)

LOADING = "load "
"""Beginning of the names of threads that load models, here and in the pool."""


def serve(settings: Settings) -> None:
    """Serve the page until the program is interrupted.

    Raises:
        VlmDemoError: a setting cannot be used, or the port is taken.
    """
    configure_logs(settings.log)
    ending = Ending()
    ending.install()
    workers = WorkerPool()
    set_decoder(workers)
    film_workers = FilmWorkers()
    set_film_reader(film_workers)
    monitor = Monitor()
    monitor.attach()
    check_port(settings.host, settings.port)  # before anything slow begins
    trimmer = MemoryTrimmer()
    with open_file_tree(settings) as files:
        _serve(settings, monitor, files, ending, workers)
    workers.close()
    film_workers.close()
    trimmer.close()
    ending.leave([one for one in threading.enumerate() if one.name.startswith(LOADING)])


def _serve(
    settings: Settings, monitor: Monitor, files: FileTree, ending: Ending, workers: WorkerPool
) -> None:
    """Serve the page until the program is told to end, and let answers end then."""
    backend = ServedBackend.from_settings(settings, fetch_for_answers=not settings.is_public())
    backend.moderate(settings)
    backend.failed = monitor.failed
    votes_copy = open_hub_copy(settings)
    if votes_copy:
        votes_copy.start()  # votes that a Space has lost are back before anybody votes
    try:
        page = layout.build_page(backend, settings)
        files.serve()
        parts = [lazy.mount_api(backend, settings)] if settings.api else []
        address = layout.serve(page, backend, settings, monitor=monitor, parts=parts)
    except OSError as error:
        raise SettingsError(f"The page cannot be served: {error}") from error
    print(f"The page is at {address} (stop it with Ctrl+C).", flush=True)
    if settings.api:
        print(f"Other programs are answered at {address.rstrip('/')}/v1.", flush=True)
    # The page is up before torch is even imported; the first answer need not wait for it.
    preloading = partial(_preload, backend, workers)
    Thread(target=preloading, name="load what is needed first", daemon=True).start()
    ending.wait()
    monitor.is_ending = True
    left = ending.wait_for_answers(partial(_count_answers, backend))
    if left:
        log.warning("%d answers had not ended in time.", left)
    page.close(verbose=False)
    backend.close()
    if votes_copy:
        votes_copy.close()


def _count_answers(backend: Backend) -> int:
    """Return how many answers are being written, or wait for a model."""
    usages = [backend.usage(spec.name) for spec in backend.menu]
    return sum(usage.answering + usage.waiting for usage in usages if usage)


def _preload(backend: Backend, workers: WorkerPool) -> None:
    """Load what is needed first: the default model, and what opens pictures and rates models."""
    workers.prepare()
    preload(backend)
    importlib.import_module("vlm_demo.arena.ratings.bradley_terry")
