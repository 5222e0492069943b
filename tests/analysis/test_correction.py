"""Answers about photographs, checked for the 80 kinds of things, and written anew."""

from collections.abc import Sequence

import pytest

from vlm_demo.analysis.correction import rewrite_answer, strike_out
from vlm_demo.analysis.phrases import noun_phrases
from vlm_demo.analysis.verdicts import AnswerCheck, Evidence, Finding, judge
from vlm_demo.values import Box

HERE = Box(0.1, 0.1, 0.5, 0.5)
ABSENT = Evidence(denied=True, presence=0.1)


def checked(text: str, evidence: Sequence[Evidence]) -> AnswerCheck:
    phrases = noun_phrases(text)
    verdicts = [judge(phrase, own) for phrase, own in zip(phrases, evidence, strict=True)]
    return AnswerCheck(
        text,
        tuple(
            Finding(phrase, index, verdict, reason, own)
            for index, (phrase, own, (verdict, reason)) in enumerate(
                zip(phrases, evidence, verdicts, strict=True)
            )
        ),
    )


@pytest.mark.parametrize(
    ("text", "evidence", "struck", "rewritten"),
    [
        (
            "Two dogs and a cat.",
            [Evidence((HERE, HERE)), ABSENT],
            "Two dogs and ~~a cat~~.",
            "Two dogs.",
        ),
        (
            "A cat, two dogs and a bird.",
            [ABSENT, Evidence((HERE, HERE)), ABSENT],
            "~~A cat~~, two dogs and ~~a bird~~.",
            "two dogs.",
        ),
        ("Three dogs.", [Evidence((HERE, HERE))], "~~Three dogs~~ [2].", "2 dogs."),
        (
            "There is no dog.",
            [Evidence((HERE,))],
            "~~There is no dog~~ [is there].",
            "There is a dog.",
        ),
        ("Hi. There is a cat.", [ABSENT], "Hi. There is ~~a cat~~.", "Hi."),
        ("I count one dog.", [Evidence((HERE,))], "I count one dog.", "I count one dog."),
        ("An okapi.", [Evidence(is_known=False)], "An okapi.", "An okapi."),
        ("A red car.", [Evidence((HERE,), ignored="red")], "A red car.", "A red car."),
        ("犬と猫がいます。", [ABSENT, Evidence((HERE,))], "~~犬~~と猫がいます。", "猫がいます。"),
        ("", [], "", ""),
    ],
)
def test_what_is_wrong_is_struck_out(
    text: str, evidence: Sequence[Evidence], struck: str, rewritten: str
) -> None:
    check = checked(text, evidence)
    assert strike_out(check) == struck
    assert rewrite_answer(check) == rewritten
