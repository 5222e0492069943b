"""One request, from its reader's thread to the model's and back."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from queue import Empty, SimpleQueue
from threading import Event

from vlm_demo.engines.local.decoding.answers import Answer
from vlm_demo.engines.local.inputs.encoding import Encoded
from vlm_demo.errors import AnswerTimeoutError, EngineError
from vlm_demo.values import Sampling, TextChunk

GRACE_S = 2.0
"""How much longer than the model a reader waits, in case the model itself is stuck."""


class Job:
    """A request that waits or is being answered."""

    def __init__(
        self,
        encoded: Encoded,
        answer: Answer,
        sampling: Sampling,
        *,
        max_new_tokens: int,
        end_tokens: frozenset[int],
        timeout_s: float,
    ) -> None:
        self.encoded = encoded
        self.answer = answer
        self.sampling = sampling
        self.max_new_tokens = max_new_tokens
        self.written: list[int] = []  # tokens of the answer
        self.stop = Event()  # the reader has gone
        self.over = False  # the answer has ended by itself
        self._end_tokens = end_tokens
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._pieces: SimpleQueue[TextChunk | BaseException | None] = SimpleQueue()

    @property
    def expired(self) -> bool:
        """Whether it has taken too long."""
        return time.monotonic() > self._deadline

    def take(self, token: int, logprob: float) -> bool:
        """Pass on the next token; return whether the answer ends with it.

        Raises:
            EngineError: the model computed something that is no number.
        """
        if math.isnan(logprob):
            raise EngineError(
                "The model's numbers broke down (NaN). Please load it in another precision, "
                "float32 or bfloat16, or choose another model."
            )
        self.written.append(token)
        self._put(self.answer.take(token, logprob, ends=token in self._end_tokens))
        self.over = (
            token in self._end_tokens
            or self.answer.complete
            or len(self.written) >= self.max_new_tokens
        )
        return self.over

    def tell(self, ahead: int) -> None:
        """Let the reader know how many requests are answered first."""
        self._pieces.put(TextChunk(ahead=ahead))

    def finish(self, error: BaseException | None = None) -> None:
        """End the reader's stream, with an error or with what the answer has left."""
        if error is None:
            self._put(self.answer.rest())
        self._pieces.put(error)

    def timed_out(self) -> AnswerTimeoutError:
        """Build the error that ends a request which took too long."""
        return AnswerTimeoutError(
            f"This took longer than {self._timeout_s:,.0f} seconds and was stopped. Please ask "
            "for less, or try again when the model has less to do."
        )

    def pieces(self) -> Generator[TextChunk, None, None]:
        """Yield what comes until the end.

        Raises:
            EngineError: what ended the request.
        """
        while True:
            left = self._deadline + GRACE_S - time.monotonic()
            try:
                piece = self._pieces.get(timeout=max(left, 0.0))
            except Empty:
                raise self.timed_out() from None
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def _put(self, piece: TextChunk) -> None:
        if piece or piece.logprobs:
            self._pieces.put(piece)
