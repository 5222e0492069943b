"""Keeps the files of visitors apart: who may upload how much, and be sent which file.

Gradio stores an upload under the hash of its content and sends any stored file to whoever knows its
path. Here each upload is moved to a folder of its visitor under a random name before its path is
told, and only its visitor gets it back.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from math import ceil
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.errors import FileError, QuotaError, VlmDemoError
from vlm_demo.quotas.moving_window import MovingWindow, describe_wait
from vlm_demo.settings import Settings
from vlm_demo.ui.files.folders import make_folder, may_read, own_folder, root, write_errors
from vlm_demo.ui.files.usage import count_bytes, make_room

MEASURED_S = 10.0
"""Seconds for which the number of all stored bytes is believed."""

_FILE = re.compile(r"/gradio_api/file[=/](.*)", re.DOTALL)
_UPLOAD = "/gradio_api/upload"


class FileAccess:
    """ASGI middleware in front of Gradio's upload and of the files that it sends.

    The state of a request names its visitor as `owner`: see `VisitorCookies`.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        """Put the checks in front of an application."""
        self._app = app
        self._quotas = settings.quotas
        self._most = settings.files_bytes
        self._window = MovingWindow(_too_many_uploads, an_hour=self._quotas.uploads_an_hour)
        self._stored = 0  # bytes, when they were counted last
        self._counted = float("-inf")  # when that was, on the monotonic clock
        self._uploading = 0  # requests
        self._originals: set[Path] = set()  # Gradio's files of uploads that have been moved
        self._static = frozenset(root().glob("*"))  # of the page itself, such as icons

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request for a file of somebody else; move what is uploaded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        owner = scope["state"]["owner"]
        asked = _FILE.search(scope["path"])
        if asked and not may_read(asked[1], owner):
            await PlainTextResponse("This file is not here.", 404)(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"].rstrip("/").endswith(_UPLOAD):
            await self._upload(scope, receive, send, owner)
        else:
            await self._app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        headers = Headers(scope=scope)
        try:
            await self._admit(owner, headers)
        except VlmDemoError as error:
            await _refusal(error, headers)(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        self._uploading += 1
        try:
            try:
                with write_errors():
                    await self._app(scope, receive, keep)  # until its file is where it says
                if answer and answer[0].get("status") == 200:
                    await run_in_threadpool(self._move, answer, owner)
            except VlmDemoError as error:
                await _refusal(error, headers)(scope, receive, send)
                return
        finally:
            self._uploading -= 1
            if not self._uploading:  # another one may have brought the same file
                _remove_originals(self._originals)
        for message in answer:
            await send(message)

    async def _admit(self, owner: str, headers: Headers) -> None:
        """Count an upload, and make room for it.

        Raises:
            QuotaError: the visitor has uploaded too much.
            FileError: all visitors together have.
        """
        self._window.count(owner)
        length = headers.get("content-length", "")
        size = int(length) if length.isdecimal() and len(length) < 16 else 0
        most = self._quotas.bytes_kept
        if most and size > most:
            raise QuotaError(
                "This is more than one visitor may store here: the limit is {most} MB.",
                most=f"{most / 1e6:,.0f}",
            )
        now = time.monotonic()
        if now - self._counted > MEASURED_S:
            self._counted = now
            self._stored = await run_in_threadpool(count_bytes)
        if self._stored + size > self._most:
            raise FileError(
                "Too many files are stored here at the moment. Try again in a few minutes."
            )
        self._stored += size
        if most:
            await run_in_threadpool(make_room, own_folder(owner), most - size)

    def _move(self, answer: list[Message], owner: str) -> None:
        """Move the files that an answer names, and let it name the new ones."""
        body = b"".join(message.get("body", b"") for message in answer)
        paths: Any = json.loads(body)
        moved = [str(self._move_one(Path(path), owner)) for path in paths]
        body = json.dumps(moved).encode()
        start = answer[0]
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        answer[:] = [start, {"type": "http.response.body", "body": body, "more_body": False}]

    def _move_one(self, original: Path, owner: str) -> Path:
        if not original.resolve().is_relative_to(root()):
            raise FileError("This file did not arrive. Send it again.")
        file = make_folder(owner) / original.name
        try:
            os.link(original, file)
        except OSError:  # a file system without links
            with write_errors():
                shutil.copyfile(original, file)
        os.utime(file)  # its life begins now, also where Gradio had such a file before
        if original.parent not in self._static:
            self._originals.add(original)
        return file


def file_middleware(settings: Settings) -> Middleware:
    """Return the middleware for FastAPI; it stands behind that of the cookies."""
    return Middleware(FileAccess, settings=settings)


def _remove_originals(originals: set[Path]) -> None:
    while originals:
        original = originals.pop()
        try:
            original.unlink(missing_ok=True)
            original.parent.rmdir()
        except OSError:  # there is more in the folder
            continue


def _refusal(error: VlmDemoError, headers: Headers) -> Response:
    """Return the answer to an upload that is refused: JSON for Studio, text for Gradio."""
    wait_s = error.wait_s if isinstance(error, QuotaError) else 0.0
    status = 429 if wait_s else 413 if isinstance(error, QuotaError) else 507
    more = {"Retry-After": str(ceil(wait_s))} if wait_s else {}
    if "application/json" in headers.get("accept", ""):
        return JSONResponse({"error": str(error)}, status, more)
    return PlainTextResponse(str(error), status, more)


def _too_many_uploads(wait_s: float) -> QuotaError:
    return QuotaError(
        "You have uploaded too many files in the last hour. Wait {when}.",
        when=describe_wait(wait_s),
        wait_s=wait_s,
    )
