"""What the browser is told when an answer is complete."""

from __future__ import annotations

from vlm_demo.catalog.menu import default_menu
from vlm_demo.translatable_text import TranslatableText, join_texts, text_to_json
from vlm_demo.ui.studio.answering.events import end_event
from vlm_demo.values import Reply, Task


def test_the_note_of_an_answer_reaches_the_browser_as_texts_that_can_be_translated() -> None:
    who = TranslatableText("{name} answered.", {"name": "embedded-photos"})
    note = join_texts("This looks like a photograph.", who)
    reply = Reply("a", "a", note=note, model="embedded-photos")
    event = end_event(reply, Task.CHAT, default_menu()[0], "")
    assert event["notes"] == [text_to_json(note)]
    assert event["notes"][0]["values"]["second"] == text_to_json(who)
    assert event["model"] == "embedded-photos"
