"""The pictures of the questions of runs, as small copies."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import get_args

from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.results.pictures import open_reference
from vlm_demo.results.question_lines import Which, list_questions
from vlm_demo.results.run_files import find_run

PATH = "/evaluation-picture"
"""Path of the address; its query names the run (`run`), the kind (`which`) and the place (`index`)
of a question among those of its kind, and perhaps the `picture`, from 0."""

MAX_SIDE = 1280
"""Longest side of a copy, in pixels."""

LOSSLESS_SIDE = 640
"""Longest side up to which a copy has the very colours: small ones are shown large."""


def picture_routes(folder: Path) -> list[Route]:
    """Return the route of the pictures; `folder` has the runs."""

    async def serve(request: Request) -> Response:
        query = request.query_params
        try:
            read = partial(
                _read_picture,
                folder,
                query.get("run", ""),
                query.get("which", "all"),
                int(query.get("index", "")),
                int(query.get("picture", "0")),
            )
            content = await run_in_threadpool(read)
        except (VlmDemoError, ValueError):
            return PlainTextResponse("There is no such image.", 404)
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type="image/webp", headers=headers)

    return [Route(PATH, serve, methods=["GET"])]


def _read_picture(folder: Path, run: str, which: str, index: int, number: int) -> bytes:
    if which not in get_args(Which) or index < 0 or number < 0:
        raise InputError("There is no such image.")
    found = find_run(folder, run)
    _, records = list_questions(found, which, index, 1)  # type: ignore[arg-type]  # checked
    pictures = records[0].get("pictures", []) if records else []
    if number >= len(pictures):
        raise InputError("There is no such image.")
    image = open_reference(pictures[number], found.data, found.folder)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.convert("RGB").save(file, "WEBP", quality=90, lossless=max(image.size) <= LOSSLESS_SIDE)
    return file.getvalue()
