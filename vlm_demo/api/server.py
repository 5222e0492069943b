"""Serves the API by itself, without a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from vlm_demo.api.app import PREFIX, build_api
from vlm_demo.api.failures import ApiError, Fault, error_response
from vlm_demo.backend import Backend
from vlm_demo.settings import Settings


def build_server(backend: Backend, settings: Settings) -> FastAPI:
    """Build an application that has the API and nothing else.

    Raises:
        SettingsError: others could reach it, and there are no keys.
    """
    routes: list[BaseRoute] = [Mount(PREFIX, build_api(backend, settings))]
    app = FastAPI(routes=routes, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_exception_handler(404, _refuse_path)
    return app


def serve_api(backend: Backend, settings: Settings, on_start: Callable[[str], None]) -> None:
    """Serve the API until the program is interrupted.

    Args:
        backend: answers.
        settings: of this run.
        on_start: is called with the address once it can be asked.

    Raises:
        SettingsError: others could reach it, and there are no keys.
        OSError: the port is taken.
    """
    config = uvicorn.Config(
        build_server(backend, settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        lifespan="off",
    )
    listener = config.bind_socket()
    listener.listen()  # who calls now waits until the server runs
    on_start(f"http://{settings.host}:{settings.port}{PREFIX}")
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def run_api(backend: Backend, settings: Settings) -> Iterator[str]:
    """Serve the API from a thread, at a free port of this computer; give its address.

    Raises:
        SettingsError: others could reach it, and there are no keys.
    """
    config = uvicorn.Config(
        build_server(backend, settings),
        host="127.0.0.1",
        port=0,
        log_level="error",
        lifespan="off",
    )
    server, listener = uvicorn.Server(config), config.bind_socket()
    listener.listen()  # who calls now waits until the server runs
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


async def _refuse_path(request: Request, _: Exception) -> Response:
    message = f"There is no such address here: {request.url.path}. The API is under {PREFIX}."
    return error_response(ApiError(message, Fault(404, "invalid_request_error")))
