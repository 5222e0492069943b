"""What each message of a server's stream adds to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from vlm_demo.values import StopReason, TextChunk

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
    logprobs: tuple[float, ...] = ()
    stop: StopReason | None = None  # why the answer ends; None: it goes on
    usage: CompletionUsage | None = None


def read_delta(chunk: ChatCompletionChunk) -> Delta:
    """Read one message of the stream."""
    if not chunk.choices:
        return Delta(usage=chunk.usage)
    choice = chunk.choices[0]
    scored = choice.logprobs.content if choice.logprobs else None
    # Not part of the standard: vLLM's name for it today, and the one that others took over.
    reasoning = getattr(choice.delta, "reasoning", "") or getattr(
        choice.delta, "reasoning_content", ""
    )
    return Delta(
        text=choice.delta.content or choice.delta.refusal or "",
        reasoning=reasoning or "",
        logprobs=tuple(token.logprob for token in scored or ()),
        stop=_read_stop(choice.finish_reason),
        usage=chunk.usage,
    )


def _read_stop(reason: str | None) -> StopReason | None:
    return _STOP_REASONS.get(reason, StopReason.FINISHED) if reason else None


class DeltaReader:
    """Turns deltas into text, with the reasoning between the tags that families know."""

    def __init__(self) -> None:
        self.stop: StopReason | None = None  # why the answer ends; None: the server has not said
        self._is_reasoning = False

    def read(self, delta: Delta) -> TextChunk:
        """Return what a delta adds; "" where that is nothing."""
        self.stop = self.stop or delta.stop
        text = delta.reasoning
        if text and not self._is_reasoning:
            text, self._is_reasoning = f"<think>{text}", True
        if self._is_reasoning and delta.text:
            text, self._is_reasoning = f"{text}</think>", False
        return TextChunk(text + delta.text, logprobs=delta.logprobs)
