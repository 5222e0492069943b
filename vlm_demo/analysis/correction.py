"""Writes a checked answer anew, with what the picture does not support struck out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vlm_demo.analysis.verdicts import AnswerCheck, Finding, Reason, Verdict

_BEFORE = re.compile(
    r"(?:\b(?:(?:there\s+(?:is|are)\s+)?no|an?|the|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|\d+)\s+)$",
    re.IGNORECASE,
)
"""Article, number or denial before an English phrase, which is struck out with it."""


@dataclass(frozen=True, slots=True)
class CorrectedPart:
    """A part of a text that is written anew."""

    text: str
    is_struck: bool = False


def correct_answer(check: AnswerCheck) -> tuple[CorrectedPart, ...]:
    """Return the text in parts, with wrong phrases struck out.

    Wrong is what is contradicted or not found. Where only the number is wrong, the one that was
    found follows in brackets; what was denied although it is there is followed by "[is there]".
    """
    text, wrong = check.text, [one for one in check.findings if _is_wrong(one)]
    parts: list[CorrectedPart] = []  # from the last one to the first
    end_of_rest = len(text)
    for finding in sorted(wrong, key=lambda one: one.phrase.span, reverse=True):
        start, end = finding.phrase.span
        if end > end_of_rest:
            continue  # within another phrase
        if before := _BEFORE.search(text[:start]):
            start = before.start()
        rest = CorrectedPart(f"{_note(finding)}{text[end:end_of_rest]}")
        parts += [rest, CorrectedPart(text[start:end], is_struck=True)]
        end_of_rest = start
    parts.append(CorrectedPart(text[:end_of_rest]))
    return tuple(part for part in reversed(parts) if part.text)


def strike_out(check: AnswerCheck) -> str:
    """Return `correct_answer` with struck parts between `~~`, as Markdown strikes out."""
    parts = correct_answer(check)
    return "".join(f"~~{part.text}~~" if part.is_struck else part.text for part in parts)


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
