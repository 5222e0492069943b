"""The commands about votes: out, in, checked, deleted, and kept on the Hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from tqdm import tqdm

from vlm_demo.cli import lazy as edges
from vlm_demo.cli.options import AsJson, missing_votes
from vlm_demo.cli.streams import reader_may_leave, source_of
from vlm_demo.cli.terminal import print_note, table
from vlm_demo.errors import InputError
from vlm_demo.rendering.export import as_json
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.arena.ledger.hub import HubCopy
    from vlm_demo.arena.ratings.agreement import VoterReport
    from vlm_demo.arena.votes.store import VoteStore

Item = TypeVar("Item")

NOT_ALL = 1
"""Exit status where something was left out, or is wrong."""

Votes = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Database URL, or SQLite file. Default: VLM_DEMO_VOTES."),
]

Repo = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Data set of the Hub. Default: VLM_DEMO_VOTES_REPO."),
]

votes = typer.Typer(help="The votes of the arena: out, in, checked, deleted.")


class Format(StrEnum):
    """How votes are written down."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    CSV = "csv"
    DPO = "dpo"  # preference pairs for TRL


@votes.command("export")
def export_votes(
    votes: Votes = None,
    out: Annotated[
        Path | None, typer.Option(help="A file, or for dpo a folder. Default: standard output.")
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="dpo: preference pairs for TRL, as a folder or one .parquet file, of votes whose "
            "conversation may be kept; answers stay in the markup of their model.",
        ),
    ] = Format.JSONL,
    human: Annotated[
        bool | None,
        typer.Option("--human/--automatic", help="Only what people judged, or the program."),
    ] = None,
) -> None:
    """Write the votes, without anything that tells who voted.

    Words, pictures, answers and remarks are in it only where the person agreed.
    """
    to_stdout = out is None or str(out) == "-"
    if to_stdout and form in (Format.PARQUET, Format.DPO):
        raise typer.BadParameter(f"{form} needs a file.", param_hint="'--out'")
    if out is not None and not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}.", param_hint="'--out'")
    with _opened(votes) as store, _bar("Exporting", " votes", store.head().seq) as bar:
        counted = _counted(edges.votes_of(store, human), bar)
        if form is Format.DPO and out is not None:
            count, left_out = edges.export_pairs(counted, out)
            reasons = ", ".join(f"{why}: {number}" for why, number in left_out.most_common())
        elif to_stdout or out is None:
            with reader_may_leave():
                edges.export_votes(counted, form.value, sys.stdout.buffer)
            return
        else:
            count, reasons = edges.export_votes_to(counted, form.value, out), ""
    print_note(f"Saved {out}: {_number(count, 'pair' if form is Format.DPO else 'vote')}.")
    if reasons:
        print_note(f"Votes that give no pair: {reasons}.")


@votes.command("import")
def import_votes(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="JSON lines, also as .gz; - reads standard input."),
    ],
    votes: Votes = None,
) -> None:
    """Add votes that others published: model_a, model_b, winner, and judge, language, turn, tstamp.

    Lines that cannot be used are reported and left out. A line that was read before counts once.
    Exit status: 0 all went in, 1 not all, 2 none.
    """
    with source_of(file) as source, _opened(votes, must_exist=False) as store:
        size = None if source is sys.stdin.buffer else os.fstat(source.fileno()).st_size
        with _bar("Importing", "B", size) as bar:
            reading, added, known = edges.import_votes(_watched(source, bar), store)
    for fault in reading.faults:
        print_note(f"Line {fault.line} is left out: {fault.why}.")
    if reading.faulty > len(reading.faults):
        print_note(f"And {reading.faulty - len(reading.faults)} more.")
    if not reading.votes:
        raise InputError(f"{file} holds no vote that can be used; lines read: {reading.read}.")
    print_note(
        f"Added {_number(added, 'vote')}. There already: {known}. Left out: {reading.faulty} "
        f"faulty, {reading.named} whose voter saw the names."
    )
    if reading.faulty:
        raise typer.Exit(NOT_ALL)


@votes.command()
def verify(
    votes: Votes = None,
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQ:LINK", help="An end of the chain that was printed earlier."),
    ] = None,
) -> None:
    """Check that no vote was changed or taken away; the exit status is 1 where one was.

    Note the head that is printed: only with it is it seen that the newest votes are missing, or
    that all were written anew.
    """
    noted = _noted(head)
    with _opened(votes) as store:
        problems, end = edges.verify(store, noted), store.head()
    for problem in problems:
        print(problem)
    print(f"votes: {end.seq - 2 * end.deletions}")
    print(f"withdrawn: {end.deletions}")
    print(f"head: {end.seq}:{end.link}")
    if problems:
        raise typer.Exit(NOT_ALL)


@votes.command()
def delete(
    votes: Votes = None,
    battle: Annotated[str, typer.Option(help="The battle whose vote goes.")] = "",
    voter: Annotated[str, typer.Option(metavar="HASH", help="Whose votes go, all of them.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete votes for good. Their places in the chain stay, so that `verify` still holds."""
    if bool(battle) == bool(voter):
        raise typer.BadParameter("give one of the two.", param_hint="'--battle' '--voter'")
    with _opened(votes) as store:
        what = f"the vote of battle {battle}" if battle else f"all votes of voter {voter}"
        if not (yes or _agreed(f"Delete {what} for good?")):
            print_note("Nothing was deleted.")
            raise typer.Exit(NOT_ALL)
        count = store.delete(battle=battle, voter=voter)
    if not count:
        raise InputError("There is no such vote.")
    print_note(f"Deleted {_number(count, 'vote')}.")


@votes.command()
def voters(votes: Votes = None, as_json_: AsJson = False) -> None:
    """List those who voted often, and how well each agrees with the others; the odd ones first.

    AGREEING of their VOTES for A or B are as most others judged, EXPECTED would be if they judged
    as the others do, LEFT are for the side on the left. ODD: how likely so little agreement is.
    """
    with _opened(votes) as store:
        reports = edges.judge_voters(store)
    if as_json_:
        sys.stdout.write(as_json([asdict(report) for report in reports]))
        return
    heading = ("VOTER", "VOTES", "AGREEING", "EXPECTED", "LEFT", "ODD", "FINDINGS")
    print(table([heading, *map(_report, reports)]))


@votes.command()
def push(votes: Votes = None, repo: Repo = None) -> None:
    """Send votes that are new to the private data set of the Hub, now."""
    with _hub_copy(votes, repo) as copy:
        print_note(f"Sent, votes and withdrawals: {copy.push()}.")


@votes.command()
def restore(votes: Votes = None, repo: Repo = None) -> None:
    """Read the data set of the Hub into a database without votes; exit status 1: not all."""
    with _hub_copy(votes, repo) as copy:
        restored = copy.restore()
    for fault in restored.faults:
        print_note(f"Left out: {fault}.")
    print_note(
        f"Restored, votes and withdrawals: {restored.kept}. With a new place in the chain: "
        f"{restored.added}. Left out: {restored.faulty}."
    )
    if restored.faulty:
        raise typer.Exit(NOT_ALL)


@contextmanager
def _hub_copy(votes: str | None, repo: str | None) -> Iterator[HubCopy]:
    settings = Settings.read({"votes": votes, "votes_repo": repo})
    if not settings.votes_repo:
        raise typer.BadParameter("name a data set, such as me/votes.", param_hint="'--repo'")
    copy = edges.open_hub_copy(settings)
    try:
        yield copy
    finally:
        copy.close()


def _report(report: VoterReport) -> tuple[str, ...]:
    return (
        report.voter,
        str(report.votes),
        str(report.agreeing),
        f"{report.expected:.1f}",
        str(report.left),
        f"{report.p_odd:.2g}",
        ", ".join(report.findings) or "-",
    )


@contextmanager
def _opened(votes: str | None, *, must_exist: bool = True) -> Iterator[VoteStore]:
    """Open the votes that are meant; asking about a misspelt file makes no new one."""
    settings = Settings.read({"votes": votes})
    if must_exist and (missing := missing_votes(settings)):
        raise typer.BadParameter(f"there is no file {missing}.", param_hint="'--votes'")
    store = edges.open_votes(settings)
    try:
        yield store
    finally:
        store.close()


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # there is nobody to ask
        return False


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    seq, _, link = head.partition(":")
    if not seq.isdecimal() or len(seq) > 18 or not link:
        raise typer.BadParameter("give SEQ:LINK as `verify` prints it.", param_hint="'--head'")
    return int(seq), link


def _bar(what: str, unit: str, total: int | None) -> tqdm[NoReturn]:
    """Show how far it is, where standard error is a terminal."""
    return tqdm(
        desc=what, total=total, unit=unit, unit_scale=unit == "B", leave=False, disable=None
    )


def _counted(items: Iterable[Item], bar: tqdm[NoReturn]) -> Iterator[Item]:
    for item in items:
        yield item
        bar.update()


def _watched(source: IO[bytes], bar: tqdm[NoReturn]) -> Iterator[bytes]:
    """Return the lines of a file; the bar follows the place in it, even if it is compressed."""
    seekable = source.seekable()
    for number, line in enumerate(edges.open_lines(source)):
        yield line
        if number % 1_000 == 0:
            bar.update(source.tell() - bar.n if seekable else len(line))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
