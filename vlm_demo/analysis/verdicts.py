"""Verdicts on the things that an answer names, and the evidence for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from vlm_demo.analysis.phrases import Phrase
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.values import Mention, Region, Size, bounding_box

CERTAIN = 0.75
"""Probability from which a "no" outweighs a region that was found.

Chosen on the validation split of the drawn scenes: there it costs no true phrase of 1,296, and
uncovers half of the regions that were found for things that are not there.
"""


class Verdict(StrEnum):
    """What became of a phrase of the answer."""

    SUPPORTED = "supported"
    NOT_FOUND = "not found"
    CONTRADICTED = "contradicted"


class Reason(StrEnum):
    """The grounds of a verdict."""

    FOUND = "found"
    ABSENT_AS_SAID = "absent_as_said"
    PLAINLY_ABSENT = "plainly_absent"
    ANSWERS_NO = "answers_no"
    NOTHING_CLEAR = "nothing_clear"
    ANSWERS_YES = "answers_yes"
    DRAWN_BUT_NO = "drawn_but_no"
    DENIED_BUT_FOUND = "denied_but_found"
    DENIED_BUT_YES = "denied_but_yes"
    OTHER_NUMBER = "other_number"
    PARTLY_JUDGED = "partly_judged"
    NOT_CHECKED = "not_checked"
    CANNOT_BE_CHECKED = "cannot_be_checked"

    @property
    def template(self) -> str:
        """The reason in English, with {blanks}."""
        return _TEMPLATES[self]


_TEMPLATES = {
    Reason.FOUND: message("Found in the image: {found}."),
    Reason.ABSENT_AS_SAID: message("Not found, as the answer says."),
    Reason.PLAINLY_ABSENT: message("The model says that there is none."),
    Reason.ANSWERS_NO: message(
        "No box was returned; asked whether there is one, the model says no ({percent})."
    ),
    Reason.NOTHING_CLEAR: message("No box was returned, and the model's answer is unclear."),
    Reason.ANSWERS_YES: message(
        "No box was returned; asked whether there is one, the model says yes ({percent})."
    ),
    Reason.DRAWN_BUT_NO: message(
        "A box was returned, but asked whether there is one, the model says no ({percent})."
    ),
    Reason.DENIED_BUT_FOUND: message("The answer says that there is none; found: {found}."),
    Reason.DENIED_BUT_YES: message(
        "The answer says that there is none; the model says yes ({percent})."
    ),
    Reason.OTHER_NUMBER: message("The answer says {count}; found: {found}."),
    Reason.PARTLY_JUDGED: message('Found in the image: {found}; "{ignored}" cannot be judged.'),
    Reason.CANNOT_BE_CHECKED: message("Cannot be checked: the detector knows only 80 classes."),
    Reason.NOT_CHECKED: message("Not checked: the text names too many objects."),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the grounding model says about a thing."""

    regions: tuple[Region, ...] = ()
    confidences: tuple[float | None, ...] = ()  # of each region, 0 to 1
    denied: bool = False  # it says in words that there is none
    presence: float | None = None  # probability of "yes" to "Is there ...?"; None: not asked
    count_answer: int | None = None  # its answer to "How many ...?"; None: not asked, or no number
    is_known: bool = True  # the model knows what such a thing looks like
    ignored: str = ""  # words of the phrase that it cannot judge, such as a colour


@dataclass(frozen=True, slots=True)
class Finding:
    """A phrase of the answer and what became of it."""

    phrase: Phrase
    thing: int  # index of what was looked for: phrases that say the same share it
    verdict: Verdict | None = None  # None: it is still being looked for, or was not
    reason: Reason | None = None
    evidence: Evidence = Evidence()

    @property
    def blanks(self) -> dict[str, str]:
        """The values for the blanks of the reason's template."""
        presence = self.evidence.presence
        sure = max(presence, 1 - presence) if presence is not None else 0.0
        return {
            "found": str(len(self.evidence.regions)),
            "count": str(self.phrase.count or ""),
            "ignored": self.evidence.ignored,
            "percent": f"{min(99, round(sure * 100))}\u00a0%",
        }

    @property
    def explanation(self) -> str:
        """The reason in English."""
        return str(TranslatableText(self.reason.template, self.blanks)) if self.reason else ""


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """The check of a text, which may still be running."""

    text: str
    findings: tuple[Finding, ...]

    @property
    def is_done(self) -> bool:
        """Whether every phrase has its verdict or is not looked for."""
        return all(finding.reason is not None for finding in self.findings)

    @property
    def first_findings(self) -> tuple[Finding, ...]:
        """The first finding about each thing, in the order of `Finding.thing`."""
        first = {finding.thing: finding for finding in reversed(self.findings)}
        return tuple(first[thing] for thing in sorted(first))

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The regions found as evidence: one mention for each thing."""
        return tuple(
            Mention(finding.phrase.text, finding.phrase.span, finding.evidence.regions)
            for finding in self.first_findings
        )

    @property
    def confidences(self) -> tuple[tuple[float | None, ...], ...]:
        """How sure the model was of each region of each mention."""
        return tuple(finding.evidence.confidences for finding in self.first_findings)

    def count(self, verdict: Verdict | None) -> int:
        """Return how many phrases have this verdict; None: none yet."""
        return sum(finding.verdict is verdict for finding in self.findings)


def judge(phrase: Phrase, evidence: Evidence) -> tuple[Verdict | None, Reason]:
    """Weigh the evidence for what a phrase says; no verdict: the model knows no such thing."""
    yes = evidence.presence
    if not evidence.is_known:
        return None, Reason.CANNOT_BE_CHECKED
    found = bool(evidence.regions)
    if phrase.negated:
        return _judge_negation(evidence)
    if found and yes is not None and 1 - yes >= CERTAIN:
        return Verdict.CONTRADICTED, Reason.DRAWN_BUT_NO
    if found:
        return _judge_number(phrase, evidence)
    if yes is not None and yes >= 0.5:
        return Verdict.NOT_FOUND, Reason.ANSWERS_YES
    if evidence.denied:
        return Verdict.CONTRADICTED, Reason.PLAINLY_ABSENT
    if yes is not None:
        return Verdict.CONTRADICTED, Reason.ANSWERS_NO
    return Verdict.NOT_FOUND, Reason.NOTHING_CLEAR


def _judge_negation(evidence: Evidence) -> tuple[Verdict, Reason]:
    yes = evidence.presence
    if evidence.regions and yes is not None and 1 - yes >= CERTAIN:
        return Verdict.SUPPORTED, Reason.DRAWN_BUT_NO
    if evidence.regions:
        return Verdict.CONTRADICTED, Reason.DENIED_BUT_FOUND
    if yes is not None and yes >= CERTAIN and not evidence.denied:
        return Verdict.CONTRADICTED, Reason.DENIED_BUT_YES
    return Verdict.SUPPORTED, Reason.ABSENT_AS_SAID


def _judge_number(phrase: Phrase, evidence: Evidence) -> tuple[Verdict, Reason]:
    """Call a number wrong where neither the regions nor the model's own count agree with it."""
    if phrase.count in (None, len(evidence.regions), evidence.count_answer):
        reason = Reason.PARTLY_JUDGED if evidence.ignored else Reason.FOUND
        return Verdict.SUPPORTED, reason
    return Verdict.CONTRADICTED, Reason.OTHER_NUMBER


class FindingData(TypedDict):
    """A finding as plain data; boxes in pixels of the picture."""

    phrase: str
    span: list[int]
    negated: bool
    count: int | None
    verdict: str | None
    why: str
    boxes_xyxy_px: list[list[float]]
    confidences: list[float | None]
    presence: float | None


class CheckData(TypedDict):
    """A check as plain data."""

    model: str
    text: str
    image_size: list[int]
    findings: list[FindingData]


def check_to_data(check: AnswerCheck, size: Size, model: str) -> CheckData:
    """Return a check by `model` as plain data; `size` is the picture's."""
    return {
        "model": model,
        "text": check.text,
        "image_size": list(size),
        "findings": [_finding_to_data(finding, size) for finding in check.findings],
    }


def _finding_to_data(finding: Finding, size: Size) -> FindingData:
    evidence = finding.evidence
    return {
        "phrase": finding.phrase.text,
        "span": list(finding.phrase.span),
        "negated": finding.phrase.negated,
        "count": finding.phrase.count,
        "verdict": finding.verdict,
        "why": finding.explanation,
        "boxes_xyxy_px": [
            [round(v, 1) for v in bounding_box(region).to_pixels(size)]
            for region in evidence.regions
        ],
        "confidences": list(evidence.confidences),
        "presence": evidence.presence,
    }
