"""Makes what must not be typed plain text: control tokens in a person's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from vlm_demo.values import Message, Request


def escape_control_tokens(
    request: Request, control_tokens: frozenset[str], *, spared: frozenset[str] = frozenset()
) -> Request:
    """Make control tokens in a person's words plain text: "<image>" becomes "< image>".

    Words are changed as little as possible, not deleted. An assistant's earlier words are
    defused too, so that an edited conversation cannot smuggle them in, but for the tokens that
    answers are made of (`spared`).
    """

    def past(turn: Message) -> Message:
        tokens = control_tokens - spared if turn.role == "assistant" else control_tokens
        return replace(turn, text=_plain(turn.text, tokens))

    return replace(
        request,
        text=_plain(request.text, control_tokens),
        choices=tuple(_plain(choice, control_tokens) for choice in request.choices),
        history=tuple(map(past, request.history)),
    )


def _plain(text: str, control_tokens: frozenset[str]) -> str:
    """Put a blank behind the first character of every control token."""
    initials, lengths = _shape(control_tokens)
    pieces, at = [], 0
    for match in initials.finditer(text):
        start = match.start()
        if start >= at and (end := _token_end(text, start, control_tokens, lengths)):
            pieces += [text[at : start + 1], " ", text[start + 1 : end]]
            at = end
    return "".join((*pieces, text[at:]))


@cache
def _shape(control_tokens: frozenset[str]) -> tuple[re.Pattern[str], tuple[int, ...]]:
    """How control tokens begin, and how long they are, the longest first."""
    tokens = [token for token in control_tokens if len(token.strip()) > 1]
    initials = "".join(map(re.escape, sorted({token[0] for token in tokens})))
    lengths = sorted({len(token) for token in tokens}, reverse=True)
    return re.compile(f"[{initials}]" if initials else r"(?!)"), tuple(lengths)


def _token_end(
    text: str, start: int, control_tokens: frozenset[str], lengths: Sequence[int]
) -> int | None:
    """Where the longest control token that begins at `start` ends."""
    ends = (start + length for length in lengths)
    return next((end for end in ends if text[start:end] in control_tokens), None)
