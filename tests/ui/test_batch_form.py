"""What Batch takes over from a turn of Studio."""

from __future__ import annotations

import json

import pytest

from vlm_demo.ui.batch.form import read_turn


def test_task_text_and_settings_of_a_turn_are_taken_over() -> None:
    turn = {
        "task": "grounding",
        "text": "cat, dog",
        "model": "m",
        "options": {"temperature": 0.5, "choices": ["yes"], "seed": 3},
    }
    assert read_turn(json.dumps(turn)) == {
        "task": "Find objects",
        "text": "cat, dog",
        "options": {"temperature": 0.5, "seed": 3},
    }


@pytest.mark.parametrize(("task", "name"), [("chat", "Ask"), ("read", "Caption")])
def test_what_a_batch_cannot_do_becomes_what_is_nearest(task: str, name: str) -> None:
    assert read_turn(json.dumps({"task": task, "text": "?"}))["task"] == name


@pytest.mark.parametrize(
    "sent", ["", "{", "[]", "3", '{"text": "no task"}', '{"task": "x", "options": 5}']
)
def test_what_means_nothing_changes_nothing(sent: str) -> None:
    assert read_turn(sent) == {}
