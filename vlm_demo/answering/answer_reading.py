"""Reads what an engine writes for a prompt into replies, and measures how long it takes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from vlm_demo.engines import Engine
from vlm_demo.prompting.confidence import TokenProbabilities
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import TranslatableText, join_texts, message
from vlm_demo.values import (
    AnswerToken,
    Prompt,
    Reply,
    Sampling,
    StopReason,
    TextChunk,
    Timing,
    TokenCounts,
)

READING_INTERVAL_S = 0.04
"""Shortest time in seconds from one reading of an answer to the next."""

READING_SHARE = 4
"""Shortest time between two readings of an answer, as a multiple of the time that one takes."""


class AnswerTimer:
    """Measures an answer from the moment at which it was requested."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: float | None = None
        self._tokens = 0

    def count(self, chunk: TextChunk) -> None:
        """Take in the next chunk; an empty one only shows that the engine is alive."""
        if self._first is None and (chunk or chunk.logprobs):
            self._first = time.monotonic()
        self._tokens += len(chunk.logprobs)

    @property
    def has_begun(self) -> bool:
        """Whether anything has been written."""
        return self._first is not None

    @property
    def timing(self) -> Timing:
        """How fast the answer has come so far."""
        now = time.monotonic()
        return Timing((self._first or now) - self._start, now - self._start, self._tokens)


class AnswerReader:
    """Reads what an engine writes for a prompt, as often as reading takes little of the time."""

    def __init__(self, family: Family, prompt: Prompt, timer: AnswerTimer, model: str) -> None:
        """Take the family and the menu's name of the model, and the prompt that it is given."""
        self._family = family
        self._model = model
        self._prompt = prompt
        self._timer = timer
        self._raw = prompt.answer_prefix
        self._probabilities = TokenProbabilities(prompt.answer_prefix)
        self._tokens: list[AnswerToken] = []
        self._counts: TokenCounts | None = None
        self._stop: StopReason | None = None

    def read(self, engine: Engine, sampling: Sampling) -> Generator[Reply, None, None]:
        """Yield the reply as it grows; the last one is complete."""
        last_read, due = None, 0.0
        with closing(engine.stream(self._prompt, sampling)) as chunks:
            for chunk in chunks:
                self._timer.count(chunk)
                self._stop, self._counts = chunk.stop, chunk.counts
                if not self._timer.has_begun and self._stop is None:
                    yield Reply(
                        "",
                        "",
                        note=self._prompt.note,
                        queue_position=chunk.queue_position,
                        is_waiting=True,
                        model=self._model,
                    )
                    continue
                self._raw += chunk
                self._probabilities.add(chunk)
                self._tokens += map(AnswerToken, chunk.tokens, chunk.logprobs)
                started = time.monotonic()
                if started < due or self._stop:
                    continue
                reply, last_read = self._reply(), self._raw
                due = started + max(
                    READING_INTERVAL_S, (time.monotonic() - started) * READING_SHARE
                )
                yield reply
        if last_read != self._raw or self._stop:
            yield self._reply()

    def _reply(self) -> Reply:
        return replace(
            self._read(),
            stop=self._stop,
            model=self._model,
            tokens=tuple(self._tokens),
            counts=self._counts,
        )

    def _read(self) -> Reply:
        prompt, timing = self._prompt, self._timer.timing
        if prompt.choices or prompt.pattern or prompt.schema:
            # A constrained answer holds no reasoning, and nothing of the family's markup.
            answer = self._raw.strip()
            return Reply(self._raw, answer, note=prompt.note, timing=timing, answer=answer)
        reply = self._family.reply(self._raw, prompt)
        reply = replace(reply, note=join_texts(prompt.note, reply.note), timing=timing)
        return self._probabilities.add_confidences(reply)


def describe_omission(turns: int) -> TranslatableText:
    """Say that the oldest turns of a conversation were left out of the prompt."""
    template = message(
        "The conversation has become too long for this model: its first {count} turns were left "
        "out."
    )
    if turns == 1:
        template = message(
            "The conversation has become too long for this model: its first turn was left out."
        )
    return TranslatableText(template, {"count": turns})
