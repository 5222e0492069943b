"""From tokens to text as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CONTEXT_TOKENS = 6
"""Tokens decoded together with new ones, since a token's text depends on those before it."""

MOST_TOKENS_A_CHARACTER = 4
"""A character has at most four bytes; what is longer than that is no character."""

WORD_BEGINS = "\u2581"
"""How SentencePiece writes the blank before a word."""

UNFINISHED = "\ufffd"
"""What a tokenizer writes for a character of which some bytes are still to come."""


class IncrementalText:
    """Turns tokens into text as they come; whole characters only, and nothing else is held back.

    A window of the last tokens is decoded with and without the new ones; the difference is the
    new text. That gets blanks right for every kind of tokenizer, in time linear in the tokens.

    Between `number_tags` (opening to closing token) every token is a number of its own. Decoding
    would run them together and the tags into bytes: they are written as they are, with blanks.
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
        self._joint = ""  # before the next number
        self._ids = list(prompt_ids[-CONTEXT_TOKENS:])
        self._known = len(self._ids)  # of these the text is out already

    def add(self, token: int) -> str:
        """Return the text that a token completes; "" if it ends in half a character."""
        if self._number_tags:
            piece = str(self._tokenizer.convert_ids_to_tokens(token))
            if self._closing_tag or piece in self._number_tags:
                return self._number(piece)
        self._ids.append(token)
        waiting = len(self._ids) - self._known
        if self._pending().endswith(UNFINISHED) and waiting < MOST_TOKENS_A_CHARACTER:
            return ""
        return self._take()

    def rest(self) -> str:
        """Return what is left at the end, without a half character."""
        return self._take().rstrip(UNFINISHED)

    def _number(self, piece: str) -> str:
        """Return a tag, or a number between tags."""
        if not self._closing_tag:
            self._closing_tag, self._joint = self._number_tags[piece], ""
            return self._begun_anew() + piece
        if piece == self._closing_tag:
            self._closing_tag = ""
            return piece
        joint, self._joint = self._joint, " "
        return joint + piece.lstrip(WORD_BEGINS)

    def _begun_anew(self) -> str:
        """Return what is left, and leave no tokens for those to come to be decoded with."""
        rest, self._ids, self._known = self.rest(), [], 0
        return rest

    def _pending(self) -> str:
        return self._decoded(self._ids)[len(self._decoded(self._ids[: self._known])) :]

    def _take(self) -> str:
        text = self._pending()
        self._ids = self._ids[-CONTEXT_TOKENS:]
        self._known = len(self._ids)
        return text

    def _decoded(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(
            ids,
            skip_special_tokens=not self._keep_special,
            clean_up_tokenization_spaces=False,
        )
        return str(text)


class StopStrings:
    """Ends a text before the first of some strings, and holds back what may become one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [string for string in stop if string]
        self._held = ""
        self.reached = False

    def add(self, text: str) -> str:
        """Return the text that is safe to show."""
        if not self._stop or self.reached:
            return "" if self.reached else text
        self._held += text
        ends = [at for string in self._stop if (at := self._held.find(string)) >= 0]
        if ends:
            self.reached = True
            return self._held[: min(ends)]
        safe = len(self._held) - max(self._overlap(string) for string in self._stop)
        shown, self._held = self._held[:safe], self._held[safe:]
        return shown

    def rest(self) -> str:
        """Return what was held back, once the text has ended."""
        return "" if self.reached else self._held

    def _overlap(self, string: str) -> int:
        """Length of the longest ending of the held text that begins the string."""
        longest = min(len(string) - 1, len(self._held))
        return next((n for n in range(longest, 0, -1) if self._held.endswith(string[:n])), 0)
