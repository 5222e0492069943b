"""Ratings find the true order, say how certain they are, and stay finite for any votes."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kendalltau

from vlm_demo.arena.ratings.ratings import POINTS_PER_LOG_ODDS, TIE_WEIGHT, RatedModel, rate_models
from vlm_demo.arena.votes.vote_counts import PairCount


def cell(a: str, b: str, wins_a=0.0, wins_b=0.0, ties=0.0, votes=None) -> PairCount:
    if votes is None:
        votes = round(wins_a + wins_b + ties)
    return PairCount("vqa", "en", "here", False, 0, a, b, wins_a, wins_b, ties, votes)


def name(place: int) -> str:
    return f"m{place:03}"


def synthetic(
    strengths: np.ndarray, votes: int, rng: np.random.Generator, ties="none"
) -> list[PairCount]:
    """Votes between models that meet by chance; strengths are logarithms of the odds to win."""
    count = len(strengths)
    a = rng.integers(0, count, votes)
    b = (a + rng.integers(1, count, votes)) % count
    a, b = np.minimum(a, b), np.maximum(a, b)
    ahead = strengths[a] - strengths[b]
    if ties == "none":
        wins, losses = 1 / (1 + np.exp(-ahead)), 1 / (1 + np.exp(ahead))
    elif ties == "fixed":
        wins, losses = 0.85 / (1 + np.exp(-ahead)), 0.85 / (1 + np.exp(ahead))
    elif ties == "davidson":  # https://doi.org/10.1080/01621459.1970.10481082
        whole = np.exp(ahead / 2) + np.exp(-ahead / 2) + 2 * 0.18
        wins, losses = np.exp(ahead / 2) / whole, np.exp(-ahead / 2) / whole
    else:  # Rao and Kupper, https://doi.org/10.1080/01621459.1967.10482901
        wins, losses = 1 / (1 + 1.35 * np.exp(-ahead)), 1 / (1 + 1.35 * np.exp(ahead))
    drawn = rng.random(votes)
    outcome = np.where(drawn < wins, 0, np.where(drawn < wins + losses, 1, 2))
    sums = np.zeros((count, count, 3))
    np.add.at(sums, (a, b, outcome), 1)
    return [
        cell(name(i), name(j), *sums[i, j].tolist())
        for i, j in zip(*sums.sum(axis=2).nonzero(), strict=True)
    ]


def drawn_strengths(count: int, rng: np.random.Generator) -> np.ndarray:
    strengths = rng.normal(size=count)
    return strengths - strengths.mean()


def chain(count: int, votes: float) -> list[PairCount]:
    """Each model beats the next, and meets no other."""
    return [cell(name(i), name(i + 1), wins_a=votes) for i in range(count - 1)]


def by_name(standings: Iterable[RatedModel]) -> dict[str, RatedModel]:
    return {standing.model: standing for standing in standings}


# The ratings themselves


def test_without_votes_there_are_no_ratings():
    assert rate_models([]) == []
    assert rate_models([cell("a", "b")]) == []


def test_two_models_are_as_far_apart_as_the_odds_say():
    best, other = rate_models([cell("a", "b", wins_a=10, wins_b=30)])

    assert (best.model, other.model) == ("b", "a")
    assert best.rating - other.rating == pytest.approx(400 * math.log10(30.5 / 10.5))
    assert best.rating + other.rating == pytest.approx(2000)


def independent(cells: list[PairCount]) -> dict[str, float]:
    """Bradley-Terry by another way: the likelihood's maximum, found by descent."""
    models = sorted({name for each in cells for name in (each.model_a, each.model_b)})
    wins = np.full((len(models), len(models)), 0.5 / (len(models) - 1))
    for each in cells:
        a, b = models.index(each.model_a), models.index(each.model_b)
        wins[a, b] += each.wins_a + TIE_WEIGHT * each.ties
        wins[b, a] += each.wins_b + TIE_WEIGHT * each.ties
    np.fill_diagonal(wins, 0)

    def loss(strengths: np.ndarray) -> tuple[float, np.ndarray]:
        ahead = strengths[:, None] - strengths
        missed = 1 / (1 + np.exp(ahead))  # how little the model expected the win
        slope = (wins * missed).T.sum(axis=1) - (wins * missed).sum(axis=1)
        return (wins * np.logaddexp(0, -ahead)).sum(), slope

    options = {"maxiter": 10_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(loss, np.zeros(len(models)), jac=True, method="L-BFGS-B", options=options).x
    return dict(zip(models, 1000 + POINTS_PER_LOG_ODDS * (found - found.mean()), strict=True))


RNG = np.random.default_rng(5)
STRENGTHS = drawn_strengths(12, RNG)

BOARDS = {
    "many votes": synthetic(STRENGTHS, 20_000, RNG, "fixed"),
    "few votes": synthetic(STRENGTHS, 30, RNG, "davidson"),
    "one vote": [cell("a", "b", wins_b=1)],
    "weights": [cell("a", "b", 0.25, 0.5, 0.125, 3), cell("b", "c", 0.2, 0, 0.7, 2)],
    "unbeaten": [cell("a", "b", wins_a=1000), cell("b", "c", 500, 500), cell("a", "c", 1000)],
    "beaten by all": [cell("a", "z", wins_a=900), cell("b", "z", wins_a=900), cell("a", "b", 5, 4)],
    "two groups": [cell("a", "b", 60, 30), cell("c", "d", 5, 10, 3), cell("d", "e", 2, 10)],
    "a chain": chain(8, 20),
    "ties and one win": [cell("a", "b", 1, 0, 50), cell("b", "c", ties=50)],
}


@pytest.mark.parametrize("cells", BOARDS.values(), ids=BOARDS)
def test_ratings_are_those_of_an_independent_computation(cells):
    expected = independent(cells)

    found = {standing.model: standing.rating for standing in rate_models(cells)}

    assert found == pytest.approx(expected, abs=0.05)


HARD = {
    **BOARDS,
    "all ties": [cell("a", "b", ties=50), cell("a", "c", ties=50), cell("b", "c", ties=1)],
    "one tie": [cell("a", "b", ties=1)],
    "wins all": [cell("a", other, wins_a=100) for other in "bcdef"],
    "each beats all that follow": [
        cell(name(i), name(j), wins_a=1000) for i in range(20) for j in range(i + 1, 20)
    ],
    "a long chain": chain(40, 1_000_000),
    "no weight": [cell("a", "b", votes=3)],
    "hardly any weight": [cell("a", "b", wins_a=1e-9, votes=1)],
}


@pytest.mark.parametrize("cells", HARD.values(), ids=HARD)
def test_ratings_stay_finite_and_within_their_intervals(cells):
    standings = rate_models(cells)

    for standing in standings:
        values = (standing.lower, standing.rating, standing.upper, standing.win_rate)
        assert all(map(math.isfinite, values)), standing
        assert standing.lower < standing.rating < standing.upper
        assert 0 <= standing.win_rate <= 1
        assert 1 <= standing.rank <= len(standings)
    assert np.mean([standing.rating for standing in standings]) == pytest.approx(1000)


def test_models_that_only_tie_are_equal_and_in_the_order_of_their_names():
    standings = rate_models(HARD["all ties"])

    assert [standing.model for standing in standings] == ["a", "b", "c"]
    assert [standing.rating for standing in standings] == pytest.approx([1000] * 3)
    assert {standing.rank for standing in standings} == {1}


def test_who_ties_with_the_best_is_rated_beside_it():
    standings = by_name(rate_models([cell("a", "b", 100, 10), cell("a", "c", ties=100)]))

    assert standings["c"].rating == pytest.approx(standings["a"].rating, abs=40)
    assert standings["c"].rating > standings["b"].rating + 200


def test_models_that_never_met_are_compared_through_others():
    cells = [cell("a", "b", 75, 25), cell("b", "c", 75, 25)]

    order = [standing.model for standing in rate_models(cells)]

    assert order == ["a", "b", "c"]


def test_where_votes_come_from_and_in_which_order_changes_nothing():
    cells = BOARDS["many votes"]
    halves = [
        each._replace(
            task=task, wins_a=each.wins_a / 2, wins_b=each.wins_b / 2, ties=each.ties / 2, votes=n
        )
        for each in cells
        for task, n in (("chat", each.votes // 2), ("vqa", each.votes - each.votes // 2))
    ]

    assert rate_models(halves[::-1]) == rate_models(cells)


def test_a_seed_decides_on_the_intervals_alone():
    cells = BOARDS["many votes"]

    assert rate_models(cells, seed=1) == rate_models(cells, seed=1)
    one, other = by_name(rate_models(cells, seed=1)), by_name(rate_models(cells, seed=2))
    assert all(one[model].rating == other[model].rating for model in one)
    assert all(one[model].upper != other[model].upper for model in one)


# What stands beside them


def test_few_votes_are_provisional():
    standings = by_name(rate_models([cell("a", "b", 10, 19), cell("b", "c", 1, 0)]))

    assert {model: each.votes for model, each in standings.items()} == {"a": 29, "b": 30, "c": 1}
    assert {model for model, each in standings.items() if each.provisional} == {"a", "c"}


def test_the_win_rate_is_the_mean_over_opponents_with_ties_as_halves():
    standings = by_name(rate_models([cell("a", "b", 90, 10), cell("a", "c", 1, 0, 3)]))

    assert standings["a"].win_rate == pytest.approx((0.9 + 2.5 / 4) / 2)
    assert standings["b"].win_rate == pytest.approx(0.1)
    assert standings["c"].win_rate == pytest.approx(1.5 / 4)


def test_the_rank_counts_the_models_that_are_surely_better():
    standings = rate_models(synthetic(STRENGTHS, 1_500, np.random.default_rng(1)))

    for standing in standings:
        better = [other for other in standings if other.lower > standing.upper]
        assert standing.rank == 1 + len(better)
    ranks = [standing.rank for standing in standings]
    assert ranks[0] == 1
    assert len(set(ranks)) < len(ranks)  # some cannot be told apart
    assert max(ranks) > 5


# How sure they are


def widths(standings: Iterable[RatedModel]) -> float:
    return float(np.mean([standing.upper - standing.lower for standing in standings]))


def test_four_times_the_votes_halve_the_intervals():
    cells = synthetic(STRENGTHS, 2_000, np.random.default_rng(2))
    more = [each._replace(wins_a=4 * each.wins_a, wins_b=4 * each.wins_b) for each in cells]

    assert widths(rate_models(more)) == pytest.approx(widths(rate_models(cells)) / 2, rel=0.15)


def test_an_unbeaten_model_is_not_surely_so():
    best, _ = rate_models([cell("a", "b", wins_a=3)])
    sure, _ = rate_models([cell("a", "b", wins_a=300, wins_b=100)])

    assert best.upper - best.lower > 4 * (sure.upper - sure.lower)


def covered(models: int, ties: str, trials: int) -> float:
    return float(np.mean([inside for at in range(trials) for inside in trial(models, ties, at)]))


def trial(models: int, ties: str, seed: int) -> Iterator[bool]:
    rng = np.random.default_rng([seed, models])
    strengths = drawn_strengths(models, rng)
    for standing in rate_models(synthetic(strengths, 5_000, rng, ties)):
        truth = 1000 + POINTS_PER_LOG_ODDS * strengths[int(standing.model[1:])]
        yield standing.lower <= truth <= standing.upper


@pytest.mark.thorough
@pytest.mark.parametrize("ties", ["none", "fixed", "davidson", "rao"])
def test_intervals_hold_the_truth_as_often_as_they_say(ties):
    assert 0.90 <= covered(60, ties, trials=6) <= 0.99


@pytest.mark.thorough
@pytest.mark.parametrize("ties", ["none", "fixed", "davidson", "rao"])
def test_a_million_votes_find_the_true_order(ties):
    rng = np.random.default_rng(3)
    strengths = drawn_strengths(60, rng)

    standings = rate_models(synthetic(strengths, 1_000_000, rng, ties))

    found = [-strengths[int(standing.model[1:])] for standing in standings]
    assert kendalltau(range(60), found).statistic >= 0.98
