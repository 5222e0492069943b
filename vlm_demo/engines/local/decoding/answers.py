"""Turns the tokens of an answer into free text, one of several choices, or a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from transformers import LogitsProcessor

from vlm_demo.engines.local.decoding.constraints import ChoiceConstraint, ChoiceTree, ForcedTokens
from vlm_demo.engines.local.decoding.text import Detokenizer, StopStringFilter
from vlm_demo.values import TextChunk


class AnswerInProgress(Protocol):
    """Takes the tokens of one answer and returns its text."""

    is_cacheable: bool  # whether a later prompt may start with the answer
    max_tokens: int  # of the answer, its end included; 0: not known

    @property
    def processors(self) -> Sequence[LogitsProcessor]:
        """Constraints on the tokens that the model may write, in order."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether no more tokens are wanted."""
        ...

    def add_token(self, token: int, logprob: float | None, *, ends: bool) -> TextChunk:
        """Return the text that a token completes.

        Args:
            token: chosen by the model.
            logprob: the token's log-probability; None: not known.
            ends: whether it only marks the end of the answer.
        """
        ...

    def flush(self) -> TextChunk:
        """Return what has been held back, once the answer is over."""
        ...


class FreeTextAnswer:
    """Text as the model writes it."""

    is_cacheable = True
    max_tokens = 0

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
        self._text = Detokenizer(
            tokenizer, prompt_ids, keep_special=keep_special, number_tags=number_tags
        )
        self._until = StopStringFilter(stop)
        self._begins_with = begins_with  # in the prompt, but part of the answer
        self._blank_first = blank_first  # drop one blank before the text
        self._logprobs: list[float] = []  # of tokens whose text has not been returned
        self._tokens: list[str] = []  # their texts

    @property
    def is_complete(self) -> bool:
        """Whether a stop string has been written."""
        return self._until.is_reached

    def add_token(self, token: int, logprob: float | None, *, ends: bool) -> TextChunk:
        """Return the text that a token completes, in whole characters."""
        if ends:
            return TextChunk()
        text = self._text.add(token)
        if logprob is not None:
            self._logprobs.append(logprob)
            self._tokens.append(text)
        return self._chunk(self._until.add(text))

    def flush(self) -> TextChunk:
        """Return what might have become a stop string or a character, but did not."""
        return self._chunk(self._until.add(self._text.flush()) + self._until.flush())

    def _chunk(self, text: str) -> TextChunk:
        if text and self._blank_first:
            text, self._blank_first = text.removeprefix(" "), False
        if not text:
            return TextChunk()
        logprobs, self._logprobs = tuple(self._logprobs), []
        tokens, self._tokens = tuple(self._tokens), []
        begins_with, self._begins_with = self._begins_with, ""
        return TextChunk(begins_with + text, logprobs=logprobs, tokens=tokens)


class ChoiceAnswer:
    """One of several choices, whose text comes whole once no other is left."""

    is_cacheable = False

    def __init__(
        self,
        choices: Sequence[str],
        ids: Sequence[Sequence[int]],
        end: int,
        tokenizer: Any,
    ) -> None:
        self._choices = choices
        self._text = Detokenizer(tokenizer, (), keep_special=True)
        self._tokens: list[str] = []
        self._tree = ChoiceTree(ids, end)
        self._logprobs: list[float] = []
        self.processors = (ChoiceConstraint(self._tree),)
        self.max_tokens = max(map(len, ids)) + 1

    @property
    def is_complete(self) -> bool:
        """Whether the choice is made."""
        return self._tree.only_choice is not None

    def add_token(self, token: int, logprob: float | None, *, ends: bool) -> TextChunk:
        """Follow the model's choice."""
        self._tree.advance(token)
        if logprob is not None:
            self._logprobs.append(logprob)
            self._tokens.append("" if ends else self._text.add(token))
        return TextChunk()

    def flush(self) -> TextChunk:
        """Return the choice."""
        choice = self._tree.only_choice
        if choice is None:
            return TextChunk()
        return TextChunk(
            self._choices[choice], logprobs=(*self._logprobs,), tokens=(*self._tokens,)
        )


class ScoredAnswer:
    """A given answer and its end, whose log-probability is summed up."""

    is_cacheable = False

    def __init__(self, ids: Sequence[int], end: int) -> None:
        self._ids = (*ids, end)
        self._count = 0
        self.logprob = 0.0
        self.processors = (ForcedTokens(self._ids),)
        self.max_tokens = len(self._ids)

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been scored."""
        return self._count == len(self._ids)

    def add_token(self, token: int, logprob: float | None, *, ends: bool) -> TextChunk:
        """Add the token's log-probability."""
        self._count += 1
        self.logprob += logprob or 0.0
        return TextChunk()

    def flush(self) -> TextChunk:
        """Return nothing: no text was written."""
        return TextChunk()
