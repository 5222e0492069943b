"""What each message of a server adds to an answer, whatever the shape in which it says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vlm_demo.engines.remote.event_stream import UnreadableMessageError
from vlm_demo.values import AnswerToken, StopReason, TextChunk, TokenCounts

_STOP_REASONS: Mapping[str, StopReason] = {
    "length": StopReason.LENGTH,
    "max_tokens": StopReason.LENGTH,
    "content_filter": StopReason.FILTERED,
}
"""What servers call the reasons for which an answer may be incomplete; all others are its end.

Source: https://platform.openai.com/docs/api-reference/chat/object (`finish_reason`).
"""


@dataclass(frozen=True, slots=True)
class Delta:
    """What one message adds to the answer."""

    text: str = ""
    reasoning: str = ""  # where the server separates it from the answer
    tokens: tuple[AnswerToken, ...] = ()
    stop: StopReason | None = None  # why the answer ends; None: it goes on
    counts: TokenCounts | None = None


def read_delta(message: Mapping[str, Any]) -> Delta:
    """Read one message, of a stream or the only one.

    Raises:
        UnreadableMessageError: it is something else.
    """
    counts = _read_counts(message.get("usage"))
    choices = message.get("choices")
    if not choices:
        return Delta(counts=counts)
    choice = choices[0] if isinstance(choices, list) else None
    stop = _read_stop(_mapping(choice).get("finish_reason"))
    content = _mapping(choice).get("delta", _mapping(choice).get("message"))
    if not isinstance(content, dict):
        if stop is None:
            raise UnreadableMessageError("something that is not a message")
        return Delta(stop=stop, counts=counts)
    # Not part of the standard: vLLM's name for it today, and the one that others took over.
    reasoning = content.get("reasoning") or content.get("reasoning_content")
    return Delta(
        text=_read_text(content.get("content")) or _read_text(content.get("refusal")),
        reasoning=_read_text(reasoning),
        tokens=_read_tokens(_mapping(choice).get("logprobs")),
        stop=stop,
        counts=counts,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_text(content: object) -> str:
    """Return a text that may be written as parts, of which those without text are left out."""
    if isinstance(content, str):
        return content
    parts = content or []
    if not isinstance(parts, list):
        raise UnreadableMessageError("something that is not text")
    texts = (part if isinstance(part, str) else _mapping(part).get("text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def _read_tokens(logprobs: object) -> tuple[AnswerToken, ...]:
    listed = _mapping(logprobs).get("content")
    found = [_mapping(token) for token in listed] if listed else []
    pairs = [(token.get("token"), token.get("logprob")) for token in found]
    return tuple(
        AnswerToken(text if isinstance(text, str) else "", float(value))
        for text, value in pairs
        if isinstance(value, int | float) and not math.isnan(value)
    )


def _read_stop(reason: object) -> StopReason | None:
    return _STOP_REASONS.get(reason, StopReason.FINISHED) if isinstance(reason, str) else None


def _read_counts(usage: object) -> TokenCounts | None:
    if not isinstance(usage, dict):
        return None
    details = _mapping(usage.get("prompt_tokens_details"))
    found = usage.get("prompt_tokens"), details.get("cached_tokens"), usage.get("completion_tokens")
    return TokenCounts(*(count if isinstance(count, int) else 0 for count in found))


MAX_CHARACTERS = 200_000
"""Length in characters at which an answer is cut off: a server may write for ever."""

_FIRST_HALVES = ("\ud800", "\udbff")
"""First and last code point that is the first half of a character in UTF-16."""


class DeltaReader:
    """Turns deltas into text, with the reasoning between the tags that families know."""

    def __init__(self) -> None:
        self.stop: StopReason | None = None  # why the answer ends; None: the server has not said
        self.counts: TokenCounts | None = None  # None: the server has not said
        self._is_reasoning = False
        self._half = ""  # a first half of a character, whose second half may come next
        self._characters = 0

    @property
    def is_full(self) -> bool:
        """Whether the answer has become longer than any that somebody reads."""
        return self._characters > MAX_CHARACTERS

    def read(self, delta: Delta) -> TextChunk:
        """Return what a delta adds; "" where that is nothing."""
        self.stop, self.counts = self.stop or delta.stop, delta.counts or self.counts
        text = delta.reasoning
        if text and not self._is_reasoning:
            text, self._is_reasoning = f"<think>{text}", True
        if self._is_reasoning and delta.text:
            text, self._is_reasoning = f"{text}</think>", False
        text = self._complete_characters(text + delta.text)
        self._characters += len(text)
        if self.is_full:
            self.stop = StopReason.LENGTH
        return TextChunk(
            text,
            logprobs=tuple(token.logprob for token in delta.tokens),
            tokens=tuple(token.text for token in delta.tokens),
        )

    def _complete_characters(self, text: str) -> str:
        """Join halves of characters, which servers may write apart; U+FFFD replaces a lone one."""
        text = self._half + text
        keeps_half = bool(text) and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]
        self._half = text[-1] if keeps_half and self.stop is None else ""
        text = text[: len(text) - len(self._half)]
        if text.isascii():
            return text
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
