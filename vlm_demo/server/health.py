"""Says that the page is up, to whoever looks after it: load balancers, containers, people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def health_routes() -> list[Route]:
    """Return `GET /healthz`, which anybody may ask and which tells nothing else."""
    return [Route("/healthz", _health, methods=["GET"])]


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
