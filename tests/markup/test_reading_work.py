"""The work of reading an output grows with its length, and not with its square.

What is counted are calls, of Python and of C functions: the same on every machine.
"""

import sys
from collections.abc import Iterator

import pytest
from support.families import READERS, each
from support.outputs import UNFINISHED, recorded_outputs

from vlm_demo.prompting.family import Family
from vlm_demo.values import Frame, Message, Prompt

LENGTH = 500
"""Characters of the short output; the long one has four times as many."""

SOME = 4
"""Recorded outputs of each family that are repeated."""


@each(READERS)
def test_four_times_the_output_is_at_most_five_times_the_work(family: Family) -> None:
    for piece, task in pieces_for(family):
        short, long = (count_calls(family, piece, task, LENGTH * times) for times in (1, 4))
        assert long <= 5 * short + 200, (piece, short, long)


def pieces_for(family: Family) -> Iterator[tuple[str, str]]:
    own = [(raw, task) for raw, task in recorded_outputs().get(family.name, []) if raw]
    yield from ((piece, own[0][1] if own else "") for piece in UNFINISHED)
    for raw, task in own[:: max(1, len(own) // SOME)]:
        yield raw[:LENGTH], task
        yield raw[: len(raw) // 2] or raw, task


def count_calls(family: Family, piece: str, task: str, length: int) -> int:
    prompt = Prompt((Message("user", task),), frame=Frame((640, 480), (640, 480)))
    raw = (piece * (length // len(piece) + 1))[:length]
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        family.reply(raw, prompt)
    finally:
        sys.setprofile(before)
    return calls


def test_a_reader_that_goes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_again_and_again(_: Family, raw: str, __: Prompt) -> None:
        for end in range(len(raw)):
            for character in raw[:end]:
                character.isdigit()

    monkeypatch.setattr(Family, "reply", read_again_and_again)
    with pytest.raises(AssertionError):
        test_four_times_the_output_is_at_most_five_times_the_work(READERS[0])
