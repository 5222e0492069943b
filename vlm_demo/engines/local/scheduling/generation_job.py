"""One request, from its reader's thread to the model's and back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from threading import Event

from vlm_demo.engines.channel import HEARTBEAT_S, Channel
from vlm_demo.engines.local.decoding.answers import AnswerInProgress
from vlm_demo.engines.local.inputs.encoding import EncodedPrompt
from vlm_demo.errors import AnswerTimeoutError, EngineError
from vlm_demo.values import Sampling, StopReason, TextChunk, TokenCounts

GRACE_S = 2.0
"""Seconds that a reader waits longer than the model, in case the model itself is stuck."""


class GenerationJob:
    """A request that waits or is being answered."""

    def __init__(
        self,
        encoded: EncodedPrompt,
        answer: AnswerInProgress,
        sampling: Sampling,
        *,
        max_new_tokens: int,
        end_tokens: frozenset[int],
        timeout_s: float,
        visitor: str = "",
    ) -> None:
        self.encoded = encoded
        self.answer = answer
        self.sampling = sampling
        self.visitor = visitor  # who asks: see `Request.visitor`
        self.max_new_tokens = max_new_tokens
        self.tokens: list[int] = []  # of the answer
        self.cached_tokens = 0  # of the prompt, those that had been computed before
        self.cancelled = Event()  # the reader has gone
        self.is_over = False  # the answer has ended by itself
        self._stop = StopReason.FINISHED
        self._end_tokens = end_tokens
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._chunks: Channel[TextChunk] = Channel()
        self._position = 0  # in the queue, as the reader knows it

    @property
    def is_late(self) -> bool:
        """Whether it has taken too long."""
        return time.monotonic() > self._deadline

    @property
    def is_unwanted(self) -> bool:
        """Whether no more tokens are wanted: it is over, cancelled or late."""
        return self.is_over or self.cancelled.is_set() or self.is_late

    def add_token(self, token: int, logprob: float | None) -> bool:
        """Pass on the next token of the answer; return whether the answer ends with it.

        Args:
            token: chosen by the model.
            logprob: the token's log-probability; None: not known.

        Raises:
            EngineError: the model computed NaN.
        """
        if logprob is not None and math.isnan(logprob):
            raise EngineError(
                "The model computed invalid numbers (NaN). Load it in another precision, "
                "float32 or bfloat16, or choose another model."
            )
        self.tokens.append(token)
        ends = token in self._end_tokens
        chunk = self.answer.add_token(token, logprob, ends=ends)
        if chunk or chunk.logprobs:
            self._chunks.put(chunk)
        is_cut_off = len(self.tokens) >= self.max_new_tokens
        if is_cut_off and not ends and not self.answer.is_complete:
            self._stop = StopReason.LENGTH
        self.is_over = ends or self.answer.is_complete or is_cut_off
        return self.is_over

    def report_queue_position(self, position: int) -> None:
        """Tell the reader its position in the queue, unless it knows that."""
        if position == self._position:
            return
        self._position = position
        self._chunks.put(TextChunk(queue_position=position))

    def finish(self, error: BaseException | None = None) -> None:
        """End the reader's stream, with an error or with the rest of the answer and its reason."""
        if error is None:
            rest = self.answer.flush()
            prompt_tokens = len(self.encoded.ids)
            self._chunks.put(
                TextChunk(
                    rest,
                    logprobs=rest.logprobs,
                    tokens=rest.tokens,
                    stop=self._stop,
                    counts=TokenCounts(prompt_tokens, self.cached_tokens, len(self.tokens)),
                )
            )
        self._chunks.finish(error)

    def timeout_error(self) -> AnswerTimeoutError:
        """Return the error that ends a request which took too long."""
        return AnswerTimeoutError(
            "This took longer than {timeout_s} seconds and was stopped. Ask for less, or try "
            "again when the model is less busy.",
            timeout_s=f"{self._timeout_s:,.0f}",
        )

    def chunks(self) -> Generator[TextChunk, None, None]:
        """Yield the chunks of the answer until its end, and empty ones during long silence.

        It can be closed only when it yields, and a reader may go away while it waits for others.

        Raises:
            EngineError: what ended the request.
        """
        position = 0
        for chunk in self._chunks.iterate(HEARTBEAT_S):
            if chunk is None:
                if time.monotonic() > self._deadline + GRACE_S:
                    raise self.timeout_error()
                yield TextChunk(queue_position=position)
            else:
                position = chunk.queue_position
                yield chunk


OnJobEnd = Callable[[GenerationJob, Exception | None], None]
"""Called with a job that has ended, and the error that ended it, if any."""
