"""Start the page: `python app.py`, or `python app.py --menu menu.toml`. Also what a Space runs."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path
from threading import Thread

# Gradio and the Hub's library look these up while they are imported: the program tells nobody
# that it runs, and asks nobody for news.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from vlm_demo.settings import Settings, on_zerogpu

if on_zerogpu():
    # Its library must be there before torch and Gradio are, and know before the page is up that
    # something wants a GPU.
    importlib.import_module("vlm_demo.engines.local.zerogpu")

from vlm_demo.arena import open_hub_copy
from vlm_demo.backend import Backend
from vlm_demo.errors import VlmDemoError
from vlm_demo.ui.layout import build_page, serve

log = logging.getLogger("vlm_demo")


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until the program is interrupted; return the exit code."""
    try:
        settings = Settings.read(vars(_parser().parse_args(arguments)))
        backend = Backend.from_settings(settings)
        votes_copy = open_hub_copy(settings)
        if votes_copy:
            votes_copy.start()  # votes that a Space has lost are back before anybody votes
        page = build_page(backend, settings)
        print(f"The page is at {serve(page, settings)} (stop it with Ctrl+C).", flush=True)
        # The page is up before torch is even imported; the first answer need not wait for it.
        Thread(target=_preload, args=(backend,), daemon=True).start()
        page.block_thread()
        backend.close()
        if votes_copy:
            votes_copy.close()
    except VlmDemoError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The page cannot be served: {error}", file=sys.stderr)
        return 2
    return 0


def _preload(backend: Backend) -> None:
    """Load what comes first: the default model, and what rates models."""
    first = backend.menu[0]
    if not first.is_here:
        return  # it is fetched when somebody opens the page, with a progress bar
    try:
        for _ in backend.load(first.name):
            pass
    except VlmDemoError as error:
        log.warning("%s", error)
    importlib.import_module("vlm_demo.arena.ratings.bradley_terry")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve the vlm_demo page.")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 7860)")
    parser.add_argument("--menu", type=Path, help="TOML file of models to choose from")
    parser.add_argument(
        "--votes", help="database of votes: a file of SQLite, or a URL (default: votes.db)"
    )
    parser.add_argument(
        "--arena",
        metavar="MODEL,MODEL",
        help="models that may meet in a battle (default: all that are here or on servers)",
    )
    parser.add_argument("--votes-repo", help="data set of the Hub where votes are kept too")
    parser.add_argument(
        "--votes-minutes", help="between two times that votes are sent there (default: 5)"
    )
    parser.add_argument(
        "--share", action="store_true", default=None, help="also make a public link, through Gradio"
    )
    parser.add_argument(
        "--mcp",
        action="store_true",
        default=None,
        help="also let assistants use the page's actions as tools (Model Context Protocol)",
    )
    parser.add_argument("--device", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: as torch chooses)")
    parser.add_argument(
        "--cache-gib", help="memory that each model keeps to spare computing (default: 2)"
    )
    parser.add_argument("--batch", help="requests a model answers at a time (default: 8)")
    parser.add_argument("--waiting", help="requests that may wait for a model (default: 20)")
    parser.add_argument("--timeout", help="seconds that an answer may take (default: 600)")
    parser.add_argument(
        "--max-loaded", type=int, help="models in memory at a time (default: as many as fit)"
    )
    parser.add_argument(
        "--allow-checkpoints",
        choices=("yes", "no"),
        help="whether people on the page may load any model of the Hub (default: yes)",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
