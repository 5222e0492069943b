"""The board of a judge model beside that of the people, and how far the two agree."""

from __future__ import annotations

import html
from collections.abc import Collection
from typing import TYPE_CHECKING

from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.units import format_percent

if TYPE_CHECKING:  # ratings are computed with heavy libraries
    from vlm_demo.arena.ratings.leaderboards import Leaderboard
    from vlm_demo.arena.ratings.ratings import RatedModel
    from vlm_demo.arena.votes.judgements import JudgeAgreement


def judge_board(
    judge: str,
    agreement: JudgeAgreement,
    judged: Leaderboard,
    people: Leaderboard,
    listed: Collection[str],
) -> str:
    """HTML of the ratings by a judge model, each beside that by people; "": it judged nothing.

    Args:
        judge: the name of the judge model.
        agreement: how it agrees with people in the same battles.
        judged: its board.
        people: their board of the same selection.
        listed: the models that are shown.
    """
    if not agreement.judged:
        return ""
    ratings = {rated.model: rated for rated in people.models}
    rows = "".join(
        f'<tr><td class="rank">{_rank(one)}</td>'
        f'<th scope="row" class="model"><b>{html.escape(one.model)}</b></th>'
        f'<td class="rating">{one.rating:.0f}</td>'
        f'<td class="rating">{_rating(ratings.get(one.model))}</td>'
        f'<td class="votes">{one.votes:,}</td></tr>'
        for one in judged.models
        if one.model in listed
    )
    return (
        f'<p class="leaderboard-note">{translatable_html(_describe(judge, agreement))}</p>'
        '<table class="standings"><caption class="sr-only" data-say>Models as the judge model '
        "rates them, the best first</caption>"
        '<thead><tr><th scope="col" class="rank">#</th>'
        '<th scope="col" class="model" data-say>Model</th>'
        '<th scope="col" class="rating" data-say>Judge model</th>'
        '<th scope="col" class="rating" data-say>People</th>'
        '<th scope="col" class="votes" data-say>Battles</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _describe(judge: str, agreement: JudgeAgreement) -> TranslatableText:
    counts = {
        "judge": judge,
        "judged": f"{agreement.judged:,}",
        "compared": f"{agreement.compared:,}",
        "share": format_percent(agreement.share or 0),
        "unsteady": f"{agreement.judged - agreement.steady:,}",
    }
    if agreement.share is None:
        return TranslatableText(
            "{judge} has judged {judged} battles of these votes; in none of them did people and "
            "the judge both prefer a side. In the other order of answers, it judged {unsteady} "
            "differently: these are ties.",
            counts,
        )
    return TranslatableText(
        "{judge} has judged {judged} battles of these votes. Where people and the judge both "
        "preferred a side ({compared} battles), it was the same one in {share}. In the other order "
        "of answers, it judged {unsteady} differently: these are ties.",
        counts,
    )


def _rank(rated: RatedModel) -> str:
    return "&ndash;" if rated.provisional else str(rated.rank)


def _rating(rated: RatedModel | None) -> str:
    return "&ndash;" if rated is None else f"{rated.rating:.0f}"
