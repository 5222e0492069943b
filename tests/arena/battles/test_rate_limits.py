"""Limits on battles and votes, with a clock that the tests set."""

import pytest

from vlm_demo.arena.battles.rate_limits import rate_limit_error
from vlm_demo.errors import RateLimitError
from vlm_demo.quotas.moving_window import HOUR, MINUTE, MovingWindow


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def window(
    clock: Clock, a_minute: int = 3, an_hour: int = 5, all_a_minute: int = 100
) -> MovingWindow:
    return MovingWindow(
        rate_limit_error("votes"),
        a_minute=a_minute,
        an_hour=an_hour,
        all_a_minute=all_a_minute,
        clock=clock,
    )


def count(window: MovingWindow, voter: str = "me") -> None:
    with window.admit(voter):
        pass


def test_the_message_says_when_to_try_again_and_then_it_works(clock: Clock) -> None:
    votes = window(clock)
    for second in range(3):
        clock.now = 1_000.0 + 10 * second
        count(votes)
    with pytest.raises(RateLimitError, match=r"Too many votes .* Wait 40 seconds"):
        count(votes)
    clock.now = 1_000.0 + MINUTE + 0.1
    count(votes)


def test_the_window_slides(clock: Clock) -> None:
    """Six within two minutes' borders are not allowed because each calendar minute has three."""
    votes = window(clock, an_hour=100)
    for at in (50.0, 51.0, 52.0):
        clock.now = at
        count(votes)
    clock.now = 61.0
    with pytest.raises(RateLimitError):
        count(votes)


def test_an_hour_has_its_own_limit(clock: Clock) -> None:
    votes = window(clock)
    for minute in range(5):
        clock.now = 1_000.0 + 2 * MINUTE * minute
        count(votes)
    clock.now += 2 * MINUTE
    with pytest.raises(RateLimitError, match="Wait 50 minutes"):
        count(votes)
    clock.now = 1_000.0 + HOUR + 0.1
    count(votes)


def test_one_voter_does_not_keep_others_from_voting(clock: Clock) -> None:
    votes = window(clock)
    for _ in range(3):
        count(votes, "greedy")
    count(votes, "somebody else")


def test_all_together_have_a_limit(clock: Clock) -> None:
    votes = window(clock, all_a_minute=4)
    for number in range(4):
        count(votes, f"voter {number}")
    with pytest.raises(RateLimitError):
        count(votes, "the fifth")


def test_what_fails_does_not_count(clock: Clock) -> None:
    votes = window(clock, a_minute=1)
    for _ in range(5):
        with pytest.raises(OSError, match="disk"), votes.admit("me"):
            raise OSError("the disk is full")
    count(votes)
    with pytest.raises(RateLimitError):
        count(votes)


def test_who_stays_away_for_an_hour_is_forgotten(clock: Clock) -> None:
    votes = window(clock)
    for number in range(50):
        count(votes, f"voter {number}")
    clock.now += HOUR + 1
    count(votes, "the only one")
    assert list(votes._by_visitor) == ["the only one"]
    assert len(votes._all) == 1
