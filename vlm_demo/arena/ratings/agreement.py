"""Whether voters agree with the others, vote at random, or against them. Nobody is excluded."""

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

MIN_VOTES = 5
"""Smallest number of votes for A or B that allows a report on a voter."""

FALSE_DISCOVERY_RATE = 0.05
"""Largest share of false findings among all findings, on average (Benjamini and Hochberg)."""

PRIOR_VOTES = 1.0
"""Votes for either model of a pair that are added to those of the others, which may be few."""


class AgreementFinding(StrEnum):
    """What is unusual about a voter."""

    CONTRARY = "contrary"  # agrees with others less than a coin would
    CHANCE = "by chance"  # agrees with others about as often as a coin, and less than they do
    ONE_SIDED = "one-sided"  # prefers one side of the page


@dataclass(frozen=True, slots=True)
class VoterReport:
    """How one voter voted for A or B, on pairs of models that others have judged as well."""

    voter: str  # the keyed hash
    votes: int
    agreeing: int  # with the majority of the others; half would be chance
    expected: float  # how many if the voter judged as the others do
    left: int  # votes for the side on the left
    p_chance: float  # probability that a coin agrees at least this often
    p_odd: float  # probability that one who judges as the others do agrees at most this often
    p_side: float  # probability that chance prefers one side this much
    findings: tuple[AgreementFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Preference:
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
    return compare_voters(vote for _, vote in store.read())


def compare_voters(votes: Iterable[Vote]) -> list[VoterReport]:
    """Report on the voters of these votes, as `judge_voters` does."""
    preferences = [_to_preference(vote) for vote in votes if _is_preference(vote)]
    everybody = Counter((preference.pair, preference.first) for preference in preferences)
    by_voter = defaultdict[str, list[_Preference]](list)
    for preference in preferences:
        by_voter[preference.voter].append(preference)
    reports = [
        report
        for voter, own in by_voter.items()
        if (report := _report(voter, own, everybody)).votes >= MIN_VOTES
    ]
    return sorted(_with_findings(reports), key=lambda report: (not report.findings, report.p_odd))


def _is_preference(vote: Vote) -> bool:
    here = vote.origin is Origin.HERE and bool(vote.voter) and vote.exclusion is None
    return here and vote.winner in (Winner.A, Winner.B)


def _to_preference(vote: Vote) -> _Preference:
    left = vote.winner is Winner.A
    first, second = sorted((vote.a.model, vote.b.model))
    winner = vote.a.model if left else vote.b.model
    return _Preference(vote.voter, (first, second), winner == first, left)


def _report(
    voter: str, own: Sequence[_Preference], everybody: Mapping[tuple[tuple[str, str], bool], int]
) -> VoterReport:
    """Compare a voter with the others, pair by pair.

    The probability of agreeing with the majority differs between pairs, so the number of agreements
    of one who judges as the others do is a sum of binomial variables. Its distribution is computed
    exactly.
    """
    mine = Counter((preference.pair, preference.first) for preference in own)
    agreeing, distribution, total = 0, np.ones(1), 0
    for pair in {preference.pair for preference in own}:
        for_first, for_second = (
            everybody[pair, first] - mine[pair, first] for first in (True, False)
        )
        if for_first == for_second:
            continue  # no majority: nobody else has judged it, or they are divided
        number = mine[pair, True] + mine[pair, False]
        share = (max(for_first, for_second) + PRIOR_VOTES) / (
            for_first + for_second + 2 * PRIOR_VOTES
        )
        agreeing += mine[pair, for_first > for_second]
        total += number
        distribution = np.convolve(distribution, binom.pmf(np.arange(number + 1), number, share))
    left = sum(preference.left for preference in own)
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
    """Add the findings, with a correction for the number of voters."""
    if not reports:
        return []
    odd = false_discovery_control([report.p_odd for report in reports]) < FALSE_DISCOVERY_RATE
    one_sided = (
        false_discovery_control([report.p_side for report in reports]) < FALSE_DISCOVERY_RATE
    )
    return [
        replace(report, findings=_findings(report, is_odd=is_odd, is_one_sided=is_one_sided))
        for report, is_odd, is_one_sided in zip(reports, odd, one_sided, strict=True)
    ]


def _findings(
    report: VoterReport, *, is_odd: bool, is_one_sided: bool
) -> tuple[AgreementFinding, ...]:
    findings = []
    if is_odd:
        contrary = binom.cdf(report.agreeing, report.votes, 0.5) < FALSE_DISCOVERY_RATE
        findings.append(AgreementFinding.CONTRARY if contrary else AgreementFinding.CHANCE)
    if is_one_sided:
        findings.append(AgreementFinding.ONE_SIDED)
    return tuple(findings)
