"""Makes control tokens in people's words plain text, so that nobody can type them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from vlm_demo.values import Message, Request


def escape_control_tokens(
    request: Request, control_tokens: frozenset[str], *, keep: frozenset[str] = frozenset()
) -> Request:
    """Make control tokens in a person's words plain text: "<image>" becomes "< image>".

    Words are changed as little as possible, not deleted. An assistant's earlier words are escaped
    too, so that an edited conversation cannot smuggle tokens in; only the tokens that answers are
    made of (`keep`) stay there.
    """

    def escape_turn(turn: Message) -> Message:
        tokens = control_tokens - keep if turn.role == "assistant" else control_tokens
        return replace(turn, text=escape_text(turn.text, tokens))

    return replace(
        request,
        text=escape_text(request.text, control_tokens),
        system=escape_text(request.system, control_tokens),
        choices=tuple(escape_text(choice, control_tokens) for choice in request.choices),
        history=tuple(map(escape_turn, request.history)),
    )


def escape_text(text: str, control_tokens: frozenset[str]) -> str:
    """Put a blank after the first character of every control token in a text."""
    initials, lengths = _index(control_tokens)
    pieces, at = [], 0
    for match in initials.finditer(text):
        start = match.start()
        if start >= at and (end := _token_end(text, start, control_tokens, lengths)):
            pieces += [text[at : start + 1], " ", text[start + 1 : end]]
            at = end
    return "".join((*pieces, text[at:]))


@cache
def _index(control_tokens: frozenset[str]) -> tuple[re.Pattern[str], tuple[int, ...]]:
    """Return a pattern of the tokens' first characters, and their lengths, the longest first."""
    tokens = [token for token in control_tokens if len(token.strip()) > 1]
    initials = "".join(map(re.escape, sorted({token[0] for token in tokens})))
    lengths = sorted({len(token) for token in tokens}, reverse=True)
    return re.compile(f"[{initials}]" if initials else r"(?!)"), tuple(lengths)


def _token_end(
    text: str, start: int, control_tokens: frozenset[str], lengths: Sequence[int]
) -> int | None:
    """Return where the longest control token that begins at `start` ends; None: there is none."""
    ends = (start + length for length in lengths)
    return next((end for end in ends if text[start:end] in control_tokens), None)
