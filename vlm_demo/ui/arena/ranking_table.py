"""The table of a leaderboard: the rank of each model, and how certain it is."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.ui.components.model_filters import LICENCES, SIZES
from vlm_demo.ui.html_values import translatable_attribute, translatable_html
from vlm_demo.units import format_parameters, format_percent

if TYPE_CHECKING:  # ratings are computed with heavy libraries
    from vlm_demo.arena.ratings.ratings import RatedModel

WEIGHTS: Mapping[str, Callable[[ModelSpec], bool]] = {
    message("Open weights"): lambda spec: spec.engine == "local" and spec.runs != "nowhere",
    message("Closed weights"): lambda spec: spec.runs == "nowhere",
}
"""Tests for open and closed weights; a model on somebody's server passes neither."""

PROVISIONAL = message("Not enough votes for a rank: its rating may still change a lot.")


@dataclass(frozen=True, slots=True)
class ModelFilters:
    """Which models are shown; "" lets all through, also those of which nothing is known."""

    size: str = ""
    licence: str = ""
    weights: str = ""

    def accepts(self, spec: ModelSpec | None) -> bool:
        """Whether a model is shown; None stands for one that is not on the menu."""
        if spec is None:
            return not (self.size or self.licence or self.weights)
        least, most = SIZES.get(self.size, (0, float("inf")))
        return (
            (not self.size or (spec.parameters is not None and least <= spec.parameters < most))
            and (not self.licence or spec.commercial in LICENCES[self.licence])
            and (not self.weights or WEIGHTS[self.weights](spec))
        )


@dataclass(frozen=True, slots=True)
class _RatingScale:
    """The ratings that the bars span."""

    least: float
    most: float

    @classmethod
    def of(cls, standings: Sequence[RatedModel]) -> _RatingScale:
        """Fit all ratings, and the intervals of the models that are not provisional.

        The wide interval of a provisional model would make the bars of all others short.
        """
        certain = [standing for standing in standings if not standing.provisional] or standings
        ratings = [standing.rating for standing in standings]
        least = min(*ratings, *(standing.lower for standing in certain))
        most = max(*ratings, *(standing.upper for standing in certain))
        room = max((most - least) * 0.04, 1)
        return cls(least - room, most + room)

    def share(self, rating: float) -> float:
        """Return the position of a rating, in percent from the left."""
        return min(max((rating - self.least) / (self.most - self.least), 0), 1) * 100


def ranking_table(
    standings: Sequence[RatedModel], listed: Collection[str], specs: Mapping[str, ModelSpec]
) -> str:
    """HTML of a leaderboard; ranks and the scale of the bars are those among all models.

    Args:
        standings: best first, at least standing.
        listed: the models that are shown.
        specs: the menu, by name.
    """
    scale = _RatingScale.of(standings)
    rows = "".join(
        _row(standing, specs.get(standing.model), scale)
        for standing in standings
        if standing.model in listed
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


def _row(standing: RatedModel, spec: ModelSpec | None, scale: _RatingScale) -> str:
    size = format_parameters(spec.parameters) if spec else ""
    licence = html.escape(spec.licence) if spec else ""
    votes = translatable_html(vote_count(standing.votes))
    facts = " · ".join(fact for fact in (votes, size) if fact)  # where columns are hidden
    row_class = " class=provisional" if standing.provisional else ""
    name, badge = html.escape(standing.model), _provisional_badge(standing)
    rank = _NO_RANK if standing.provisional else standing.rank
    return (
        f'<tr{row_class}><td class="rank">{rank}</td>'
        f'<th scope="row" class="model"><b>{name}</b>{badge}<small>{facts}</small></th>'
        f'<td class="rating">{standing.rating:.0f}</td>'
        f'<td class="interval">{_bar(standing, scale)}</td>'
        f'<td class="margin">{_margin(standing)}</td>'
        f'<td class="votes">{standing.votes:,}</td>'
        f'<td class="wins">{format_percent(standing.win_rate)}</td>'
        f'<td class="size">{size or _UNKNOWN}</td>'
        f'<td class="licence">{licence or _UNKNOWN}</td></tr>'
    )


def vote_count(count: int) -> TranslatableText:
    """Say how many votes there are."""
    return (
        TranslatableText("1 vote")
        if count == 1
        else TranslatableText("{count} votes", {"count": f"{count:,}"})
    )


_UNKNOWN = '<span title="not known" data-say="title">&ndash;</span>'


_NO_RANK = f'<span title="{PROVISIONAL}" data-say="title">&ndash;</span>'


def _provisional_badge(standing: RatedModel) -> str:
    if not standing.provisional:
        return ""
    return (
        f' <span class="mark" title="{PROVISIONAL}" data-say="text title">not enough votes</span>'
    )


def _margin(standing: RatedModel) -> str:
    above, below = round(standing.upper - standing.rating), round(standing.rating - standing.lower)
    return f"&plusmn; {above}" if above == below else f"+{above} / &minus;{below}"


def _bar(standing: RatedModel, scale: _RatingScale) -> str:
    """HTML of an interval and its rating; what is beyond the scale fades out."""
    left, right = scale.share(standing.lower), scale.share(standing.upper)
    span = TranslatableText(
        "from {lower} to {upper}",
        {"lower": f"{standing.lower:.0f}", "upper": f"{standing.upper:.0f}"},
    )
    fades_left = " from-beyond" if standing.lower < scale.least else ""
    fades_right = " to-beyond" if standing.upper > scale.most else ""
    return (
        f'<span class="bar" role="img" {translatable_attribute("aria-label", span)}>'
        f'<i class="span{fades_left}{fades_right}" '
        f'style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<i class="dot" style="left:{scale.share(standing.rating):.1f}%"></i></span>'
    )
