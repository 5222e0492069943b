"""Constrains answers to a pattern or a JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from threading import Lock
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher
from transformers import LogitsProcessor

from vlm_demo.engines.local.decoding.constraints import allow_only
from vlm_demo.engines.local.decoding.grammar_vocabulary import GrammarVocabulary
from vlm_demo.errors import EngineError, InputError

_BLANKS = " ?"
"""Pattern of what may stand between the parts of JSON: models like to write one blank, and get lost
where more are allowed."""

_POSITION = re.compile(r"^at \d+\(\d+\): ")
"""Pattern of the position in its own notation that llguidance puts before an error."""


class GrammarConstraint(LogitsProcessor):
    """Allows only tokens that continue a text of a grammar, and the end of a complete one.

    Attributes:
        blank_first: whether the model may write one blank before the text, as many tokenizers
            start words with one; it is not part of the text.
    """

    def __init__(
        self, matcher: LLMatcher, vocabulary: GrammarVocabulary, *, blank_first: bool
    ) -> None:
        self.blank_first = blank_first
        self._matcher = matcher
        self._vocabulary = vocabulary
        self._known: int | None = None  # tokens of the row that the matcher need not read

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Raises EngineError where the model has no token to continue with."""
        is_first = self._known is None
        self._follow(input_ids)
        allowed = self._next_token_mask(scores.shape[-1])
        if is_first and _is_forced(scores[0].cpu(), allowed):
            self._known = input_ids.shape[1] + 1  # a token that the checkpoint always writes first
            return scores
        if not allowed.any():
            raise EngineError(
                "This model has no tokens for what the pattern or schema asks for next. Change "
                "it, or choose another model."
            )
        return allow_only(scores, allowed.to(scores.device))

    def _follow(self, input_ids: torch.Tensor) -> None:
        """Read the tokens that were written since the last call."""
        known = input_ids.shape[1] if self._known is None else self._known
        self._known = input_ids.shape[1]
        for token in input_ids[0, known:].tolist():
            self._matcher.consume_token(token)

    def _next_token_mask(self, size: int) -> torch.Tensor:
        """Return which tokens may come next, (size), on the CPU."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        if self._matcher.is_error():
            raise EngineError(
                "The answer could not follow the pattern or schema: {reason}. Choose a simpler "
                "one.",
                reason=_error_reason(self._matcher.get_error()),
            )
        allowed = np.zeros(size, dtype=bool)
        known = min(self._vocabulary.size, size)
        allowed[:known] = np.unpackbits(bits, bitorder="little", count=known)
        if not self._matcher.is_accepting():
            allowed[self._vocabulary.end_tokens] = False  # llguidance ends what it cannot continue
        return torch.from_numpy(allowed)


class GrammarCompiler:
    """Compiles grammars for one model, whose tokenizer is read once: that can take a second."""

    def __init__(self, tokenizer: Any, vocabulary_size: int, end_tokens: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._vocabulary_size = vocabulary_size  # of the model; the tokenizer's may be smaller
        self._end_tokens = sorted(end_tokens)
        self._lock = Lock()
        self._vocabulary: GrammarVocabulary | None = None

    def compile_pattern(self, regex: str) -> GrammarConstraint:
        """Return the constraint to texts that match a regular expression as a whole.

        The syntax is that of Rust: https://docs.rs/regex/latest/regex/#syntax

        Raises:
            InputError: it cannot be used; the message says what is wrong with it.
            EngineError: this model's answers cannot be constrained.
        """
        try:
            return self._compile(LLMatcher.grammar_from_regex(regex))
        except ValueError as error:
            raise InputError(
                "This pattern cannot be used: {reason}.", reason=_error_reason(str(error))
            ) from error

    def compile_schema(self, text: str) -> GrammarConstraint:
        """Return the constraint to JSON that is valid by a JSON Schema.

        Supported keywords: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md

        Raises:
            InputError: it cannot be used; the message says what is wrong with it.
            EngineError: this model's answers cannot be constrained.
        """
        try:
            schema = json.loads(text)
            if not isinstance(schema, dict):
                raise ValueError("it is not a JSON object")
            return self._compile(
                LLMatcher.grammar_from_json_schema(text, overrides={"whitespace_pattern": _BLANKS})
            )
        except (ValueError, RecursionError) as error:
            raise InputError(
                "This schema cannot be used: {reason}.", reason=_error_reason(str(error))
            ) from error

    def _compile(self, grammar: str) -> GrammarConstraint:
        """Compile a grammar; raise ValueError with the library's message if it cannot be used."""
        vocabulary = self._read_vocabulary()
        matcher = _matcher(vocabulary, grammar)
        blank_first = not matcher.validate_tokens(vocabulary.tokenizer.greedy_tokenize(" "))
        if blank_first:  # its texts never start with a blank, so one before them is unambiguous
            matcher = _matcher(vocabulary, _after_blank(grammar))
        return GrammarConstraint(matcher, vocabulary, blank_first=blank_first)

    def _read_vocabulary(self) -> GrammarVocabulary:
        with self._lock:
            if self._vocabulary is None:
                self._vocabulary = GrammarVocabulary.read(
                    self._tokenizer, self._vocabulary_size, self._end_tokens
                )
            return self._vocabulary


def _is_forced(scores: torch.Tensor, allowed: torch.Tensor) -> bool:
    """Whether another processor leaves only one token, which is not among those allowed."""
    open_ = scores.isfinite()
    return bool(open_.sum() == 1) and not bool(open_[allowed].any())


def _matcher(vocabulary: GrammarVocabulary, grammar: str) -> LLMatcher:
    matcher = LLMatcher(vocabulary.tokenizer, grammar, log_level=0)
    if matcher.is_error():
        raise ValueError(matcher.get_error())
    return matcher


def _after_blank(grammar: str) -> str:
    """Return a grammar with an optional blank before the texts of another."""
    (texts,) = json.loads(grammar)["grammars"]
    first = {"lark_grammar": 'start: " "? @answer'}
    return json.dumps({"grammars": [first, {**texts, "name": "answer"}]})


def _error_reason(message: str) -> str:
    """Return the point of an error message that quotes its subject over many lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or [""]
    point = next((line for line in lines if line.startswith("error: ")), lines[0])
    return _POSITION.sub("", point.removeprefix("error: ")).rstrip(".")
