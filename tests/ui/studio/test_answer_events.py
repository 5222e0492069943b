"""What the browser is told when an answer is complete."""

from __future__ import annotations

import pytest

from vlm_demo.catalog.menu import default_menu
from vlm_demo.model_routing import ANSWERED, LOOKS
from vlm_demo.ui.studio.answering.events import end_event
from vlm_demo.values import Reply, Task


@pytest.mark.parametrize("rest", ["", "Another note."])
def test_who_answered_and_why_are_texts_that_can_be_translated(rest: str) -> None:
    looks, model = next(iter(LOOKS.values())), "embedded-photos"
    note = f"{looks} {ANSWERED.format(name=model)} {rest}".strip()
    event = end_event(Reply("a", "a", note=note, model=model), Task.CHAT, default_menu()[0], "")
    said = [one["words"] for one in event["notes"]]
    assert said == [looks, ANSWERED, *filter(None, [rest])]
    assert event["notes"][1]["values"] == {"name": model}
    assert event["model"] == model
