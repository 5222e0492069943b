"""Answers about photographs, checked for the 80 kinds of things, and written anew."""

from collections.abc import Sequence

import pytest

from vlm_demo.analysis.correction import strike_out
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
    ("text", "evidence", "corrected"),
    [
        ("Two dogs and a cat.", [Evidence((HERE, HERE)), ABSENT], "Two dogs and ~~a cat~~."),
        ("Three dogs.", [Evidence((HERE, HERE))], "~~Three dogs~~ [2]."),
        ("There is no dog.", [Evidence((HERE,))], "~~There is no dog~~ [is there]."),
        ("An okapi.", [Evidence(is_known=False)], "An okapi."),
        ("A red car.", [Evidence((HERE,), ignored="red")], "A red car."),
        ("犬と猫がいます。", [ABSENT, Evidence((HERE,))], "~~犬~~と猫がいます。"),
        ("", [], ""),
    ],
)
def test_what_is_wrong_is_struck_out(
    text: str, evidence: Sequence[Evidence], corrected: str
) -> None:
    assert strike_out(checked(text, evidence)) == corrected
