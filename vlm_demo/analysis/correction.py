"""Writes a checked answer anew, with what the picture does not support struck out."""

from __future__ import annotations

import re

from vlm_demo.analysis.verdicts import AnswerCheck, Finding, Reason, Verdict

_BEFORE = re.compile(
    r"(?:\b(?:(?:there\s+(?:is|are)\s+)?no|an?|the|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|\d+)\s+)$",
    re.IGNORECASE,
)
"""Article, number or denial before an English phrase, which is struck out with it."""


def strike_out(check: AnswerCheck) -> str:
    """Return the text with wrong phrases between `~~`, as Markdown strikes out.

    Wrong is what is contradicted or not found. Where only the number is wrong, the one that was
    found follows in brackets; what was denied although it is there is followed by "[is there]".
    """
    text, wrong = check.text, [one for one in check.findings if _is_wrong(one)]
    end_of_last = len(text)
    for finding in sorted(wrong, key=lambda one: one.phrase.span, reverse=True):
        start, end = finding.phrase.span
        if end > end_of_last:
            continue  # within another phrase
        if before := _BEFORE.search(text[:start]):
            start = before.start()
        text = f"{text[:start]}~~{text[start:end]}~~{_note(finding)}{text[end:]}"
        end_of_last = start
    return text


def _is_wrong(finding: Finding) -> bool:
    return finding.verdict in (Verdict.CONTRADICTED, Verdict.NOT_FOUND)


def _note(finding: Finding) -> str:
    match finding.reason:
        case Reason.OTHER_NUMBER:
            return f" [{len(finding.evidence.regions)}]"
        case Reason.DENIED_BUT_FOUND | Reason.DENIED_BUT_YES:
            return " [is there]"
        case _:
            return ""
