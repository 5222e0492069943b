"""The routes of the API, as an application of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator
from contextlib import aclosing, closing, suppress
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from openai.types import Model
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from vlm_demo.api.chat_answers import KEEP_ALIVE_S, ChatStream, completion_data
from vlm_demo.api.chat_body import read_chat_body
from vlm_demo.api.chat_requests import ChatCall, read_chat_call
from vlm_demo.api.failures import ApiError, Fault, error_response, json_response
from vlm_demo.api.keys import check_caller, check_keys
from vlm_demo.api.thread_stream import iterate_in_thread
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import VlmDemoError
from vlm_demo.settings import Settings
from vlm_demo.values import Reply

PREFIX = "/v1"
"""Path under which the application is mounted, as clients expect it."""

BODY_FACTOR = 3
"""Largest body of a request, as a multiple of the largest picture file: base64 adds a third."""

MAX_READING = 4
"""Largest number of requests whose pictures are decoded at the same time."""

PATIENCE_S = 10.0
"""Seconds in which an answer must have begun before its status is sent: later errors are events."""

T = TypeVar("T")


class Api:
    """Answers calls of the API with the models of a backend."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        self._created = int(time.time())
        self._max_bytes = BODY_FACTOR * settings.max_upload_bytes
        self._reading = anyio.CapacityLimiter(MAX_READING)

    def models(self, request: Request) -> Response:
        """List the models that answer here, the default first."""
        check_caller(request, self._settings.api_keys)
        able = (spec for spec in self._backend.menu if spec.runs_here and spec.answers)
        listed = [self._model(spec) for spec in able]
        return json_response({"object": "list", "data": listed})

    def model(self, request: Request, name: str) -> Response:
        """Describe one model."""
        check_caller(request, self._settings.api_keys)
        return json_response(self._model(self._backend.spec(name)))

    async def chat(self, request: Request) -> Response:
        """Answer a chat completion request; a client that goes away stops the model."""
        check_caller(request, self._settings.api_keys)
        content = await self._read_body(request)
        call = await anyio.to_thread.run_sync(self._read_call, content, limiter=self._reading)
        del content  # the pictures are decoded, and the answer may take long
        replies = iterate_in_thread(
            partial(self._answer, call),
            f"answer by {call.model} for the API",
            KEEP_ALIVE_S,
        )
        if not call.streams:
            async with aclosing(replies):
                reply = await _while_connected(request, _last(replies))
            return json_response(completion_data(self._backend, call, reply))
        first = await _while_connected(request, _first(replies))
        events = ChatStream(self._backend, call).events(_continue(first, replies))
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    def _answer(self, call: ChatCall) -> Generator[Reply, None, None]:
        """Yield the reply as it grows, and at last with outlines where they are wanted."""
        reply: Reply | None = None
        with closing(self._backend.answer(call.model, call.request)) as replies:
            for newest in replies:
                reply = newest
                yield reply
        if reply and call.outlined_images:
            yield self._backend.outliner.outline_reply(reply, call.outlined_images)

    def _read_call(self, content: bytes) -> ChatCall:
        return read_chat_call(self._backend, self._settings, read_chat_body(content))

    async def _read_body(self, request: Request) -> bytes:
        """Return the body of a request, of which no more is kept than is allowed.

        Raises:
            ApiError: it is too large, or no JSON by its own account.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # what a page of another site may send unasked is not
            raise ApiError(
                "The body of a request is JSON: send Content-Type: application/json.",
                Fault(415, "invalid_request_error", "unsupported_media_type"),
            )
        length = request.headers.get("content-length", "")
        parts = bytearray()
        if not (length.isdecimal() and int(length) > self._max_bytes):
            async for part in request.stream():
                parts += part
                if len(parts) > self._max_bytes:
                    break
            else:
                return bytes(parts)
        raise ApiError(
            f"This request is too large: at most {self._max_bytes / 1e6:.0f} MB are taken, with "
            "all its images.",
            Fault(413, "invalid_request_error", "request_too_large"),
        )

    def _model(self, spec: ModelSpec) -> dict[str, Any]:
        model = Model(id=spec.name, created=self._created, object="model", owned_by="vlm_demo")
        own = {
            "family": spec.family,
            "tasks": [task.value for task in spec.tasks],
            "here": spec.is_here or spec.engine == "remote",
        }
        return {**model.model_dump(), "vlm_demo": own}


def build_api(backend: Backend, settings: Settings) -> FastAPI:
    """Build the application, to be mounted at `PREFIX`.

    It is one of its own, because error handlers are bound by application: Gradio's would not call
    ours.

    Raises:
        SettingsError: others could reach it, and there are no keys.
    """
    check_keys(settings)
    api = Api(backend, settings)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route("/models", api.models, methods=["GET"], response_model=None)
    app.add_api_route("/models/{name:path}", api.model, methods=["GET"], response_model=None)
    app.add_api_route("/chat/completions", api.chat, methods=["POST"], response_model=None)
    app.add_exception_handler(HTTPException, _answer_http_error)
    for kind in (ApiError, VlmDemoError, Exception):
        app.add_exception_handler(kind, _answer_error)
    return app


async def _first(replies: AsyncGenerator[Reply | None, None]) -> Reply | None:
    """Return the first reply with anything in it; None where it takes long.

    Raises:
        Exception: what ends the replies before.
    """
    deadline = time.monotonic() + PATIENCE_S
    try:
        async for reply in replies:
            if reply is not None and not reply.is_waiting:
                return reply
            if time.monotonic() > deadline:
                break
    except BaseException:
        await replies.aclose()
        raise
    return None


async def _last(replies: AsyncIterator[Reply | None]) -> Reply:
    newest = Reply("", "")
    async for reply in replies:
        newest = reply or newest
    return newest


async def _continue(
    first: Reply | None, replies: AsyncGenerator[Reply | None, None]
) -> AsyncGenerator[Reply | None, None]:
    """Yield the first reply and those that follow; closing this closes them."""
    async with aclosing(replies):
        yield first
        async for reply in replies:
            yield reply


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of some work, which is cancelled when the client closes its connection.

    Raises:
        ApiError: the client has gone; nobody will read it.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_wait_for_end(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ApiError("The client has gone.", Fault(499, "invalid_request_error"))
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        with suppress(asyncio.CancelledError, Exception):
            await task


async def _wait_for_end(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _answer_error(_: Request, error: Exception) -> Response:
    return error_response(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what no route takes."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "There is no such address here", 405: "This address is not asked in this way"}
    message = (
        f"{words.get(status, 'This cannot be answered')}: {request.method} {request.url.path}."
    )
    return error_response(ApiError(message, Fault(status, "invalid_request_error")))
