"""A model on another server: vLLM, or any other that speaks OpenAI's chat completions.

All requests to a server share one event loop, in a thread of its own: there a request can be ended
at any moment, also while the server is silent. That closes its connection, and the server stops.
"""

from __future__ import annotations

import asyncio
import os
import queue
import time
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from vlm_demo.engines.base import (
    OnProgress,
    Progress,
    RenderedPrompt,
    ServerKind,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.remote.chat_request import ChatRequest, chat_request, chosen
from vlm_demo.engines.remote.event_loop import LoopThread
from vlm_demo.engines.remote.failures import ServerFailures
from vlm_demo.engines.remote.request_queue import Places
from vlm_demo.errors import EngineError, LoadError, NoScoresError, ServerError, VlmDemoError
from vlm_demo.values import Prompt, Sampling, TextChunk

HEARTBEAT_S = 0.2
"""Longest time without a piece, be it an empty one: an answer can be closed only between two."""

PAUSES_S = (0.5, 1.0)
"""Before a request is sent again, unless the server says how long to wait. No more tries follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server may keep one waiting, in seconds."""

    connect_s: float = 10.0
    check_s: float = 30.0  # until it has listed its models
    first_s: float = 180.0  # until the answer begins: requests queue at the server, too
    between_s: float = 60.0  # between two pieces of an answer
    retry_s: float = 20.0  # longest pause before another try that a server may ask for


class RemoteEngine:
    """Asks one model of a server."""

    control_tokens: frozenset[str] = frozenset()  # a server does not tell; families bring theirs

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        server: ServerKind = "vllm",
        api_key_env: str = "",
        serving: Serving | None = None,
        patience: Patience = Patience(),
    ) -> None:
        """Prepare to ask; nothing is sent yet. For the arguments see `connect`."""
        serving = serving or Serving()
        api_key = _key(api_key_env, model) if api_key_env else ""
        self._model = model
        self._server = server
        self._timeout_s = serving.timeout_s
        self._patience = patience
        self._failures = ServerFailures(model, base_url, server, api_key, api_key_env)
        self._places = Places(batch=serving.batch, waiting=serving.waiting)
        self._counts = Usage()  # changed only in the loop's thread
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # never empty: the client would look for one by itself
            timeout=openai.Timeout(None, connect=patience.connect_s),
            max_retries=0,  # what is safe to repeat is for `_pause` to say
        )
        self._loop = LoopThread(last=self._client.close)

    @classmethod
    def connect(
        cls,
        model: str,
        base_url: str,
        *,
        server: ServerKind = "vllm",
        api_key_env: str = "",
        serving: Serving | None = None,
        patience: Patience = Patience(),
        on_progress: OnProgress = ignore_progress,
    ) -> RemoteEngine:
        """Find out whether the server is there and has the model.

        Args:
            model: what the server calls it.
            base_url: of the server's API; it usually ends in /v1.
            server: "openai" where it knows only the standard fields.
            api_key_env: name of the environment variable that holds the key; "": it wants none.
            serving: how many requests it is sent, and how long an answer may take.
            patience: how long it may be silent.
            on_progress: is told that this goes on.

        Raises:
            LoadError: there is no such server, key or model.
        """
        on_progress(Progress("connecting", 0, None, "steps"))
        engine = cls(
            model,
            base_url,
            server=server,
            api_key_env=api_key_env,
            serving=serving,
            patience=patience,
        )
        try:
            engine._loop.start(engine._check()).result()
        except BaseException:
            engine.close()
            raise
        return engine

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield the answer as it arrives, and empty pieces meanwhile.

        Raises:
            QueueFullError: too many requests are waiting here.
            AnswerTimeoutError: the answer took too long, or the server fell silent.
            TooLongError: the server says that the prompt does not fit.
            ServerError: the server cannot be reached, refused, or broke off.
            EngineError: the server cannot be asked for this, or the model was unloaded.
        """
        request = chat_request(prompt, sampling, self._server)
        deadline = time.monotonic() + self._timeout_s
        with self._places.taken(HEARTBEAT_S) as until_turn:
            for ahead in until_turn:
                if time.monotonic() > deadline:
                    raise self._failures.too_late(self._timeout_s)
                yield TextChunk(ahead=ahead)
            answer = self._answer(request, deadline)
            if prompt.choices and self._server == "openai":
                answer = _only_choice(answer, prompt.choices)
            with closing(answer):
                yield from answer

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Refuse.

        A server gives the probabilities of what it has written. Those that vLLM gives of a prompt
        (`prompt_logprobs`) tell neither which tokens are the choice's, nor how likely its end is.

        Raises:
            NoScoresError: always.
        """
        raise NoScoresError(
            f"The server of {self._model} does not tell how likely each choice is. Please choose "
            "a model that runs on this machine for that."
        )

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Refuse: a server does not tell what its template and processor make of a prompt.

        Raises:
            EngineError: always.
        """
        raise EngineError(
            f"{self._model} runs on another server, which does not tell what exactly the model is "
            "given. Please choose a model that runs on this machine for that."
        )

    def usage(self) -> Usage:
        """Say what is going on; tokens are counted by the server, where it counts them."""
        answering, waiting = self._places.count()
        return replace(self._counts, answering=answering, waiting=waiting)

    def close(self) -> None:
        """End all requests, with an EngineError where they are read, and the connections."""
        self._places.close()
        self._loop.close()

    def _answer(self, request: ChatRequest, deadline: float) -> Generator[TextChunk, None, None]:
        """Read what the loop receives."""
        arrived: queue.SimpleQueue[TextChunk | _End] = queue.SimpleQueue()
        task = self._loop.start(self._receive(request, deadline, arrived))
        try:
            while True:
                try:
                    item = arrived.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    self._places.check_open()
                    item = TextChunk()
                if isinstance(item, _End):
                    break
                yield item
            if item.error is not None:
                raise item.error
        finally:
            task.cancel()

    # What follows runs in the loop's thread.

    async def _check(self) -> None:
        """Find the model among those of the server.

        Only vLLM is held to its list: others do not list all that they could load.

        Raises:
            LoadError: it is not there, or there is no server.
        """
        try:
            with self._told(
                "{who} cannot be reached. Please start it, or correct base_url in the menu."
            ):
                names = await self._names()
            if self._server == "vllm" and self._model not in names:
                raise self._failures.no_model(names)
        except EngineError as error:
            raise LoadError(str(error)) from error

    async def _names(self) -> list[str]:
        """What the server calls its models."""
        async with self._in_time(self._patience.check_s):
            page = await self._client.models.list()
        return [model.id for model in page.data]

    async def _receive(
        self, request: ChatRequest, deadline: float, arrived: queue.SimpleQueue[TextChunk | _End]
    ) -> None:
        """Pass on the pieces of an answer, and how it ended."""
        self._counts = replace(self._counts, requests=self._counts.requests + 1)
        end = _End()
        try:
            async with (
                asyncio.timeout(deadline - time.monotonic()),
                aclosing(self._pieces(request)) as pieces,
            ):
                async for piece in pieces:
                    arrived.put(piece)
        except TimeoutError:
            end = _End(self._failures.too_late(self._timeout_s))
        except Exception as error:  # the border of a thread: raised again where it is read
            _let_go(error)
            end = _End(error)
        arrived.put(end)

    async def _pieces(self, request: ChatRequest) -> AsyncGenerator[TextChunk, None]:
        chunks = await self._opened(request)
        silence_s, thinking, complete = self._patience.first_s, False, False
        with self._told("{who} broke off in the middle of its answer. Please ask again."):
            async with chunks:
                while (chunk := await self._next(chunks, silence_s)) is not None:
                    silence_s = self._patience.between_s
                    delta = _delta(chunk)
                    complete = complete or delta.ends
                    self._count(delta.usage)
                    text, thinking = _with_draft(delta, thinking)
                    if text:
                        yield TextChunk(text, logprobs=delta.logprobs)
        if not complete:
            raise self._failures.incomplete()

    async def _opened(self, request: ChatRequest) -> openai.AsyncStream[ChatCompletionChunk]:
        """Send the request, again where that is safe, until the server begins to answer."""
        pauses = iter(PAUSES_S)
        with self._told(
            "{who} cannot be reached. Please check that it runs, and base_url in the menu."
        ):
            while True:
                try:
                    return await self._sent(request)
                except openai.NotFoundError as error:
                    raise await self._no_model() from error
                except openai.APIError as error:
                    pause_s = _pause(error, next(pauses, None), self._patience.retry_s)
                    if pause_s is None:
                        raise
                await asyncio.sleep(pause_s)

    async def _sent(self, request: ChatRequest) -> openai.AsyncStream[ChatCompletionChunk]:
        async with self._in_time(self._patience.first_s):
            return await self._client.chat.completions.create(
                model=self._model,
                messages=request.messages,
                stream=True,
                extra_body=request.options,
            )

    async def _next(
        self, chunks: openai.AsyncStream[ChatCompletionChunk], silence_s: float
    ) -> ChatCompletionChunk | None:
        async with self._in_time(silence_s):
            return await anext(chunks, None)

    async def _no_model(self) -> ServerError:
        try:
            return self._failures.no_model(await self._names())
        except (openai.OpenAIError, EngineError):  # then it is said without the names
            return self._failures.no_model([])

    def _count(self, usage: CompletionUsage | None) -> None:
        """Add what the server has counted; it says so once, at the end of an answer."""
        if usage is None:
            return
        reused = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
        self._counts = replace(
            self._counts,
            prompt_tokens=self._counts.prompt_tokens + usage.prompt_tokens,
            reused_tokens=self._counts.reused_tokens + (reused or 0),
            tokens=self._counts.tokens + usage.completion_tokens,
        )

    @asynccontextmanager
    async def _in_time(self, silence_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(silence_s):
                yield
        except TimeoutError as error:
            raise self._failures.silent(silence_s) from error

    @contextmanager
    def _told(self, broken: str) -> Iterator[None]:
        """Turn what goes wrong into errors of ours; `broken` says of {who} that it is lost."""
        try:
            yield
        except VlmDemoError:
            raise
        except openai.APIStatusError as error:
            raise self._failures.refusal(error.status_code, error.body) from error
        except openai.APIConnectionError as error:
            raise self._failures.lost(broken) from error
        except openai.APIError as error:  # told in the middle of an answer
            raise self._failures.refusal(None, error.body) from error
        except Exception as error:  # what a server sends can break the client anywhere
            raise self._failures.unreadable() from error


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing follows in an answer."""

    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Delta:
    """What one chunk of a stream adds to the answer."""

    text: str = ""
    draft: str = ""  # what the model thinks before it answers, where the server tells it apart
    logprobs: tuple[float, ...] = ()
    ends: bool = False
    usage: CompletionUsage | None = None


def _delta(chunk: ChatCompletionChunk) -> _Delta:
    if not chunk.choices:
        return _Delta(usage=chunk.usage)
    choice = chunk.choices[0]
    scored = choice.logprobs.content if choice.logprobs else None
    # No part of the standard: vLLM's name for it today, and the one that others took over.
    draft = getattr(choice.delta, "reasoning", "") or getattr(choice.delta, "reasoning_content", "")
    return _Delta(
        text=choice.delta.content or choice.delta.refusal or "",
        draft=draft or "",
        logprobs=tuple(token.logprob for token in scored or ()),
        ends=choice.finish_reason is not None,
        usage=chunk.usage,
    )


def _with_draft(delta: _Delta, thinking: bool) -> tuple[str, bool]:
    """Write the draft between the tags that families know; also return whether it is open."""
    draft = delta.draft if thinking or not delta.draft else f"<think>{delta.draft}"
    thinking = thinking or bool(draft)
    if thinking and delta.text:
        return f"{draft}</think>{delta.text}", False
    return draft + delta.text, thinking


def _only_choice(
    answer: Generator[TextChunk, None, None], choices: Sequence[str]
) -> Generator[TextChunk, None, None]:
    """Yield the choice that an answer holds, once it is complete."""
    text = ""
    with closing(answer):
        for piece in answer:
            text += piece
            yield TextChunk()
    yield TextChunk(chosen(text, choices))


def _let_go(error: BaseException) -> None:
    """Drop what the frames of an error hold, such as a stream that only its own loop may end."""
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__


def _pause(error: openai.APIError, usual_s: float | None, longest_s: float) -> float | None:
    """Seconds to wait before a request is sent again; None: it must not be.

    That is safe as long as no answer has begun: asking changes nothing at the server.
    """
    if usual_s is None or isinstance(error, openai.APITimeoutError):
        return None
    if isinstance(error, openai.APIConnectionError):
        return usual_s
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (429, 503):
        return None
    asked_s = _retry_after(error.response.headers)
    pause_s = usual_s if asked_s is None else asked_s
    return pause_s if pause_s <= longest_s else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; None: it does not say, or not clearly.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _key(name: str, model: str) -> str:
    """Read the key from an environment variable.

    Raises:
        LoadError: it is not there, or no key.
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
