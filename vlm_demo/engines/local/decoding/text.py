"""Turns tokens into text as they come, up to stop strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CONTEXT_TOKENS = 6
"""Earlier tokens decoded together with new ones, as a token's text depends on those before it."""

MAX_CHARACTER_TOKENS = 4
"""Most tokens that a character is waited for: it has at most four bytes."""

WORD_START = "\u2581"
"""SentencePiece's sign for the blank before a word."""

INCOMPLETE_CHARACTER = "\ufffd"
"""What tokenizers write for a character of which some bytes are still missing."""


class Detokenizer:
    """Turns tokens into text as they come, holding back nothing but incomplete characters.

    A window of the last tokens is decoded with and without the new ones; the difference is the
    new text. This gets blanks right for every kind of tokenizer, in time linear in the tokens.

    Between `number_tags` (opening to closing token) every token is a number of its own. Decoding
    would run the numbers together and turn the tags into bytes, so they are written as they are,
    with blanks between the numbers.
    """

    def __init__(
        self,
        tokenizer: Any,
        prompt_ids: Sequence[int],
        *,
        keep_special: bool,
        number_tags: Mapping[str, str] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._keep_special = keep_special
        self._number_tags = number_tags or {}
        self._closing_tag = ""  # "": tokens are words
        self._separator = ""  # before the next number
        self._ids = list(prompt_ids[-CONTEXT_TOKENS:])
        self._known = len(self._ids)  # the text of these has been returned

    def add(self, token: int) -> str:
        """Return the text that a token completes; "" if it ends in an incomplete character."""
        if self._number_tags:
            piece = str(self._tokenizer.convert_ids_to_tokens(token))
            if self._closing_tag or piece in self._number_tags:
                return self._number(piece)
        self._ids.append(token)
        waiting = len(self._ids) - self._known
        if self._pending().endswith(INCOMPLETE_CHARACTER) and waiting < MAX_CHARACTER_TOKENS:
            return ""
        return self._take()

    def flush(self) -> str:
        """Return what is left at the end, without an incomplete character."""
        return self._take().rstrip(INCOMPLETE_CHARACTER)

    def _number(self, piece: str) -> str:
        """Return a tag, or a number between tags."""
        if not self._closing_tag:
            self._closing_tag, self._separator = self._number_tags[piece], ""
            return self._restart() + piece
        if piece == self._closing_tag:
            self._closing_tag = ""
            return piece
        separator, self._separator = self._separator, " "
        return separator + piece.lstrip(WORD_START)

    def _restart(self) -> str:
        """Return what is left, and start again without context."""
        rest, self._ids, self._known = self.flush(), [], 0
        return rest

    def _pending(self) -> str:
        return self._decode(self._ids)[len(self._decode(self._ids[: self._known])) :]

    def _take(self) -> str:
        text = self._pending()
        self._ids = self._ids[-CONTEXT_TOKENS:]
        self._known = len(self._ids)
        return text

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(
            ids,
            skip_special_tokens=not self._keep_special,
            clean_up_tokenization_spaces=False,
        )
        return str(text)


class StopStringFilter:
    """Ends a text before the first of some stop strings, holding back what may become one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [string for string in stop if string]
        self._pending = ""
        self.is_reached = False

    def add(self, text: str) -> str:
        """Return the text that cannot be part of a stop string any more."""
        if not self._stop or self.is_reached:
            return "" if self.is_reached else text
        self._pending += text
        ends = [at for string in self._stop if (at := self._pending.find(string)) >= 0]
        if ends:
            self.is_reached = True
            return self._pending[: min(ends)]
        safe = len(self._pending) - max(self._overlap(string) for string in self._stop)
        text, self._pending = self._pending[:safe], self._pending[safe:]
        return text

    def flush(self) -> str:
        """Return what was held back, once the text has ended."""
        return "" if self.is_reached else self._pending

    def _overlap(self, string: str) -> int:
        """Return the length of the longest end of the pending text that starts a stop string."""
        longest = min(len(string) - 1, len(self._pending))
        return next((n for n in range(longest, 0, -1) if self._pending.endswith(string[:n])), 0)
