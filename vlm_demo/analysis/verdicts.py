"""What became of the things that an answer names, and on what grounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from vlm_demo.analysis.phrases import Phrase
from vlm_demo.values import Mention, Region, Size, bounding_box

SURE = 0.75
"""From this probability on, a "no" outweighs a place that was drawn.

Chosen on the validation split of the drawn scenes: there it costs no true phrase of 1,296, and
uncovers half of the places that were drawn for things that are not there.
"""


class Verdict(StrEnum):
    """What became of a phrase."""

    SUPPORTED = "supported"
    NOT_FOUND = "not found"
    CONTRADICTED = "contradicted"


class Why(StrEnum):
    """The grounds of a verdict, in words with {blanks}."""

    FOUND = "Found in the picture: {found}."
    ABSENT_AS_SAID = "Not found, as the answer says."
    PLAINLY_ABSENT = "The model says that there is none."
    ANSWERS_NO = "No place was found; asked whether there is one, the model says no ({percent})."
    NOTHING_CLEAR = "No place was found, and the model says nothing clear."
    ANSWERS_YES = "No place was found; asked whether there is one, the model says yes ({percent})."
    DRAWN_BUT_NO = (
        "A place was drawn, but asked whether there is one, the model says no ({percent})."
    )
    DENIED_BUT_FOUND = "The answer says that there is none; found: {found}."
    DENIED_BUT_YES = "The answer says that there is none; the model says yes ({percent})."
    OTHER_NUMBER = "The answer says {count}; found: {found}."
    NOT_CHECKED = "Not looked for: the text names too many things."


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the grounding model says of a thing."""

    regions: tuple[Region, ...] = ()
    confidences: tuple[float | None, ...] = ()  # of each region, 0 to 1
    denied: bool = False  # it says in words that there is none
    presence: float | None = None  # probability of "yes" to "Is there ...?"; None: not asked
    counted: int | None = None  # its answer to "How many ...?"; None: not asked, or no number


@dataclass(frozen=True, slots=True)
class Finding:
    """A phrase of the answer and what became of it."""

    phrase: Phrase
    thing: int  # index of what was looked for: phrases that say the same share it
    verdict: Verdict | None = None  # None: it is still being looked for, or was not
    why: Why | None = None
    evidence: Evidence = Evidence()

    @property
    def blanks(self) -> dict[str, str]:
        """What stands in the blanks of `why`."""
        presence = self.evidence.presence
        sure = max(presence, 1 - presence) if presence is not None else 0.0
        return {
            "found": str(len(self.evidence.regions)),
            "count": str(self.phrase.count or ""),
            "percent": f"{min(99, round(sure * 100))}\u00a0%",
        }

    @property
    def reason(self) -> str:
        """The grounds of the verdict in English words."""
        words = self.why.value if self.why else ""
        for name, value in self.blanks.items():
            words = words.replace(f"{{{name}}}", value)
        return words


@dataclass(frozen=True, slots=True)
class Check:
    """How far the check of a text has come."""

    text: str
    findings: tuple[Finding, ...]

    @property
    def is_done(self) -> bool:
        """Whether every phrase that is looked for has its verdict."""
        return all(finding.why is not None for finding in self.findings)

    @property
    def things(self) -> tuple[Finding, ...]:
        """The first finding about each thing, in the order of `Finding.thing`."""
        first = {finding.thing: finding for finding in reversed(self.findings)}
        return tuple(first[thing] for thing in sorted(first))

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The places as evidence: a mention for each thing."""
        return tuple(
            Mention(finding.phrase.text, finding.phrase.span, finding.evidence.regions)
            for finding in self.things
        )

    @property
    def confidences(self) -> tuple[tuple[float | None, ...], ...]:
        """How sure the model was of each region of each mention."""
        return tuple(finding.evidence.confidences for finding in self.things)

    def count(self, verdict: Verdict | None) -> int:
        """How many phrases have a verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)


def judge(phrase: Phrase, evidence: Evidence) -> tuple[Verdict, Why]:
    """Weigh the evidence for what a phrase says."""
    yes = evidence.presence
    found = bool(evidence.regions)
    if phrase.negated:
        return _judge_denied(evidence)
    if found and yes is not None and 1 - yes >= SURE:
        return Verdict.CONTRADICTED, Why.DRAWN_BUT_NO
    if found:
        return _judge_number(phrase, evidence)
    if yes is not None and yes >= 0.5:
        return Verdict.NOT_FOUND, Why.ANSWERS_YES
    if evidence.denied:
        return Verdict.CONTRADICTED, Why.PLAINLY_ABSENT
    if yes is not None:
        return Verdict.CONTRADICTED, Why.ANSWERS_NO
    return Verdict.NOT_FOUND, Why.NOTHING_CLEAR


def _judge_denied(evidence: Evidence) -> tuple[Verdict, Why]:
    yes = evidence.presence
    if evidence.regions and yes is not None and 1 - yes >= SURE:
        return Verdict.SUPPORTED, Why.DRAWN_BUT_NO
    if evidence.regions:
        return Verdict.CONTRADICTED, Why.DENIED_BUT_FOUND
    if yes is not None and yes >= SURE and not evidence.denied:
        return Verdict.CONTRADICTED, Why.DENIED_BUT_YES
    return Verdict.SUPPORTED, Why.ABSENT_AS_SAID


def _judge_number(phrase: Phrase, evidence: Evidence) -> tuple[Verdict, Why]:
    """A number counts as wrong where neither the places nor the model's own count agree with it."""
    if phrase.count in (None, len(evidence.regions), evidence.counted):
        return Verdict.SUPPORTED, Why.FOUND
    return Verdict.CONTRADICTED, Why.OTHER_NUMBER


class FindingData(TypedDict):
    """A finding for other programs; boxes in pixels of the picture."""

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
    """A check for other programs."""

    model: str
    text: str
    image_size: list[int]
    findings: list[FindingData]


def as_data(check: Check, size: Size, model: str) -> CheckData:
    """Return a check by `model` as plain data; `size` is the picture's."""
    return {
        "model": model,
        "text": check.text,
        "image_size": list(size),
        "findings": [_finding(finding, size) for finding in check.findings],
    }


def _finding(finding: Finding, size: Size) -> FindingData:
    evidence = finding.evidence
    return {
        "phrase": finding.phrase.text,
        "span": list(finding.phrase.span),
        "negated": finding.phrase.negated,
        "count": finding.phrase.count,
        "verdict": finding.verdict,
        "why": finding.reason,
        "boxes_xyxy_px": [
            [round(v, 1) for v in bounding_box(region).to_pixels(size)]
            for region in evidence.regions
        ],
        "confidences": list(evidence.confidences),
        "presence": evidence.presence,
    }
