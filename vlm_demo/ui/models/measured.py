"""What has been measured of the models of the menu here: scores of evaluations, and ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vlm_demo.arena.votes.vote import Selection
from vlm_demo.catalog.spec import TASKS_OF
from vlm_demo.errors import VotesError
from vlm_demo.results.run_files import find_runs
from vlm_demo.results.scoreboard import Column, Scoreboard, build_scoreboard
from vlm_demo.settings import Settings

if TYPE_CHECKING:  # ratings are computed with heavy libraries
    from vlm_demo.arena.ratings.leaderboards import Leaderboards


def measure_models(settings: Settings, leaderboards: Leaderboards) -> dict[str, dict[str, Any]]:
    """Return what was measured of models, by name.

    Returns:
        `scores`: on each benchmark its `title`, the `value` in percent and the abilities that it
        shows (`can`); `rating`: by people in the arena, where there are enough votes.
    """
    scoreboard = build_scoreboard(find_runs(settings.evaluations).by_id)
    ratings = _read_ratings(leaderboards)
    models = {row.model for row in scoreboard.rows} | set(ratings)
    return {
        model: {"scores": _list_scores(scoreboard, model), "rating": ratings.get(model)}
        for model in models
    }


def _list_scores(scoreboard: Scoreboard, model: str) -> list[dict[str, Any]]:
    """Return the scores of a model that can be compared; of several number formats, the best."""
    scores = []
    for column in scoreboard.columns:
        cells = [row.cells.get(column.name) for row in scoreboard.rows if row.model == model]
        values = [
            100 * cell.result.score / column.full
            for cell in cells
            if cell and cell.is_comparable and cell.result.score is not None
        ]
        if values:
            scores.append(
                {
                    "benchmark": column.name,
                    "title": column.title,
                    "value": round(max(values), 1),
                    "can": _list_abilities(column),
                }
            )
    return scores


def _list_abilities(column: Column) -> list[str]:
    """Return the abilities that a benchmark shows something of, by the tasks that it asks."""
    asked = set(column.tasks)
    return [ability.value for ability, tasks in TASKS_OF.items() if asked & set(map(str, tasks))]


def _read_ratings(leaderboards: Leaderboards) -> Mapping[str, int]:
    try:
        rated = leaderboards.leaderboard(Selection()).models
    except VotesError:  # the leaderboard itself says why
        return {}
    return {one.model: round(one.rating) for one in rated if not one.provisional}
