"""The table of a leaderboard: who is where, and how certain that is."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.ui.html_values import Said, as_html, percent
from vlm_demo.units import format_parameters

if TYPE_CHECKING:  # ratings are computed with heavy libraries
    from vlm_demo.arena.ratings.ratings import Standing

SIZES: Mapping[str, tuple[float, float]] = {
    "Under 1 billion": (0, 1e9),
    "1 to 5 billion": (1e9, 5e9),
    "5 to 15 billion": (5e9, 15e9),
    "Over 15 billion": (15e9, float("inf")),
}
"""Parameters, from and below."""

LICENCES: Mapping[str, tuple[str, ...]] = {
    "Commercial use allowed": ("yes",),
    "… or on conditions": ("yes", "on conditions"),
}

WEIGHTS: Mapping[str, Callable[[ModelSpec], bool]] = {
    "Open weights": lambda spec: spec.engine == "local" and spec.runs != "nowhere",
    "Closed weights": lambda spec: spec.runs == "nowhere",
}
"""Of a model on somebody's server, neither is known."""

PROVISIONAL = "There are few votes on this model yet: its place may still change much."


@dataclass(frozen=True, slots=True)
class Filters:
    """Which models are shown; "" shows all, those of which nothing is known among them."""

    size: str = ""
    licence: str = ""
    weights: str = ""

    def shows(self, spec: ModelSpec | None) -> bool:
        """Whether a model is shown; None is one that is not on the menu."""
        if spec is None:
            return not (self.size or self.licence or self.weights)
        least, most = SIZES.get(self.size, (0, float("inf")))
        return (
            (not self.size or (spec.parameters is not None and least <= spec.parameters < most))
            and (not self.licence or spec.commercial in LICENCES[self.licence])
            and (not self.weights or WEIGHTS[self.weights](spec))
        )


@dataclass(frozen=True, slots=True)
class _Scale:
    """The ratings that the bars span."""

    least: float
    most: float

    @classmethod
    def of(cls, standings: Sequence[Standing]) -> _Scale:
        """Fit all ratings, and the intervals of those models that are known well.

        One of which little is known yet would make the bars of all others short.
        """
        known = [one for one in standings if not one.provisional] or standings
        ratings = [one.rating for one in standings]
        least = min(*ratings, *(one.lower for one in known))
        most = max(*ratings, *(one.upper for one in known))
        room = max((most - least) * 0.04, 1)
        return cls(least - room, most + room)

    def share(self, rating: float) -> float:
        """Where a rating is, in percent from the left."""
        return min(max((rating - self.least) / (self.most - self.least), 0), 1) * 100


def standings_table(
    standings: Sequence[Standing], listed: Collection[str], specs: Mapping[str, ModelSpec]
) -> str:
    """HTML of a board; ranks, and the scale of the bars, are those among all models.

    Args:
        standings: best first, at least one.
        listed: the models that are shown.
        specs: the menu, by name.
    """
    scale = _Scale.of(standings)
    rows = "".join(
        _row(one, specs.get(one.model), scale) for one in standings if one.model in listed
    )
    return (
        '<table class="standings"><caption class="sr-only" data-say>Models, the best first'
        "</caption>"
        '<thead><tr><th scope="col" class="rank">#</th><th scope="col" class="model" data-say>Model'
        "</th>"
        '<th scope="col" class="rating" data-say>Rating</th>'
        f'<th scope="col" class="interval"><span>{scale.least:.0f}</span>'
        f"<span>95 %<i data-say> interval</i></span><span>{scale.most:.0f}</span></th>"
        '<th scope="col" class="margin">+ / &minus;</th>'
        '<th scope="col" class="votes" data-say>Votes</th>'
        '<th scope="col" class="wins" data-say>Win rate</th>'
        '<th scope="col" class="size" data-say>Size</th>'
        '<th scope="col" class="licence" data-say>Licence</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(one: Standing, spec: ModelSpec | None, scale: _Scale) -> str:
    size = format_parameters(spec.parameters) if spec else ""
    licence = html.escape(spec.licence) if spec else ""
    votes = as_html(votes_of(one.votes))
    facts = " · ".join(fact for fact in (votes, size) if fact)  # where columns are hidden
    return (
        f'<tr{" class=provisional" if one.provisional else ""}><td class="rank">{one.rank}</td>'
        f'<th scope="row" class="model"><b>{html.escape(one.model)}</b>{_badge(one)}'
        f"<small>{facts}</small></th>"
        f'<td class="rating">{one.rating:.0f}</td><td class="interval">{_bar(one, scale)}</td>'
        f'<td class="margin">{_margin(one)}</td>'
        f'<td class="votes">{one.votes:,}</td><td class="wins">{percent(one.win_rate)}</td>'
        f'<td class="size">{size or _UNKNOWN}</td>'
        f'<td class="licence">{licence or _UNKNOWN}</td></tr>'
    )


def votes_of(count: int) -> Said:
    """Say how many votes there are."""
    return Said("1 vote") if count == 1 else Said("{count} votes", {"count": f"{count:,}"})


_UNKNOWN = '<span title="not known" data-say="title">&ndash;</span>'


def _badge(one: Standing) -> str:
    if not one.provisional:
        return ""
    return f' <span class="mark" title="{PROVISIONAL}" data-say="text title">provisional</span>'


def _margin(one: Standing) -> str:
    above, below = round(one.upper - one.rating), round(one.rating - one.lower)
    return f"&plusmn; {above}" if above == below else f"+{above} / &minus;{below}"


def _bar(one: Standing, scale: _Scale) -> str:
    """Draw an interval with its rating; what is beyond the scale fades out."""
    left, right = scale.share(one.lower), scale.share(one.upper)
    ends = f"{' from-beyond' * (one.lower < scale.least)}{' to-beyond' * (one.upper > scale.most)}"
    return (
        '<span class="bar" role="img" data-say="aria-label" '
        f'aria-label="from {one.lower:.0f} to {one.upper:.0f}">'
        f'<i class="span{ends}" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<i class="dot" style="left:{scale.share(one.rating):.1f}%"></i></span>'
    )
