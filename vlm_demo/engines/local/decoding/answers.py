"""What becomes of the tokens of an answer: free text, one of several choices, or a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from transformers import LogitsProcessor

from vlm_demo.engines.local.decoding.constraints import ChoiceTree, ForcedTokens, OnlyChoices
from vlm_demo.engines.local.decoding.text import IncrementalText, StopStrings
from vlm_demo.values import TextChunk


class Answer(Protocol):
    """Takes the tokens of one answer and gives back its text."""

    worth_keeping: bool  # whether a later prompt may begin with the answer
    length: int  # tokens that it can have at most, its end included; 0: not known

    @property
    def processors(self) -> Sequence[LogitsProcessor]:
        """What limits the tokens that the model may write, in order."""
        ...

    @property
    def complete(self) -> bool:
        """Whether no more tokens are wanted."""
        ...

    def take(self, token: int, logprob: float, *, ends: bool) -> TextChunk:
        """Return the text that a token completes; `ends`: it only says that the answer is over."""
        ...

    def rest(self) -> TextChunk:
        """Return what has been held back, once the answer is over."""
        ...


class FreeAnswer:
    """Text as the model writes it."""

    worth_keeping = True
    length = 0

    def __init__(
        self,
        tokenizer: Any,
        prompt_ids: Sequence[int],
        *,
        keep_special: bool,
        number_tags: Mapping[str, str],
        stop: Sequence[str],
        begins_with: str = "",
        blank_first: bool = False,
        processors: Sequence[LogitsProcessor] = (),
    ) -> None:
        self.processors = processors
        self._text = IncrementalText(
            tokenizer, prompt_ids, keep_special=keep_special, number_tags=number_tags
        )
        self._until = StopStrings(stop)
        self._begins_with = begins_with  # part of what the model has written
        self._blank_first = blank_first  # one blank may stand before the text; it is no part of it
        self._logprobs: list[float] = []  # of tokens whose text is still to come

    @property
    def complete(self) -> bool:
        """Whether a stop string has been written."""
        return self._until.reached

    def take(self, token: int, logprob: float, *, ends: bool) -> TextChunk:
        """Return whole characters."""
        if ends:
            return TextChunk()
        self._logprobs.append(logprob)
        return self._piece(self._until.add(self._text.add(token)))

    def rest(self) -> TextChunk:
        """Return what might have become a stop string or a character, and did not."""
        return self._piece(self._until.add(self._text.rest()) + self._until.rest())

    def _piece(self, text: str) -> TextChunk:
        if text and self._blank_first:
            text, self._blank_first = text.removeprefix(" "), False
        if not text:
            return TextChunk()
        logprobs, self._logprobs = tuple(self._logprobs), []
        begins_with, self._begins_with = self._begins_with, ""
        return TextChunk(begins_with + text, logprobs=logprobs)


class ChosenAnswer:
    """One of several choices; its text comes whole, as soon as no other is left."""

    worth_keeping = False

    def __init__(self, choices: Sequence[str], ids: Sequence[Sequence[int]], end: int) -> None:
        self._choices = choices
        self._tree = ChoiceTree(ids, end)
        self._logprobs: list[float] = []
        self.processors = (OnlyChoices(self._tree),)
        self.length = max(map(len, ids)) + 1

    @property
    def complete(self) -> bool:
        """Whether the choice is made."""
        return self._tree.made is not None

    def take(self, token: int, logprob: float, *, ends: bool) -> TextChunk:
        """Follow the model's choice."""
        self._tree.follow(token)
        self._logprobs.append(logprob)
        return TextChunk()

    def rest(self) -> TextChunk:
        """Return the choice."""
        made = self._tree.made
        return (
            TextChunk()
            if made is None
            else TextChunk(self._choices[made], logprobs=(*self._logprobs,))
        )


class ScoredAnswer:
    """A given answer and its end; the model only says how probable they are."""

    worth_keeping = False

    def __init__(self, ids: Sequence[int], end: int) -> None:
        self._ids = (*ids, end)
        self._taken = 0
        self.logprob = 0.0
        self.processors = (ForcedTokens(self._ids),)
        self.length = len(self._ids)

    @property
    def complete(self) -> bool:
        """Whether all of it has been scored."""
        return self._taken == len(self._ids)

    def take(self, token: int, logprob: float, *, ends: bool) -> TextChunk:
        """Add the token's log-probability."""
        self._taken += 1
        self.logprob += logprob
        return TextChunk()

    def rest(self) -> TextChunk:
        """Return nothing: no text was written."""
        return TextChunk()
