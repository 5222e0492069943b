"""Serves the page's scripts and style sheets as files, so that they can import one another.

They lie beside the Python that they belong to. `page/studio/app.js` is `vlm_demo/ui/studio/app.js`;
`page/HASH/studio/app.js` is the same, and a browser may keep it for ever, since HASH is that of all
files. What such a file imports by a relative path has the same beginning. `page/i18n/ja.json` is
the catalogue of a language.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vlm_demo.ui.browser_files import path
from vlm_demo.ui.i18n import LANGUAGES, translations

TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
"""Media types of the files that are served, by the end of their names; no others are."""

FOR_EVER = "public, max-age=31536000, immutable"
"""How long a browser may keep a file whose address changes with its content."""

REVALIDATED = "no-cache"
"""A browser may keep such a file, and asks each time whether it has changed."""


def module_routes() -> list[Route]:
    """Return the routes of the files, for the application that serves the page."""
    return [Route("/page/{name:path}", _serve, methods=["GET", "HEAD"])]


def module_url(name: str) -> str:
    """Return the address of a file, relative to the page; `name` is its path in `vlm_demo/ui`."""
    return f"./page/{content_key()}/{name}"


@cache
def content_key() -> str:
    """Return the hash of all files that are served."""
    folder, digest = path(""), hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.suffix in (".js", ".css")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    for language in LANGUAGES:
        digest.update(_catalogue(language))
    return digest.hexdigest()[:16]


def read_module(name: str) -> tuple[bytes, str] | None:
    """Return the content and the media type of a file that may be served; None: there is none.

    Args:
        name: its path below `page/`, which anybody may have written.
    """
    wanted = PurePosixPath(name)
    if wanted.suffix not in TYPES or "\\" in name or "\0" in name:
        return None
    if wanted.suffix == ".json":
        is_catalogue = wanted.parent == PurePosixPath("i18n") and wanted.stem in LANGUAGES
        return (_catalogue(wanted.stem), TYPES[".json"]) if is_catalogue else None
    folder = path("").resolve()
    file = Path(folder, *wanted.parts).resolve()
    if wanted.is_absolute() or not file.is_relative_to(folder) or not file.is_file():
        return None
    return file.read_bytes(), TYPES[wanted.suffix]


@cache
def _catalogue(language: str) -> bytes:
    """Return the translations into a language as JSON."""
    return json.dumps(dict(translations(language)), ensure_ascii=False).encode()


async def _serve(request: Request) -> Response:
    name: str = request.path_params["name"]
    own_name = name.removeprefix(f"{content_key()}/")
    found = read_module(own_name)
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    content, media_type = found
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": FOR_EVER if own_name != name else REVALIDATED,
        "X-Content-Type-Options": "nosniff",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
