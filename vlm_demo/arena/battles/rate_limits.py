"""Limits on how often people may start battles and vote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vlm_demo.errors import RateLimitError
from vlm_demo.quotas.moving_window import describe_wait
from vlm_demo.translatable_text import TranslatableText


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Largest numbers of votes and battles."""

    votes_a_minute: int = 10  # per voter
    votes_an_hour: int = 120
    battles_a_minute: int = 20  # per voter; not every battle gets a vote
    battles_an_hour: int = 240
    all_a_minute: int = 600  # of all voters together; votes and battles each


def rate_limit_error(noun: str) -> Callable[[float], RateLimitError]:
    """Return what makes the error about too many, from the seconds to wait.

    Args:
        noun: what there were too many of, in the plural and marked for translation.
    """
    return lambda wait_s: RateLimitError(
        "Too many {noun} in a short time. Wait {when}.",
        noun=TranslatableText(noun),
        when=describe_wait(wait_s),
    )
