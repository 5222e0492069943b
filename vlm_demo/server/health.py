"""Says that the page is up, to whoever looks after it: load balancers, containers, people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vlm_demo.server.monitor import Monitor


def health_routes(monitor: Monitor) -> list[Route]:
    """Return `GET /healthz`, which anybody may ask and which tells nothing else.

    It answers 503 once the program takes no more requests.
    """

    async def answer(_: Request) -> JSONResponse:
        status, words = (503, "ending") if monitor.is_ending else (200, "ok")
        return JSONResponse({"status": words}, status, headers={"Cache-Control": "no-store"})

    return [Route("/healthz", answer, methods=["GET"])]
