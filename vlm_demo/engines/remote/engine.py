"""The engine for models on other servers.

All requests to a server share one event loop, in a thread of its own: there a request can be ended
at any moment, even while the server is silent. That closes its connection, and the server stops.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace

from vlm_demo.engines.base import (
    OnProgress,
    Progress,
    RenderedPrompt,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.channel import HEARTBEAT_S, Channel, clear_frames
from vlm_demo.engines.load_options import Server
from vlm_demo.engines.remote.chat_request import ChatRequest, chat_request, read_choice
from vlm_demo.engines.remote.client import DEFAULT_TIMEOUTS, ServerClient, Timeouts
from vlm_demo.engines.remote.event_loop_thread import EventLoopThread
from vlm_demo.engines.remote.request_queue import RequestQueue
from vlm_demo.errors import EngineError, NoScoresError
from vlm_demo.values import Prompt, Sampling, StopReason, TextChunk


class RemoteEngine:
    """Asks one model of a server."""

    control_tokens: frozenset[str] = frozenset()  # a server does not say; families bring theirs

    def __init__(
        self,
        model: str,
        server: Server,
        *,
        name: str = "",
        serving: Serving | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        """Prepare to ask; nothing is sent yet. For the arguments see `connect`."""
        serving = serving or Serving()
        self._name = name or model
        self._server = server
        self._timeout_s = serving.timeout_s
        self._queue = RequestQueue(batch=serving.batch, waiting=serving.waiting)
        self._client = ServerClient(model, server, timeouts, self._name)
        self._loop = EventLoopThread(clean_up=self._client.close)

    @classmethod
    def connect(
        cls,
        model: str,
        server: Server,
        *,
        name: str = "",
        serving: Serving | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_progress: OnProgress = ignore_progress,
    ) -> RemoteEngine:
        """Find out whether the server is there and has the model.

        Args:
            model: what the server calls it.
            server: where it is.
            name: what the menu calls the model, for messages; "": as the server does.
            serving: how many requests it is sent, and how long an answer may take.
            timeouts: how long it may be silent.
            on_progress: is called when this begins.

        Raises:
            LoadError: there is no such server, key or model.
        """
        on_progress(Progress("connecting", 0, None, "steps"))
        engine = cls(model, server, name=name, serving=serving, timeouts=timeouts)
        try:
            engine._loop.start(engine._client.check_model()).result()
        except BaseException:
            engine.close()
            raise
        return engine

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield the answer as it arrives, and empty chunks meanwhile.

        Raises:
            QueueFullError: too many requests are waiting here.
            AnswerTimeoutError: the answer took too long, or the server fell silent.
            TooLongError: the server says that the prompt does not fit.
            ServerError: the server cannot be reached, refused, or broke off.
            EngineError: the server cannot be asked for this, or the model was unloaded.
        """
        request = chat_request(prompt, sampling, self._server.kind)
        deadline = time.monotonic() + self._timeout_s
        with self._queue.enter(HEARTBEAT_S, prompt.visitor) as positions:
            for position in positions:
                if time.monotonic() > deadline:
                    raise self._client.failures.too_late(self._timeout_s)
                yield TextChunk(queue_position=position)
            answer = self._answer(request, deadline)
            if prompt.choices and self._server.kind == "openai":
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
            "The server of {name} returns no probabilities for the choices. For that, choose a "
            "model that runs on this computer.",
            name=self._name,
        )

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Refuse: a server does not tell what its template and processor make of a prompt.

        Raises:
            EngineError: always.
        """
        raise EngineError(
            "{name} runs on another server, which does not show the exact prompt. For that, "
            "choose a model that runs on this computer.",
            name=self._name,
        )

    def usage(self) -> Usage:
        """Return what is going on; tokens are counted by the server, where it counts them."""
        answering, waiting = self._queue.count()
        return replace(self._client.counts, answering=answering, waiting=waiting)

    def close(self) -> None:
        """End all requests, with an EngineError where they are read, and the connections."""
        self._queue.close()
        self._loop.close()

    def _answer(self, request: ChatRequest, deadline: float) -> Generator[TextChunk, None, None]:
        """Yield what the event loop receives."""
        channel: Channel[TextChunk] = Channel()
        task = self._loop.start(self._receive(request, deadline, channel))
        try:
            for chunk in channel.iterate(HEARTBEAT_S):
                if chunk is None:
                    self._queue.check_open()
                yield TextChunk() if chunk is None else chunk
        finally:
            task.cancel()

    async def _receive(
        self, request: ChatRequest, deadline: float, channel: Channel[TextChunk]
    ) -> None:
        """Pass on an answer, and how it ended. Runs in the thread of the event loop."""
        try:
            async with (
                asyncio.timeout(deadline - time.monotonic()),
                aclosing(self._client.stream(request)) as chunks,
            ):
                async for chunk in chunks:
                    channel.put(chunk)
        except TimeoutError:
            channel.finish(self._client.failures.too_late(self._timeout_s))
        except Exception as error:  # raised again where the answer is read
            clear_frames(error)  # they hold a stream that only this loop may end
            channel.finish(error)
        else:
            channel.finish()


def _only_choice(
    answer: Generator[TextChunk, None, None], choices: Sequence[str]
) -> Generator[TextChunk, None, None]:
    """Yield the choice that an answer holds, once it is complete."""
    text, stop, counts = "", StopReason.FINISHED, None
    with closing(answer):
        for chunk in answer:
            text, stop, counts = text + chunk, chunk.stop or stop, chunk.counts or counts
            yield TextChunk()
    yield TextChunk(read_choice(text, choices), stop=stop, counts=counts)
