"""The command that lets models meet on questions whose truth the program knows."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlm_demo.arena import Selection
from vlm_demo.backend import Backend
from vlm_demo.cli import lazy as edges
from vlm_demo.cli.leaderboard import entry, lines
from vlm_demo.cli.options import AsJson, Menu
from vlm_demo.cli.terminal import print_note, table
from vlm_demo.cli.votes import Votes
from vlm_demo.errors import EngineError
from vlm_demo.rendering.export import as_json
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.evaluation.battles import Outcome

INTERRUPTED = 130
"""Exit status after Ctrl+C: 128 and the number of the signal, as shells have it."""


def battles(
    models: Annotated[str, typer.Option(metavar="A,B,...", help="Names on the menu, two or more.")],
    benchmark: Annotated[str, typer.Option(help="Where the questions are from.")] = "scenes",
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
    questions: Annotated[
        int | None, typer.Option(min=1, help="About how many; each is one battle of every two.")
    ] = None,
    votes: Votes = None,
    menu: Menu = None,
    as_json_: AsJson = False,
) -> None:
    """Let models meet, and judge them by the truth: what the automatic leaderboard is made of.

    What was judged before is not asked again. Ctrl+C keeps what is judged until then.
    """
    settings = Settings.read({"menu": menu, "votes": votes})
    backend = Backend.from_settings(settings)
    # A model that still computes while the interpreter ends would abort the process.
    atexit.register(backend.close)
    names = [name.strip() for name in models.split(",") if name.strip()]
    outcome = edges.play_battles(
        backend, settings, names, benchmark=benchmark, seed=seed, count=questions
    )
    standings = edges.standings(settings, Selection(automatic=True))
    if as_json_:
        board = [entry(standing) for standing in standings]
        sys.stdout.write(as_json({**_counts(outcome), "leaderboard": board}))
    else:
        print_note(_told(outcome))
        if standings:
            print(table(lines(standings)))
    if outcome.stopped:
        raise typer.Exit(INTERRUPTED)
    if not outcome.added and not outcome.present:
        raise EngineError(
            "No battle could be judged: no two models answered the same question. They must be "
            "able to do the same tasks in the same language."
        )


def _counts(outcome: Outcome) -> dict[str, Any]:
    return {
        "added": outcome.added,
        "present": outcome.present,
        "void": outcome.void,
        "failures": dict(outcome.failures),
        "stopped": outcome.stopped,
    }


def _told(outcome: Outcome) -> str:
    """Say what became of the battles."""
    told = f"Battles added: {outcome.added}. There already: {outcome.present}."
    if outcome.void:
        failures = ", ".join(f"{model} {count}" for model, count in outcome.failures.most_common())
        told += f" Void, for answers that failed or were empty: {outcome.void} ({failures})."
    return f"Stopped; what was judged is kept. {told}" if outcome.stopped else told
