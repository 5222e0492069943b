"""The asynchronous side: requests to one model of a server, within an event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from vlm_demo.engines.base import Usage
from vlm_demo.engines.load_options import Server
from vlm_demo.engines.remote.chat_request import ChatRequest
from vlm_demo.engines.remote.failures import ServerFailures
from vlm_demo.engines.remote.retries import PAUSES_S, retry_pause_s
from vlm_demo.engines.remote.stream_deltas import DeltaReader, read_delta
from vlm_demo.errors import EngineError, LoadError, ServerError, VlmDemoError
from vlm_demo.values import TextChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a server may take, in seconds."""

    connect_s: float = 10.0
    list_s: float = 30.0  # until it has listed its models
    first_s: float = 180.0  # until the answer begins: requests queue at the server, too
    between_s: float = 60.0  # between two messages of an answer
    retry_s: float = 20.0  # longest pause before another try that a server may ask for


DEFAULT_TIMEOUTS = Timeouts()
"""The times that servers are given unless a caller says otherwise."""


class ServerClient:
    """Sends requests to one model of a server. All of it runs in the thread of one event loop."""

    def __init__(self, model: str, server: Server, timeouts: Timeouts) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            LoadError: there is no usable key where the server needs one.
        """
        api_key = _read_api_key(server.api_key_env, model) if server.api_key_env else ""
        self.failures = ServerFailures(model, server, api_key)
        self.counts = Usage()
        self._model = model
        self._server = server
        self._timeouts = timeouts
        self._client = openai.AsyncOpenAI(
            base_url=server.base_url,
            api_key=api_key or "none",  # never empty: the client would look for one by itself
            timeout=openai.Timeout(None, connect=timeouts.connect_s),
            max_retries=0,
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
                "{who} cannot be reached. Please start it, or correct base_url in the menu."
            ):
                names = await self._list_models()
            if self._server.kind == "vllm" and self._model not in names:
                raise self.failures.no_model(names)
        except EngineError as error:
            raise LoadError(str(error)) from error

    async def stream(self, request: ChatRequest) -> AsyncGenerator[TextChunk, None]:
        """Yield the answer as it arrives.

        Raises:
            AnswerTimeoutError: the server fell silent.
            TooLongError: it says that the prompt does not fit.
            ServerError: it cannot be reached, refused, or broke off.
        """
        self.counts = replace(self.counts, requests=self.counts.requests + 1)
        messages = await self._begin(request)
        silence_s, reader = self._timeouts.first_s, DeltaReader()
        with self._explain("{who} broke off in the middle of its answer. Please ask again."):
            async with messages:
                while (message := await self._next(messages, silence_s)) is not None:
                    silence_s = self._timeouts.between_s
                    delta = read_delta(message)
                    self._count(delta.usage)
                    if chunk := reader.read(delta):
                        yield chunk
        if reader.stop is None:
            raise self.failures.incomplete()
        yield TextChunk(stop=reader.stop)

    async def _begin(self, request: ChatRequest) -> openai.AsyncStream[ChatCompletionChunk]:
        """Send the request, again where that is safe, until the server begins to answer."""
        pauses = iter(PAUSES_S)
        with self._explain(
            "{who} cannot be reached. Please check that it runs, and base_url in the menu."
        ):
            while True:
                try:
                    return await self._send(request)
                except openai.NotFoundError as error:
                    raise await self._no_model() from error
                except openai.APIError as error:
                    pause_s = retry_pause_s(error, next(pauses, None), self._timeouts.retry_s)
                    if pause_s is None:
                        raise
                await asyncio.sleep(pause_s)

    async def _send(self, request: ChatRequest) -> openai.AsyncStream[ChatCompletionChunk]:
        async with self._limit(self._timeouts.first_s):
            return await self._client.chat.completions.create(
                model=self._model,
                messages=request.messages,
                stream=True,
                extra_body=request.options,
            )

    async def _next(
        self, messages: openai.AsyncStream[ChatCompletionChunk], silence_s: float
    ) -> ChatCompletionChunk | None:
        async with self._limit(silence_s):
            return await anext(messages, None)

    async def _list_models(self) -> list[str]:
        async with self._limit(self._timeouts.list_s):
            page = await self._client.models.list()
        return [model.id for model in page.data]

    async def _no_model(self) -> ServerError:
        try:
            return self.failures.no_model(await self._list_models())
        except (openai.OpenAIError, EngineError):  # then it is said without the names
            return self.failures.no_model([])

    def _count(self, usage: CompletionUsage | None) -> None:
        """Add what the server has counted; it says so once, at the end of an answer."""
        if usage is None:
            return
        reused = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
        self.counts = replace(
            self.counts,
            prompt_tokens=self.counts.prompt_tokens + usage.prompt_tokens,
            reused_tokens=self.counts.reused_tokens + (reused or 0),
            tokens=self.counts.tokens + usage.completion_tokens,
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
        except Exception as error:  # what a server sends can break the client anywhere
            raise self.failures.unreadable() from error


def _read_api_key(name: str, model: str) -> str:
    """Read the key from an environment variable.

    Raises:
        LoadError: the variable is not set, or does not hold a key.
    """
    key = os.environ.get(name, "").strip()
    if not key:
        raise LoadError(
            f"Please set the environment variable {name}: it holds the key for the server of "
            f"{model}."
        )
    if not (key.isascii() and key.isprintable()):
        raise LoadError(f"What the environment variable {name} holds cannot be a key.")
    return key
