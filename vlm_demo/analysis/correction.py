"""Writes a checked answer anew, with what the picture does not support struck out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vlm_demo.analysis.verdicts import AnswerCheck, Finding, Reason, Verdict

_BEFORE = re.compile(
    r"(?:\b(?:(?:there\s+(?:is|are)\s+)?no|an?|the|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|\d+)\s+)$",
    re.IGNORECASE,
)
"""Article, number or denial before an English phrase, which is struck out with it."""


_DANGLING = re.compile(
    r"(?:\s*(?:[,、，]|\b(?:and|or|with)\b|[と和]))+\s*(?=[.。!?;]|$)"
    r"|(?:^|(?<=[.。!?;]))(?:\s*(?:[,、，]|\b(?:and|or)\b|[と和]))+",
    re.IGNORECASE,
)
"""Words and signs that joined what is struck out to the rest of its sentence."""

_EMPTY = re.compile(r"\s*\bthere\s+(?:is|are|was|were)\s*[.!?]", re.IGNORECASE)
"""A sentence of which nothing is left."""

_GAP = re.compile(r"[ \t]+(?=[ \t,.。、，!?;]|$)", re.MULTILINE)
"""Spaces that striking out leaves behind."""


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
    text, at = check.text, 0
    parts: list[CorrectedPart] = []
    note = ""
    for finding, start, end in _wrong_spans(check):
        parts += [
            CorrectedPart(f"{note}{text[at:start]}"),
            CorrectedPart(text[start:end], is_struck=True),
        ]
        note, at = _note(finding), end
    parts.append(CorrectedPart(f"{note}{text[at:]}"))
    return tuple(part for part in parts if part.text)


def rewrite_answer(check: AnswerCheck) -> str:
    """Return the text without what is wrong, as a draft that a person goes over.

    A wrong number becomes the one that was found, and a wrong denial a statement.
    """
    text, at, written = check.text, 0, ""
    for finding, start, end in _wrong_spans(check):
        written += text[at:start] + _replacement(finding, text[start:end])
        at = end
    joined = _DANGLING.sub("", written + text[at:])
    return _GAP.sub("", _EMPTY.sub("", joined)).strip()


def strike_out(check: AnswerCheck) -> str:
    """Return `correct_answer` with struck parts between `~~`, as Markdown strikes out."""
    parts = correct_answer(check)
    return "".join(f"~~{part.text}~~" if part.is_struck else part.text for part in parts)


def _wrong_spans(check: AnswerCheck) -> Iterator[tuple[Finding, int, int]]:
    """Yield the wrong phrases in the order of the text, with what is struck out with them."""
    spans: list[tuple[Finding, int, int]] = []
    end_of_rest = len(check.text)
    wrong = [one for one in check.findings if _is_wrong(one)]
    for finding in sorted(wrong, key=lambda one: one.phrase.span, reverse=True):
        start, end = finding.phrase.span
        if end > end_of_rest:
            continue  # within another phrase
        if before := _BEFORE.search(check.text[:start]):
            start = before.start()
        spans.append((finding, start, end))
        end_of_rest = start
    yield from reversed(spans)


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


def _replacement(finding: Finding, struck: str) -> str:
    match finding.reason:
        case Reason.OTHER_NUMBER:
            return f"{len(finding.evidence.regions)} {finding.phrase.text}"
        case Reason.DENIED_BUT_FOUND | Reason.DENIED_BUT_YES:
            return re.sub(r"\bno\b", "a", struck, count=1, flags=re.IGNORECASE)
        case _:
            return ""
