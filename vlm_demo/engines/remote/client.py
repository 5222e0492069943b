"""The asynchronous side: requests to one model of a server, within an event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2  # what openai's client lets through while an answer is read
import openai
from openai import AsyncAPIResponse

from vlm_demo.engines.base import Usage
from vlm_demo.engines.load_options import Server
from vlm_demo.engines.remote.chat_request import ChatRequest
from vlm_demo.engines.remote.dialect import Dialect
from vlm_demo.engines.remote.event_stream import (
    DONE,
    Message,
    MessageReader,
    UnreadableMessageError,
)
from vlm_demo.engines.remote.failures import BROKE_OFF, ServerFailures
from vlm_demo.engines.remote.retries import PAUSES_S, retry_pause_s
from vlm_demo.engines.remote.stream_deltas import Delta, DeltaReader, read_delta
from vlm_demo.errors import EngineError, LoadError, ServerError, VlmDemoError
from vlm_demo.translatable_text import message
from vlm_demo.values import StopReason, TextChunk, TokenCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a server may take, in seconds."""

    connect_s: float = 10.0
    list_s: float = 30.0  # until it has listed its models
    first_s: float = 180.0  # until the answer begins: requests queue at the server, too
    between_s: float = 60.0  # between two messages of an answer
    retry_s: float = 20.0  # longest pause before another try that a server may ask for


_Response = AsyncAPIResponse[Any]

DEFAULT_TIMEOUTS = Timeouts()
"""The times that servers are given unless a caller says otherwise."""


class ServerClient:
    """Sends requests to one model of a server. All of it runs in the thread of one event loop."""

    def __init__(self, model: str, server: Server, timeouts: Timeouts, name: str = "") -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            model: what the server calls it.
            server: where it is.
            timeouts: how long it may be silent.
            name: what the menu calls the model, for messages; "": as the server does.

        Raises:
            LoadError: there is no usable key where the server needs one.
        """
        api_key = read_api_key(server, name or model)
        self.failures = ServerFailures(name or model, server, api_key)
        self.counts = Usage()
        self._model = model
        self._server = server
        self._timeouts = timeouts
        self._dialect = Dialect()  # changes with what the server refuses
        self._client = openai.AsyncOpenAI(
            base_url=server.base_url,
            api_key=api_key or "none",  # never empty: the client would look for one by itself
            timeout=openai.Timeout(None, connect=timeouts.connect_s),
            max_retries=0,
            # A redirection would take pictures to an address that nobody has chosen.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def check_model(self) -> None:
        """Make sure that the server is there and has the model.

        Only vLLM is held to its list: others do not list all that they could load.

        Raises:
            LoadError: it is not there, or there is no server.
        """
        try:
            with self._explain(
                message("{who} cannot be reached. Start it, or correct base_url in the menu.")
            ):
                names = await self._list_models()
            if self._server.kind == "vllm" and self._model not in names:
                raise self.failures.no_model(names)
        except EngineError as error:
            raise LoadError(error.message) from error

    async def stream(self, request: ChatRequest) -> AsyncGenerator[TextChunk, None]:
        """Yield the answer as it arrives.

        Raises:
            AnswerTimeoutError: the server fell silent.
            TooLongError: it says that the prompt does not fit.
            ServerError: it cannot be reached, refused, or broke off.
        """
        self.counts = replace(self.counts, requests=self.counts.requests + 1)
        silence_s, reader = self._timeouts.first_s, DeltaReader()
        async with AsyncExitStack() as stack:
            response = await self._begin(request, stack)
            with self._explain(BROKE_OFF):
                messages = MessageReader(response.headers.get("content-type", ""))
                parts = aiter(response.iter_bytes())
                has_ended = False
                while not has_ended:
                    part = await self._next(parts, silence_s)
                    has_ended = part is None
                    silence_s = self._timeouts.between_s
                    for message in messages.end() if part is None else messages.feed(part):
                        has_ended = has_ended or message is DONE
                        if chunk := reader.read(self._read(message)):
                            yield chunk
                        has_ended = has_ended or reader.is_full
        if reader.stop is None:
            raise self.failures.incomplete()
        yield TextChunk(stop=reader.stop, counts=reader.counts)

    async def _begin(self, request: ChatRequest, stack: AsyncExitStack) -> _Response:
        """Send the request until the server begins to answer; `stack` closes the connection.

        It is sent again where that is safe, and in another way where the server asks for one.
        """
        pauses = iter(PAUSES_S)
        with self._explain(
            message("{who} cannot be reached. Check that it runs, and base_url in the menu.")
        ):
            while True:
                try:
                    return await self._send(request, stack)
                except openai.NotFoundError as error:
                    raise await self._no_model() from error
                except openai.APIError as error:
                    if self._adapt(request, error):
                        continue
                    pause_s = retry_pause_s(error, next(pauses, None), self._timeouts.retry_s)
                    if pause_s is None:
                        raise
                await asyncio.sleep(pause_s)

    async def _send(self, request: ChatRequest, stack: AsyncExitStack) -> _Response:
        dialect = self._dialect
        sending = self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=request.messages,
            stream=dialect.streams,
            extra_body=dialect.write(request.options),
        )
        async with self._limit(self._timeouts.first_s):
            return await stack.enter_async_context(sending)

    def _adapt(self, request: ChatRequest, error: openai.APIError) -> bool:
        """Learn from a refusal how this server wants to be asked; return whether it said so."""
        if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
            return False
        if self.failures.is_too_long(error.body):
            return False
        dialect = self._dialect.adapt(request.options, error.body)
        self._dialect = dialect or self._dialect
        return dialect is not None

    async def _next(self, parts: AsyncIterator[bytes], silence_s: float) -> bytes | None:
        async with self._limit(silence_s):
            return await anext(parts, None)

    def _read(self, message: Message) -> Delta:
        """Read a message, and count what it says that it has cost.

        Raises:
            ServerError: the server says that it has failed.
        """
        if message is DONE:
            return Delta(stop=StopReason.FINISHED)
        if error := message.get("error"):
            raise self.failures.refusal(None, error)
        delta = read_delta(message)
        self._count(delta.counts)
        return delta

    async def _list_models(self) -> list[str]:
        async with self._limit(self._timeouts.list_s):
            page = await self._client.models.list()
        return [model.id for model in page.data]

    async def _no_model(self) -> ServerError:
        try:
            return self.failures.no_model(await self._list_models())
        except (openai.OpenAIError, EngineError):  # then it is said without the names
            return self.failures.no_model([])

    def _count(self, counts: TokenCounts | None) -> None:
        """Add what the server has counted; it says so once, at the end of an answer."""
        if counts is None:
            return
        self.counts = replace(
            self.counts,
            prompt_tokens=self.counts.prompt_tokens + counts.prompt,
            reused_tokens=self.counts.reused_tokens + counts.cached,
            tokens=self.counts.tokens + counts.completion,
        )

    @asynccontextmanager
    async def _limit(self, silence_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(silence_s):
                yield
        except TimeoutError as error:
            raise self.failures.silent(silence_s) from error

    @contextmanager
    def _explain(self, connection_lost: str) -> Iterator[None]:
        """Turn everything that goes wrong into errors for people.

        Args:
            connection_lost: message for a broken connection, with {who} for the server.
        """
        try:
            yield
        except VlmDemoError:
            raise
        except openai.APIStatusError as error:
            raise self.failures.refusal(error.status_code, error.body) from error
        except openai.APIConnectionError as error:
            raise self.failures.unreachable(connection_lost) from error
        except openai.APIError as error:  # sent in the middle of an answer
            raise self.failures.refusal(None, error.body) from error
        except httpx2.TransportError as error:  # while the answer is read
            raise self.failures.unreachable(connection_lost) from error
        except UnreadableMessageError as error:
            raise self.failures.unreadable(str(error)) from error
        except Exception as error:  # what a server sends can break the client anywhere
            raise self.failures.unreadable() from error


def read_api_key(server: Server, model: str) -> str:
    """Return the key of a server, from its environment variable if it names one; "": none.

    Raises:
        LoadError: the variable is not set, or does not hold a key.
    """
    name = server.api_key_env
    if not name:
        return server.api_key
    key = os.environ.get(name, "").strip()
    if not key:
        raise LoadError(
            "Set the environment variable {name} to the key for the server of {model}.",
            name=name,
            model=model,
        )
    if not (key.isascii() and key.isprintable()):
        raise LoadError("The environment variable {name} does not contain a valid key.", name=name)
    return key
