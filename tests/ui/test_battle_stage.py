"""What both sides of a battle look like before the vote."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.ui.arena.battle_stage import VOTE_LABELS, conceal_family
from vlm_demo.values import Box, Mention, Reply, Task

BOXES = (Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1))


def test_answers_with_boxes_have_the_same_form_in_every_family() -> None:
    bare = Reply("[0, 0, 0.5, 0.5]", "", (Mention("cat", (0, 0), BOXES, confidence=0.4),))
    wordy = Reply(
        "<p>cat</p>",
        "There is a cat here.",
        (Mention("cat", (11, 14), BOXES), Mention("nothing", (0, 5), ())),
    )
    for task in (Task.GROUNDING, Task.DETECT):
        one, other = conceal_family(task, bare), conceal_family(task, wordy)
        assert one.text == other.text == "cat (2)"
        assert one.mentions == other.mentions
        (mention,) = one.mentions
        assert one.text[slice(*mention.span)] == "cat"


def test_several_phrases_are_listed_one_a_line() -> None:
    mentions = (Mention("cat", (0, 0), BOXES[:1]), Mention("red dog", (0, 0), BOXES))
    reply = conceal_family(Task.GROUNDING, Reply("", "", mentions))
    assert reply.text == "cat (1)\nred dog (2)"
    assert [reply.text[slice(*mention.span)] for mention in reply.mentions] == ["cat", "red dog"]


def test_other_answers_keep_their_words_but_no_confidence() -> None:
    reply = Reply("", "A cat. \n", (Mention("A cat", (0, 5), BOXES, confidence=0.9),))
    shown = conceal_family(Task.CAPTION, reply)
    assert shown.text == "A cat."
    assert shown.mentions == (replace(reply.mentions[0], confidence=None),)


def test_the_votes_stand_as_the_answers_do() -> None:
    assert [winner.value for winner in VOTE_LABELS] == ["a", "tie", "both_bad", "b"]
