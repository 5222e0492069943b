"""What an answer is kept to: one of some choices, given tokens, a pattern or a JSON Schema.

Each is a logits processor as transformers' `generate` takes them, for one row: its scores have the
shape (1, vocabulary), and a row has instances of its own. They stand behind whatever else changes
scores, and before what draws a token.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from transformers import LogitsProcessor
from transformers.convert_slow_tokenizer import bytes_to_unicode

from vlm_demo.errors import EngineError, InputError

_BLANKS = " ?"
"""Between the parts of JSON: models like to write one, and get lost where more are allowed."""

_PLACE = re.compile(r"^at \d+\(\d+\): ")
"""Where in its own notation llguidance found something wrong."""

_WORD_BEGINS = "\u2581"
"""How SentencePiece writes a blank."""

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""How it writes a byte of a character that has no token."""

_BEFORE = "\n"
"""Stands before a text whose tokens are wanted: where one begins, tokenizers add a blank."""


class ChoiceTree:
    """The choices that are still open while the tokens of one of them are being written.

    A choice that is the beginning of another one ends with an end token of its own; of choices
    with the same tokens only the first can be made.
    """

    def __init__(self, choices: Sequence[Sequence[int]], end_token: int) -> None:
        index: dict[tuple[int, ...], int] = {}
        for number, tokens in enumerate(choices):
            index.setdefault((*tokens, end_token), number)
        # In their order, those that go on in the same way stand together.
        self._choices = sorted(index)
        self._index = [index[tokens] for tokens in self._choices]
        self._first, self._end = 0, len(self._choices)  # those that are open
        self._depth = 0  # tokens that are written

    @property
    def made(self) -> int | None:
        """Index of the choice, as soon as only one is left."""
        return self._index[self._first] if self._end - self._first == 1 else None

    @property
    def allowed(self) -> list[int]:
        """The tokens that lead on to a choice, in rising order."""
        tokens: list[int] = []
        at = self._first
        while at < self._end:
            tokens.append(self._next(self._choices[at]))
            at = bisect_right(self._choices, tokens[-1], at, self._end, key=self._next)
        return tokens

    def follow(self, token: int) -> None:
        """Drop the choices that do not go on with this token."""
        first, end = self._first, self._end
        self._first = bisect_left(self._choices, token, first, end, key=self._next)
        self._end = bisect_right(self._choices, token, first, end, key=self._next)
        self._depth += 1

    def _next(self, tokens: tuple[int, ...]) -> int:
        return tokens[self._depth]


class OnlyChoices(LogitsProcessor):
    """Allows only tokens that lead on to a choice; whoever takes a token tells the tree."""

    def __init__(self, tree: ChoiceTree) -> None:
        self._tree = tree

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        allowed = torch.zeros(scores.shape[-1], dtype=torch.bool)
        allowed[self._tree.allowed] = True
        return _only(scores, allowed.to(scores.device))


class ForcedTokens(LogitsProcessor):
    """Makes the model write given tokens; what it writes after them is its own."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = tokens
        self._written = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._written == len(self._tokens):
            return scores
        token = torch.tensor([self._tokens[self._written]], device=scores.device)
        self._written += 1
        return torch.full_like(scores, -torch.inf).index_fill_(-1, token, 0.0)


class Grammar(LogitsProcessor):
    """Allows only tokens that lead on to a text of a grammar, and its end where one is complete.

    Attributes:
        blank_first: whether the model may write one blank before the text, as many tokenizers
            begin words; it is no part of the text.
    """

    def __init__(self, matcher: LLMatcher, tokens: _Tokens, *, blank_first: bool) -> None:
        self.blank_first = blank_first
        self._matcher = matcher
        self._tokens = tokens
        self._known: int | None = None  # tokens of the row that were there, or are followed

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Raises EngineError where the model has no token to go on with."""
        is_first = self._known is None
        self._follow(input_ids)
        allowed = self._allowed(scores.shape[-1])
        if is_first and _is_forced(scores[0].cpu(), allowed):
            self._known = input_ids.shape[1] + 1  # a beginning that the checkpoint always writes
            return scores
        if not allowed.any():
            raise EngineError(
                "This model has no tokens for what the pattern or schema asks for next. Please "
                "change it, or choose another model."
            )
        return _only(scores, allowed.to(scores.device))

    def _follow(self, input_ids: torch.Tensor) -> None:
        """Take in what has been written since the last call."""
        known = input_ids.shape[1] if self._known is None else self._known
        self._known = input_ids.shape[1]
        for token in input_ids[0, known:].tolist():
            self._matcher.consume_token(token)

    def _allowed(self, vocabulary: int) -> torch.Tensor:
        """Which tokens may come next, (vocabulary), on the CPU."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        if self._matcher.is_error():
            raise EngineError(
                "The answer could not be kept to the pattern or schema: "
                f"{_reason(self._matcher.get_error())}. Please choose a simpler one."
            )
        allowed = np.zeros(vocabulary, dtype=bool)
        size = min(self._tokens.count, vocabulary)
        allowed[:size] = np.unpackbits(bits, bitorder="little", count=size)
        if not self._matcher.is_accepting():
            allowed[self._tokens.ends] = False  # llguidance ends what it cannot go on with
        return torch.from_numpy(allowed)


class Grammars:
    """Builds the grammars of one model; its tokenizer is read once, which can take a second."""

    def __init__(self, tokenizer: Any, vocabulary_size: int, end_tokens: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._vocabulary_size = vocabulary_size  # of the model: it may have more than the tokenizer
        self._end_tokens = sorted(end_tokens)
        self._lock = Lock()
        self._read: _Tokens | None = None

    def pattern(self, regex: str) -> Grammar:
        """Build the grammar of a regular expression that the whole answer matches.

        The expressions are those of Rust: https://docs.rs/regex/latest/regex/#syntax

        Raises:
            InputError: it cannot be used; the message says what is wrong with it.
            EngineError: this model cannot be kept to one.
        """
        try:
            return self._grammar(LLMatcher.grammar_from_regex(regex))
        except ValueError as error:
            raise InputError(f"This pattern cannot be used: {_reason(str(error))}.") from error

    def schema(self, text: str) -> Grammar:
        """Build the grammar of the JSON that is valid by a JSON Schema.

        What is known of JSON Schema: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md

        Raises:
            InputError: it cannot be used; the message says what is wrong with it.
            EngineError: this model cannot be kept to one.
        """
        try:
            schema = json.loads(text)
            if not isinstance(schema, dict):
                raise ValueError("it is not a JSON object")
            return self._grammar(
                LLMatcher.grammar_from_json_schema(text, overrides={"whitespace_pattern": _BLANKS})
            )
        except (ValueError, RecursionError) as error:
            raise InputError(f"This schema cannot be used: {_reason(str(error))}.") from error

    def _grammar(self, grammar: str) -> Grammar:
        """Build a grammar; raise ValueError with the library's words if it cannot be used."""
        tokens = self._tokens()
        plain = _matcher(tokens, grammar)
        if plain.validate_tokens(tokens.known.greedy_tokenize(" ")):
            return Grammar(plain, tokens, blank_first=False)  # a blank is part of its texts
        return Grammar(_matcher(tokens, _after_blank(grammar)), tokens, blank_first=True)

    def _tokens(self) -> _Tokens:
        with self._lock:
            if self._read is None:
                self._read = _Tokens.of(self._tokenizer, self._vocabulary_size, self._end_tokens)
            return self._read


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The tokens of a model as llguidance knows them."""

    known: LLTokenizer
    count: int  # those behind are none of the model's
    ends: list[int]

    @classmethod
    def of(cls, tokenizer: Any, count: int, ends: list[int]) -> _Tokens:
        """Tell llguidance the text of every token.

        Raises:
            EngineError: it cannot be known, or no token ends an answer.
        """
        try:
            texts = TokenizerWrapper(_TokenTexts(tokenizer, count, ends[0]))
        except (AttributeError, LookupError, TypeError) as error:
            raise EngineError(
                "This model's tokenizer is of a kind that cannot be kept to a pattern or schema. "
                "Possible answers to choose from work with every model."
            ) from error
        return cls(LLTokenizer(texts, n_vocab=len(texts.tokens), eos_token=ends), count, ends)


class _TokenTexts:
    """The bytes of every token, and the tokens of a text, as llguidance wants to be told.

    Its own reader of tokenizers does not know those of Kosmos-2 and T5, and takes the tokens of
    what must come next from the tokenizer, which may change a text: "RED" to the token "red".
    """

    bos_token_id = None

    def __init__(self, tokenizer: Any, count: int, end_token: int) -> None:
        """Raises AttributeError, LookupError or TypeError where the texts cannot be known."""
        self._tokenizer = tokenizer
        self.eos_token_id = end_token
        names = tokenizer.convert_ids_to_tokens(range(min(len(tokenizer), count)))
        names += [""] * (count - len(names))  # the model may have more tokens than the tokenizer
        added = tokenizer.added_tokens_decoder
        controls = {*tokenizer.all_special_ids, *(t for t in added if added[t].special)}
        words = {t for t, name in enumerate(names) if name and t not in controls}
        self.special_token_ids = sorted(set(range(count)) - words)
        as_bytes = _reading(json.loads(tokenizer.backend_tokenizer.to_str())["decoder"])
        self.tokens = [
            as_bytes(name) if t in words and t not in added else (name or "<unused>").encode()
            for t, name in enumerate(names)
        ]
        self._token: dict[bytes, int] = {}
        for t in sorted(words, key=lambda t: bool(_BYTE.fullmatch(names[t]))):  # bytes last
            self._token.setdefault(self.tokens[t], t)
        # Without tokens of single bytes there would be no way into characters whose first bytes
        # are known; what has only these to go on with cannot be said.
        for byte in (bytes([number]) for number in range(256)):
            if byte not in self._token:
                self._token[byte] = len(self.tokens)
                self.tokens.append(byte)
        self._longest = max(map(len, self._token))
        self._before = tokenizer.encode(_BEFORE, add_special_tokens=False)

    def __call__(self, text: bytes) -> list[int]:
        """Return the tokens as the tokenizer makes them, or each as long as possible."""
        with suppress(UnicodeDecodeError):
            words = f"{_BEFORE}{text.decode()}"
            tokens = self._tokenizer.encode(words, add_special_tokens=False)
            own = list(tokens[len(self._before) :])
            if tokens == [*self._before, *own] and text == b"".join(self.tokens[t] for t in own):
                return own
        return self._longest_first(text)

    def _longest_first(self, text: bytes) -> list[int]:
        tokens, at = [], 0
        while at < len(text):
            lengths = range(min(self._longest, len(text) - at), 0, -1)
            length = next(n for n in lengths if text[at : at + n] in self._token)
            tokens.append(self._token[text[at : at + length]])
            at += length
        return tokens


def _reading(decoder: dict[str, Any]) -> Callable[[str], bytes]:
    """Return how a token's name is read: as bytes in disguise, or as SentencePiece writes it.

    Raises:
        LookupError: in neither of these ways.
    """
    steps = {step["type"] for step in decoder.get("decoders", [decoder])}
    if "ByteLevel" in steps:
        byte = {letter: number for number, letter in bytes_to_unicode().items()}  # type: ignore[no-untyped-call]
        return lambda name: bytes(map(byte.__getitem__, name))
    if "Metaspace" not in steps and "Replace" not in steps:
        raise LookupError(f"There is no way to read what {steps} decode.")
    has_bytes = "ByteFallback" in steps

    def piece(name: str) -> bytes:
        byte = _BYTE.fullmatch(name) if has_bytes else None
        return bytes([int(byte[1], 16)]) if byte else name.replace(_WORD_BEGINS, " ").encode()

    return piece


def _only(scores: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Rule out all tokens but those that are allowed, (vocabulary)."""
    # Finite, so that a token that something else has ruled out can still be written.
    least = torch.finfo(scores.dtype).min
    return scores.clamp(min=least).masked_fill_(~allowed, -torch.inf)


def _is_forced(scores: torch.Tensor, allowed: torch.Tensor) -> bool:
    """Whether something else leaves one token only, and not one of those allowed."""
    open_ = scores.isfinite()
    return bool(open_.sum() == 1) and not bool(open_[allowed].any())


def _matcher(tokens: _Tokens, grammar: str) -> LLMatcher:
    matcher = LLMatcher(tokens.known, grammar, log_level=0)
    if matcher.is_error():
        raise ValueError(matcher.get_error())
    return matcher


def _after_blank(grammar: str) -> str:
    """Allow one blank before the texts of a grammar."""
    (texts,) = json.loads(grammar)["grammars"]
    first = {"lark_grammar": 'start: " "? @answer'}
    return json.dumps({"grammars": [first, {**texts, "name": "answer"}]})


def _reason(words: str) -> str:
    """The point of an error message that quotes what it is about over many lines."""
    lines = [line.strip() for line in words.splitlines() if line.strip()] or [""]
    said = next((line for line in lines if line.startswith("error: ")), lines[0])
    return _PLACE.sub("", said.removeprefix("error: ")).rstrip(".")
