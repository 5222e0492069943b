"""Whether voters judge as others do, by chance, or against them. It lists; nobody is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.stats import (  # type: ignore[import-untyped]  # it has no types
    binom,
    binomtest,
    false_discovery_control,
)

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Origin, Vote, Winner

LEAST_VOTES = 5
"""Votes for A or B; with fewer, nothing can be said."""

LEVEL = 0.05
"""Share of the listed voters that are listed wrongly, at most, on the average (Benjamini and
Hochberg)."""

PRIOR = 1.0
"""Votes for either model of a pair that are added to those of the others, which may be few."""


class Finding(StrEnum):
    """What is odd about a voter."""

    CONTRARY = "contrary"  # prefers what others do not, more than a coin would
    CHANCE = "by chance"  # agrees with others less than they with each other, as a coin does
    ONE_SIDED = "one-sided"  # prefers one side of the page


@dataclass(frozen=True, slots=True)
class VoterReport:
    """One voter's votes for A or B, on models that others have judged too."""

    voter: str  # the keyed hash
    votes: int
    agreeing: int  # with the majority of the others; half of them would be chance
    expected: float  # how many, if the voter judged as they do
    left: int  # votes for the side on the left
    p_chance: float  # how likely a coin agrees so often, or more
    p_odd: float  # how likely one who judges as the others agrees so seldom, or more seldom
    p_side: float  # how likely chance prefers one side so much
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    """A vote for A or B."""

    voter: str
    pair: tuple[str, str]  # in the order of their names
    first: bool  # the vote is for the first of the pair
    left: bool


def judge_voters(store: VoteStore) -> list[VoterReport]:
    """Report on everybody with `LEAST_VOTES` or more, those with findings first.

    Raises:
        VotesError: the database cannot be read.
    """
    return judged(vote for _, vote in store.read())


def judged(votes: Iterable[Vote]) -> list[VoterReport]:
    """Report on the voters of some votes, as `judge_voters` does."""
    choices = [_choice(vote) for vote in votes if _counts(vote)]
    everybody = Counter((choice.pair, choice.first) for choice in choices)
    by_voter = defaultdict[str, list[_Choice]](list)
    for choice in choices:
        by_voter[choice.voter].append(choice)
    reports = [
        report
        for voter, own in by_voter.items()
        if (report := _report(voter, own, everybody)).votes >= LEAST_VOTES
    ]
    return sorted(_with_findings(reports), key=lambda report: (not report.findings, report.p_odd))


def _counts(vote: Vote) -> bool:
    here = vote.origin is Origin.HERE and bool(vote.voter) and vote.exclusion is None
    return here and vote.winner in (Winner.A, Winner.B)


def _choice(vote: Vote) -> _Choice:
    left = vote.winner is Winner.A
    first, second = sorted((vote.a.model, vote.b.model))
    winner = vote.a.model if left else vote.b.model
    return _Choice(vote.voter, (first, second), winner == first, left)


def _report(
    voter: str, own: Sequence[_Choice], everybody: Mapping[tuple[tuple[str, str], bool], int]
) -> VoterReport:
    """Compare a voter with the others, pair by pair.

    As a voter agrees with the majority of the others with another probability in each pair, the
    number of agreements is a sum of binomial variables; so is the number of one who judges as they
    do, whose distribution is computed exactly.
    """
    mine = Counter((choice.pair, choice.first) for choice in own)
    agreeing, distribution, total = 0, np.ones(1), 0
    for pair in {choice.pair for choice in own}:
        for_first, for_second = (
            everybody[pair, first] - mine[pair, first] for first in (True, False)
        )
        if for_first == for_second:
            continue  # nobody else has judged it, or they are divided: there is no majority
        number = mine[pair, True] + mine[pair, False]
        share = (max(for_first, for_second) + PRIOR) / (for_first + for_second + 2 * PRIOR)
        agreeing += mine[pair, for_first > for_second]
        total += number
        distribution = np.convolve(distribution, binom.pmf(np.arange(number + 1), number, share))
    left = sum(choice.left for choice in own)
    return VoterReport(
        voter=voter,
        votes=total,
        agreeing=agreeing,
        expected=float(distribution @ np.arange(total + 1)),
        left=left,
        p_chance=float(binom.sf(agreeing - 1, total, 0.5)),
        p_odd=min(1.0, float(distribution[: agreeing + 1].sum())),
        p_side=float(binomtest(left, len(own), 0.5).pvalue),
    )


def _with_findings(reports: Sequence[VoterReport]) -> list[VoterReport]:
    """Say who is odd, with a correction for how many voters there are."""
    if not reports:
        return []
    odd = false_discovery_control([report.p_odd for report in reports]) < LEVEL
    one_sided = false_discovery_control([report.p_side for report in reports]) < LEVEL
    return [
        replace(report, findings=_findings(report, is_odd=is_odd, is_one_sided=is_one_sided))
        for report, is_odd, is_one_sided in zip(reports, odd, one_sided, strict=True)
    ]


def _findings(report: VoterReport, *, is_odd: bool, is_one_sided: bool) -> tuple[Finding, ...]:
    findings = []
    if is_odd:
        contrary = binom.cdf(report.agreeing, report.votes, 0.5) < LEVEL
        findings.append(Finding.CONTRARY if contrary else Finding.CHANCE)
    if is_one_sided:
        findings.append(Finding.ONE_SIDED)
    return tuple(findings)
