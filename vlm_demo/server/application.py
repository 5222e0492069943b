"""Puts together what this program adds to the application that Gradio builds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from vlm_demo.server.headers import SecurityHeaders, security_headers
from vlm_demo.server.health import health_routes
from vlm_demo.server.monitor import Monitor
from vlm_demo.server.refused_addresses import RefuseAddresses
from vlm_demo.server.request_bodies import LimitBodies, refuse_nesting
from vlm_demo.server.request_watch import RequestWatch
from vlm_demo.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerPart:
    """What one part of the program adds: routes, and middleware for every request.

    A whole FastAPI application, with error handlers of its own, is a route: `Mount("/v1", app)`.
    Routes are found before Gradio's, pass the same headers, and are not behind Gradio's login:
    each checks who asks.
    """

    routes: tuple[BaseRoute, ...] = ()
    middleware: tuple[Middleware, ...] = ()


def application_options(
    settings: Settings, monitor: Monitor, parts: Sequence[ServerPart]
) -> dict[str, Any]:
    """Return the arguments of FastAPI, which `gradio.Blocks.launch` takes as `app_kwargs`.

    Args:
        settings: of this run.
        monitor: that counts requests.
        parts: of the program, whose middleware stands in this order, the outermost first.
    """
    return {
        "middleware": [
            Middleware(RefuseAddresses),
            Middleware(LimitBodies),
            *(one for part in parts for one in part.middleware),
        ],
        "routes": [
            *health_routes(monitor),
            *_closed_routes(),
            *(route for part in parts for route in part.routes),
        ],
        "exception_handlers": {RecursionError: refuse_nesting},
        "lifespan": _wrapping_lifespan(settings, monitor),
    }


def _closed_routes() -> list[BaseRoute]:
    """Return routes in place of those of Gradio that are for developers: streams without end."""

    async def refuse(_: Request) -> Response:
        return PlainTextResponse("There is nothing here.", 404)

    return [Route("/gradio_api/dev/reload", refuse)]


def _wrapping_lifespan(
    settings: Settings, monitor: Monitor
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return a lifespan that puts the outermost layers around the application as it starts.

    Gradio adds middleware of its own outside of ours, and Starlette what answers after a failure:
    only around all of them do headers reach every answer.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if app.middleware_stack is not None:
            with_headers = SecurityHeaders(app.middleware_stack, security_headers(settings))
            app.middleware_stack = RequestWatch(with_headers, monitor)
        yield

    return lifespan
