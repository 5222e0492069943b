"""What each message of a server's stream adds to an answer."""

from __future__ import annotations

from dataclasses import dataclass

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from vlm_demo.values import TextChunk


@dataclass(frozen=True, slots=True)
class Delta:
    """What one message adds to the answer."""

    text: str = ""
    reasoning: str = ""  # where the server separates it from the answer
    logprobs: tuple[float, ...] = ()
    ends: bool = False
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
        ends=choice.finish_reason is not None,
        usage=chunk.usage,
    )


class DeltaReader:
    """Turns deltas into text, with the reasoning between the tags that families know."""

    def __init__(self) -> None:
        self.is_complete = False  # the server has said that the answer ends
        self._is_reasoning = False

    def read(self, delta: Delta) -> TextChunk:
        """Return what a delta adds; "" where that is nothing."""
        self.is_complete = self.is_complete or delta.ends
        text = delta.reasoning
        if text and not self._is_reasoning:
            text, self._is_reasoning = f"<think>{text}", True
        if self._is_reasoning and delta.text:
            text, self._is_reasoning = f"{text}</think>", False
        return TextChunk(text + delta.text, logprobs=delta.logprobs)
