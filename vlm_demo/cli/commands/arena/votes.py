"""The commands about votes: export, import, verify, delete, and copies on the Hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from tqdm import tqdm

from vlm_demo.cli import lazy
from vlm_demo.cli.exit_codes import PARTIAL
from vlm_demo.cli.options import JsonOutput, Votes, VotesRepo, missing_votes_file
from vlm_demo.cli.streams import open_input, tolerate_closed_output
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.errors import InputError
from vlm_demo.settings import Settings

if TYPE_CHECKING:
    from vlm_demo.arena.ledger.hub_copy import HubCopy
    from vlm_demo.arena.ratings.agreement import VoterReport
    from vlm_demo.arena.votes.newcomers import Crowd
    from vlm_demo.arena.votes.store import VoteStore

Item = TypeVar("Item")

votes = typer.Typer(help="The votes of the arena: export, import, verify, delete.")


class VoteFormat(StrEnum):
    """The formats of exported votes."""

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
    vote_format: Annotated[
        VoteFormat,
        typer.Option(
            "--format",
            help="dpo: preference pairs for TRL, as a folder or one .parquet file, from votes "
            "whose conversation may be kept; answers stay in the markup of their model.",
        ),
    ] = VoteFormat.JSONL,
    human: Annotated[
        bool | None,
        typer.Option("--human/--automatic", help="Only what people judged, or the program."),
    ] = None,
) -> None:
    """Write the votes, without anything that says who voted.

    Words, pictures, answers and remarks are included only where the voter agreed.
    """
    to_stdout = out is None or str(out) == "-"
    if to_stdout and vote_format in (VoteFormat.PARQUET, VoteFormat.DPO):
        raise typer.BadParameter(f"{vote_format} needs a file.", param_hint="'--out'")
    if out is not None and not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}.", param_hint="'--out'")
    with _open_store(votes) as store, _bar("Exporting", " votes", store.head().seq) as bar:
        exported = _track(lazy.select_votes(store, human), bar)
        if vote_format is VoteFormat.DPO and out is not None:
            count, left_out = lazy.export_pairs(exported, out)
            reasons = ", ".join(f"{why}: {number}" for why, number in left_out.most_common())
        elif to_stdout or out is None:
            with tolerate_closed_output():
                lazy.export_votes(exported, vote_format.value, sys.stdout.buffer)
            return
        else:
            count, reasons = lazy.export_votes_to(exported, vote_format.value, out), ""
    noun = "pair" if vote_format is VoteFormat.DPO else "vote"
    print_note(f"Saved {out}: {_count_of(noun, count)}.")
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
    with open_input(file) as source, _open_store(votes, must_exist=False) as store:
        size = None if source is sys.stdin.buffer else os.fstat(source.fileno()).st_size
        with _bar("Importing", "B", size) as bar:
            reading, added, present = lazy.import_votes(_read_lines(source, bar), store)
    for fault in reading.faults:
        print_note(f"Line {fault.line} is left out: {fault.reason}.")
    if reading.faulty > len(reading.faults):
        print_note(f"And {reading.faulty - len(reading.faults)} more.")
    if not reading.votes:
        raise InputError(f"{file} has no vote that can be used; lines read: {reading.lines}.")
    print_note(
        f"Added {_count_of('vote', added)}. Already there: {present}. Left out: {reading.faulty} "
        f"faulty, {reading.not_anonymous} whose voter saw the names."
    )
    if reading.faulty:
        raise typer.Exit(PARTIAL)


@votes.command()
def verify(
    votes: Votes = None,
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQ:LINK", help="A head of the chain that was printed earlier."),
    ] = None,
) -> None:
    """Check that no vote was changed or removed; the exit status is 1 if one was.

    Note the head that is printed. Only an earlier head shows that the newest votes are missing, or
    that all of them were rewritten.
    """
    earlier = _parse_head(head)
    with _open_store(votes) as store:
        problems, end = lazy.verify(store, earlier), store.head()
    for problem in problems:
        print(problem)
    print(f"votes: {end.seq - 2 * end.deletions}")
    print(f"withdrawn: {end.deletions}")
    print(f"head: {end.seq}:{end.link}")
    if problems:
        raise typer.Exit(PARTIAL)


@votes.command()
def delete(
    votes: Votes = None,
    battle: Annotated[str, typer.Option(help="The battle whose vote is deleted.")] = "",
    voter: Annotated[
        str, typer.Option(metavar="HASH", help="The voter all of whose votes are deleted.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete votes for good. The chain keeps their links, so `verify` still succeeds."""
    if bool(battle) == bool(voter):
        raise typer.BadParameter("give one of the two.", param_hint="'--battle' '--voter'")
    with _open_store(votes) as store:
        what = f"the vote of battle {battle}" if battle else f"all votes of voter {voter}"
        if not (yes or _confirm(f"Delete {what} for good?")):
            print_note("Nothing was deleted.")
            raise typer.Exit(PARTIAL)
        count = store.delete(battle=battle, voter=voter)
    if not count:
        raise InputError("There is no such vote.")
    print_note(f"Deleted {_count_of('vote', count)}.")


@votes.command()
def voters(votes: Votes = None, json_output: JsonOutput = False) -> None:
    """List frequent voters and how well each agrees with the others; suspicious ones first.

    AGREEING of their VOTES for A or B are as most others judged, EXPECTED would be if they judged
    as the others do, LEFT are for the side on the left. ODD: how likely so little agreement is.
    Below them, crowds of new voters from one address (a keyed hash) in the last month.
    """
    with _open_store(votes) as store:
        reports = lazy.judge_voters(store)
        crowds = store.list_crowds()
    if json_output:
        print_json([*map(asdict, reports), *map(_crowd_to_json, crowds)])
        return
    heading = ("VOTER", "VOTES", "AGREEING", "EXPECTED", "LEFT", "ODD", "FINDINGS")
    print_table([heading, *map(_report_row, reports)])
    if crowds:
        print()
        heading = ("NEW VOTERS FROM", "VOTERS", "VOTES", "WEIGHT", "IN BURSTS", "FIRST", "LAST")
        print_table([heading, *map(_crowd_row, crowds)])


@votes.command()
def feedback(
    votes: Votes = None,
    flagged: Annotated[bool, typer.Option(help="Only the answers that visitors flagged.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """List what visitors said of single answers of Studio, the newest first."""
    settings = Settings.read({"votes": votes})
    if missing := missing_votes_file(settings):
        raise typer.BadParameter(f"there is no file {missing}.", param_hint="'--votes'")
    with closing(lazy.open_feedback(settings)) as store:
        given = [one for one in store.read() if one.verdict == "flag" or not flagged]
    if json_output:
        print_json([asdict(one) | {"given_at": one.given_at.isoformat()} for one in given])
        return
    heading = ("TIME", "VERDICT", "MODEL", "TASK", "REASON", "VOTER")
    rows = [
        (f"{one.given_at:%Y-%m-%d %H:%M}", one.verdict, one.model, one.task, one.reason, one.voter)
        for one in given
    ]
    print_table([heading, *rows])


@votes.command()
def push(votes: Votes = None, repo: VotesRepo = None) -> None:
    """Send new votes to the private data set on the Hub, now."""
    with _hub_copy(votes, repo) as copy:
        print_note(f"Sent, votes and withdrawals: {copy.push()}.")


@votes.command()
def restore(votes: Votes = None, repo: VotesRepo = None) -> None:
    """Read the data set on the Hub into a database without votes; exit status 1: not all."""
    with _hub_copy(votes, repo) as copy:
        restored = copy.restore()
    for fault in restored.faults:
        print_note(f"Left out: {fault}.")
    print_note(
        f"Restored, votes and withdrawals: {restored.restored}. With a new link in the chain: "
        f"{restored.appended}. Left out: {restored.faulty}."
    )
    if restored.faulty:
        raise typer.Exit(PARTIAL)


@contextmanager
def _hub_copy(votes: str | None, repo: str | None) -> Iterator[HubCopy]:
    settings = Settings.read({"votes": votes, "votes_repo": repo})
    if not settings.votes_repo:
        raise typer.BadParameter("name a data set, such as me/votes.", param_hint="'--repo'")
    copy = lazy.open_hub_copy(settings)
    try:
        yield copy
    finally:
        copy.close()


def _crowd_to_json(crowd: Crowd) -> dict[str, object]:
    return asdict(crowd) | {"first": crowd.first.isoformat(), "last": crowd.last.isoformat()}


def _crowd_row(crowd: Crowd) -> tuple[str, ...]:
    return (
        crowd.address,
        str(crowd.voters),
        str(crowd.votes),
        f"{crowd.weight:.1f}",
        str(crowd.burst_votes),
        f"{crowd.first:%Y-%m-%d %H:%M}",
        f"{crowd.last:%Y-%m-%d %H:%M}",
    )


def _report_row(report: VoterReport) -> tuple[str, ...]:
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
def _open_store(votes: str | None, *, must_exist: bool = True) -> Iterator[VoteStore]:
    """Open the database of votes; with `must_exist`, a misspelt file is not made."""
    settings = Settings.read({"votes": votes})
    if must_exist and (missing := missing_votes_file(settings)):
        raise typer.BadParameter(f"there is no file {missing}.", param_hint="'--votes'")
    store = lazy.open_votes(settings)
    try:
        yield store
    finally:
        store.close()


def _confirm(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # there is nobody to ask
        return False


def _parse_head(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    seq, _, link = head.partition(":")
    if not seq.isdecimal() or len(seq) > 18 or not link:
        raise typer.BadParameter("give SEQ:LINK as `verify` prints it.", param_hint="'--head'")
    return int(seq), link


def _bar(what: str, unit: str, total: int | None) -> tqdm[NoReturn]:
    """Open a progress bar, which is shown where standard error is a terminal."""
    return tqdm(
        desc=what, total=total, unit=unit, unit_scale=unit == "B", leave=False, disable=None
    )


def _track(items: Iterable[Item], bar: tqdm[NoReturn]) -> Iterator[Item]:
    for item in items:
        yield item
        bar.update()


def _read_lines(source: IO[bytes], bar: tqdm[NoReturn]) -> Iterator[bytes]:
    """Yield the lines of a file; the bar follows the position in it, even if it is compressed."""
    seekable = source.seekable()
    for number, line in enumerate(lazy.open_lines(source)):
        yield line
        if number % 1_000 == 0:
            bar.update(source.tell() - bar.n if seekable else len(line))


def _count_of(noun: str, count: int) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
