"""The command that lets models meet on questions whose answers the program knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlm_demo.arena import Selection
from vlm_demo.cli import lazy
from vlm_demo.cli.commands.arena.leaderboard import leaderboard_rows, to_entry
from vlm_demo.cli.exit_codes import INTERRUPTED
from vlm_demo.cli.model import open_backend
from vlm_demo.cli.options import JsonOutput, Menu, Votes
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.errors import EngineError

if TYPE_CHECKING:
    from vlm_demo.evaluation.battles import BattleOutcome


def battles(
    models: Annotated[str, typer.Option(metavar="A,B,...", help="Names on the menu, two or more.")],
    benchmark: Annotated[str, typer.Option(help="Where the questions come from.")] = "scenes",
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other images.")] = 0,
    questions: Annotated[
        int | None,
        typer.Option(min=1, help="About how many; each is one battle for every two models."),
    ] = None,
    votes: Votes = None,
    menu: Menu = None,
    json_output: JsonOutput = False,
) -> None:
    """Let models meet and judge them by the ground truth.

    The battles make up the automatic leaderboard. What was judged before is not asked again. Ctrl+C
    keeps what has been judged until then.
    """
    settings, backend = open_backend(menu=menu, votes=votes)
    names = [name.strip() for name in models.split(",") if name.strip()]
    outcome = lazy.play_battles(
        backend, settings, names, benchmark=benchmark, seed=seed, count=questions
    )
    ratings = lazy.rate_models(settings, Selection(automatic=True))
    if json_output:
        entries = [to_entry(standing) for standing in ratings]
        print_json({**_counts(outcome), "leaderboard": entries})
    else:
        print_note(_summarize(outcome))
        if ratings:
            print_table(leaderboard_rows(ratings))
    if outcome.was_interrupted:
        raise typer.Exit(INTERRUPTED)
    if not outcome.added and not outcome.present:
        raise EngineError(
            "No battle could be judged: no two models answered the same question. They must be "
            "able to do the same tasks in the same language."
        )


def _counts(outcome: BattleOutcome) -> dict[str, Any]:
    return {
        "added": outcome.added,
        "present": outcome.present,
        "void": outcome.void,
        "failures": dict(outcome.failures),
        "stopped": outcome.was_interrupted,
    }


def _summarize(outcome: BattleOutcome) -> str:
    """Say what became of the battles."""
    summary = f"Battles added: {outcome.added}. Already there: {outcome.present}."
    if outcome.void:
        failures = ", ".join(f"{model} {count}" for model, count in outcome.failures.most_common())
        summary += f" Void, because answers failed or were empty: {outcome.void} ({failures})."
    return f"Stopped; what was judged is kept. {summary}" if outcome.was_interrupted else summary
