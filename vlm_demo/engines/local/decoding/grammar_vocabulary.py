"""Reads the bytes of a model's tokens for llguidance, which compiles grammars."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from llguidance import LLTokenizer, TokenizerWrapper
from transformers.convert_slow_tokenizer import bytes_to_unicode

from vlm_demo.errors import EngineError

_WORD_START = "\u2581"
"""SentencePiece's sign for a blank."""

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""Pattern of SentencePiece's tokens for a byte of a character that has no token."""

_CONTEXT = "\n"
"""Text put before one whose tokens are wanted, as tokenizers add a blank where a text starts."""


@dataclass(frozen=True, slots=True)
class GrammarVocabulary:
    """The tokens of a model as llguidance knows them."""

    tokenizer: LLTokenizer
    size: int  # of the model; later tokens of `tokenizer` are none of the model's
    end_tokens: list[int]

    @classmethod
    def read(cls, tokenizer: Any, size: int, end_tokens: list[int]) -> GrammarVocabulary:
        """Give llguidance the text of every token.

        Raises:
            EngineError: the texts cannot be read, or no token ends an answer.
        """
        try:
            texts = TokenizerWrapper(TokenTexts(tokenizer, size, end_tokens[0]))
        except (AttributeError, LookupError, TypeError) as error:
            raise EngineError(
                "This model's tokenizer does not work with patterns and schemas. "
                "Possible answers to choose from work with every model."
            ) from error
        return cls(
            LLTokenizer(texts, n_vocab=len(texts.tokens), eos_token=end_tokens), size, end_tokens
        )


class TokenTexts:
    """The bytes of every token, and the tokens of a text, in the form that llguidance takes.

    Its own reader of tokenizers does not know those of Kosmos-2 and T5, and takes the tokens of
    a text that must come next from the tokenizer, which may change it: "RED" to the token "red".
    """

    bos_token_id = None

    def __init__(self, tokenizer: Any, count: int, end_token: int) -> None:
        """Raises AttributeError, LookupError or TypeError where the texts cannot be read."""
        self._tokenizer = tokenizer
        self.eos_token_id = end_token
        names = tokenizer.convert_ids_to_tokens(range(min(len(tokenizer), count)))
        names += [""] * (count - len(names))  # the model may have more tokens than the tokenizer
        added = tokenizer.added_tokens_decoder
        controls = {*tokenizer.all_special_ids, *(t for t in added if added[t].special)}
        words = {t for t, name in enumerate(names) if name and t not in controls}
        self.special_token_ids = sorted(set(range(count)) - words)
        as_bytes = _bytes_reader(json.loads(tokenizer.backend_tokenizer.to_str())["decoder"])
        self.tokens = [
            as_bytes(name) if t in words and t not in added else (name or "<unused>").encode()
            for t, name in enumerate(names)
        ]
        self._token: dict[bytes, int] = {}
        for t in sorted(words, key=lambda t: bool(_BYTE.fullmatch(names[t]))):  # bytes last
            self._token.setdefault(self.tokens[t], t)
        # Without tokens of single bytes, characters of which only the first bytes are tokens could
        # not be described. Where only such a byte continues a text, the model has no token for it.
        for byte in (bytes([number]) for number in range(256)):
            if byte not in self._token:
                self._token[byte] = len(self.tokens)
                self.tokens.append(byte)
        self._longest = max(map(len, self._token))
        self._context = tokenizer.encode(_CONTEXT, add_special_tokens=False)

    def __call__(self, text: bytes) -> list[int]:
        """Return the tokens as the tokenizer makes them, or else the longest possible ones."""
        with suppress(UnicodeDecodeError):
            words = f"{_CONTEXT}{text.decode()}"
            tokens = self._tokenizer.encode(words, add_special_tokens=False)
            own = list(tokens[len(self._context) :])
            if tokens == [*self._context, *own] and text == b"".join(self.tokens[t] for t in own):
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


def _bytes_reader(decoder: dict[str, Any]) -> Callable[[str], bytes]:
    """Return how the bytes of a token follow from its name: byte-level or SentencePiece.

    Raises:
        LookupError: the tokenizer is of neither kind.
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
        return bytes([int(byte[1], 16)]) if byte else name.replace(_WORD_START, " ").encode()

    return piece
