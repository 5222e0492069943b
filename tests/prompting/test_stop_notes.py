"""Why an answer ended, in words."""

from __future__ import annotations

import pytest

from vlm_demo.prompting.stop_notes import REASONING_ONLY, STOP_NOTES, stop_note
from vlm_demo.values import Reply, StopReason


def test_every_reason_for_an_incomplete_answer_has_a_sentence() -> None:
    assert set(STOP_NOTES) == set(StopReason) - {StopReason.FINISHED}
    for stop, note in STOP_NOTES.items():
        assert stop_note(Reply("A", "A", stop=stop)) == note


@pytest.mark.parametrize("stop", [None, StopReason.FINISHED])
def test_a_complete_answer_has_no_note(stop: StopReason | None) -> None:
    assert not stop_note(Reply("A", "A", stop=stop))


def test_reasoning_that_used_up_the_limit_is_named() -> None:
    thinking = Reply("<think>so", "", reasoning="so", stop=StopReason.LENGTH)
    assert stop_note(thinking) == REASONING_ONLY
    begun = Reply("<think>so</think>A", "A", reasoning="so", stop=StopReason.LENGTH)
    assert stop_note(begun) == STOP_NOTES[StopReason.LENGTH]
