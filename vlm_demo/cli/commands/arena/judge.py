"""The command that lets a model judge the battles that people have voted on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.exit_codes import INTERRUPTED
from vlm_demo.cli.model import open_backend
from vlm_demo.cli.options import JsonOutput, Menu, Votes
from vlm_demo.cli.terminal import print_json, print_note

if TYPE_CHECKING:
    from vlm_demo.arena.votes.judgements import JudgeAgreement
    from vlm_demo.evaluation.judging import JudgingOutcome


def judge(
    model: Annotated[str, typer.Option(help="The judge: a model of the menu.")],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Largest number of battles. Default: all.")
    ] = None,
    votes: Votes = None,
    menu: Menu = None,
    json_output: JsonOutput = False,
) -> None:
    """Let a model judge the battles that people have voted on.

    It judges those whose words and pictures may be kept, each in both orders of the answers, but
    none of its own. Its leaderboard stands beside that of the people: `leaderboard --judge MODEL`.
    What it has judged is not judged again. Ctrl+C keeps what has been judged until then.
    """
    settings, backend = open_backend(menu=menu, votes=votes)
    outcome, agreement = lazy.judge_votes(backend, settings, model, limit=limit)
    if json_output:
        print_json({**asdict(outcome), "agreement": asdict(agreement)})
    else:
        print_note(_summarize(outcome, agreement))
    if outcome.was_interrupted:
        raise typer.Exit(INTERRUPTED)


def _summarize(outcome: JudgingOutcome, agreement: JudgeAgreement) -> str:
    summary = f"Battles judged: {outcome.judged}."
    if outcome.unsteady:
        summary += (
            f" In the other order, {outcome.unsteady} were judged differently: these are ties."
        )
    if outcome.failed:
        summary += f" Not judged, because no usable answer came: {outcome.failed}."
    if agreement.share is None:
        return f"{summary} No battle yet in which people and the judge both preferred a side."
    return (
        f"{summary} Of {agreement.compared} battles in which people and the judge both preferred a "
        f"side, it was the same one in {agreement.agreeing} ({agreement.share:.0%})."
    )
