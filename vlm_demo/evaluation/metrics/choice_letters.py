"""Which option of a multiple-choice question an answer means.

The rule is the exact matching of MMBench as VLMEvalKit writes it (vlmeval/utils/matching_util.py):
first a letter that stands alone near the end, then "answer is X", then the words of exactly one
option. What no rule reads is no choice: no other model is asked, and nobody guesses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase

_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)

_SEPARATORS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))

_LAST_WORDS = 5
"""A letter that stands alone counts among this many last words."""

_STATEMENT = re.compile(r"(?:correct\s+)?answer\s+is\s+\**([ABCD])\**", re.IGNORECASE)


def letter_options(options: Sequence[str]) -> dict[str, str]:
    """Return the options by their letters, from A on; at most 26."""
    return dict(zip(ascii_uppercase, options, strict=False))


def read_choice(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the letter that an answer means; None: it cannot be read, or refuses.

    Args:
        answer: what the model wrote.
        options: the words of each option, by its capital letter.
    """
    if any(refusal in answer for refusal in _REFUSALS):
        return None
    words = answer.translate(_SEPARATORS).split()
    present = [letter for letter in options if letter in words]
    if len(present) == 1 and words.index(present[0]) > len(words) - _LAST_WORDS:
        return present[0]
    if not present and "Z" in words:  # the letter by which judges say "none of them"
        return None
    statement = _STATEMENT.search(answer)
    if statement and statement[1].upper() in options:
        return statement[1].upper()
    return _find_words(answer.lower(), options)


def _find_words(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the only option whose words are in a lower-case answer that is not too long."""
    if len(answer) > 2 * sum(map(len, options.values())):
        return None
    named = [letter for letter, words in options.items() if words.lower() in answer]
    return named[0] if len(named) == 1 else None
