"""The commands about votes, in this process and as subprocesses."""

import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from support import ROOT

from vlm_demo.arena.votes.feedback import FeedbackStore
from vlm_demo.arena.votes.newcomers import Newcomer
from vlm_demo.arena.votes.opinion import Feedback
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Origin, UserTurn, Vote, Winner
from vlm_demo.cli import run
from vlm_demo.values import Task

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def vlm_demo(capfdbinary, monkeypatch, tmp_path):
    """Run the command line in this process, with votes of its own."""
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = run(["votes", *map(str, arguments)])
        return Outcome(status, *(stream.decode() for stream in capfdbinary.readouterr()))

    return run_it


def a_vote(battle="b1", **changes):
    vote = Vote(
        battle=battle,
        a=Contender(model="m1", outputs=("no",)),
        b=Contender(model="m2", outputs=("yes",)),
        winner=Winner.B,
        task=Task.VQA,
        language="en",
        parameters={},
        began_at=NOW,
        ended_at=NOW,
        voted_at=NOW,
        voter="alice",
        conversation=(UserTurn(text="is it red?", images=(PNG,)),),
    )
    return replace(vote, **changes)


@pytest.fixture
def kept(tmp_path):
    """Three votes in votes.db, one of them by the program."""
    store = VoteStore(str(tmp_path / "votes.db"))
    store.add_all(
        [
            a_vote(),
            a_vote("b2", voter="bob", conversation=(), winner=Winner.TIE),
            a_vote("b3", voter="", origin=Origin.AUTOMATIC, conversation=()),
        ]
    )
    yield store
    store.close()


def row(**changes):
    return json.dumps({"model_a": "m1", "model_b": "m2", "winner": "model_a"} | changes) + "\n"


def test_export_to_standard_output(vlm_demo, kept):
    outcome = vlm_demo("export")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.status == 0
    assert [row["winner"] for row in rows] == ["model_b", "tie", "model_b"]
    assert "alice" not in outcome.out
    assert vlm_demo("export", "--out", "-", "--format", "csv").out.count("\r\n") == 4


@pytest.mark.parametrize(("flag", "battles"), [("--human", ["b1", "b2"]), ("--automatic", ["b3"])])
def test_export_people_or_program(vlm_demo, kept, flag, battles):
    lines = vlm_demo("export", flag).out.splitlines()
    assert [json.loads(line)["battle"] for line in lines] == battles


def test_export_to_files(vlm_demo, kept, tmp_path):
    for form in ("jsonl", "csv", "parquet"):
        outcome = vlm_demo("export", "--format", form, "--out", f"votes.{form}")
        assert (outcome.status, outcome.out) == (0, "")
        assert "3 votes" in outcome.err
    assert pq.read_table(tmp_path / "votes.parquet").num_rows == 3
    assert sorted(path.name for path in tmp_path.iterdir() if "votes.db" not in path.name) == [
        "votes.csv",
        "votes.jsonl",
        "votes.parquet",
    ]


def test_export_preference_pairs(vlm_demo, kept, tmp_path):
    outcome = vlm_demo("export", "--format", "dpo", "--out", "pairs")
    assert outcome.status == 0
    assert "1 pair." in outcome.err and "without consent: 2" in outcome.err
    [line] = (tmp_path / "pairs" / "preferences.jsonl").read_text().splitlines()
    pair = json.loads(line)
    assert pair["chosen"][0]["content"][0]["text"] == "yes"
    assert (tmp_path / "pairs" / pair["images"][0]).read_bytes() == PNG
    vlm_demo("export", "--format", "dpo", "--out", "pairs.parquet")
    assert pq.read_table(tmp_path / "pairs.parquet").num_rows == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("export", "--format", "parquet"), "--out"),
        (("export", "--format", "dpo", "--out", "-"), "--out"),
        (("export", "--out", "nowhere/votes.jsonl"), "no folder nowhere"),
        (("export", "--votes", "misspelt.db"), "no file misspelt.db"),
        (("export", "--votes", "sqlite:///misspelt.db"), "no file misspelt.db"),
        (("export", "--votes", "mysql://x/y"), "PostgreSQL"),
        (("verify", "--votes", "misspelt.db"), "no file misspelt.db"),
        (("verify", "--head", "7"), "SEQ:LINK"),
        (("delete", "--yes"), "--battle"),
        (("delete", "--yes", "--battle", "b1", "--voter", "alice"), "--battle"),
        (("delete", "--yes", "--battle", "nobody's"), "no such vote"),
        (("import", "nowhere.jsonl"), "cannot be read"),
        (("import", "."), "cannot be read"),
        (("push",), "--repo"),
        (("restore",), "--repo"),
    ],
)
def test_bad_input_is_one_line(vlm_demo, kept, tmp_path, arguments, part):
    outcome = vlm_demo(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("Error: ") and outcome.err.count("\n") == 1
    assert part in outcome.err
    assert not (tmp_path / "misspelt.db").exists()


def test_a_file_that_is_no_database_is_said(vlm_demo, tmp_path):
    (tmp_path / "votes.db").write_bytes(b"this is no database" * 100)
    outcome = vlm_demo("export", "--out", "x.jsonl")
    assert outcome.status == 2 and "not a database" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["votes.db"]


def test_an_export_that_breaks_off_leaves_no_file(vlm_demo, kept, tmp_path, monkeypatch):
    (tmp_path / "x.jsonl").write_text("old")
    monkeypatch.setattr("vlm_demo.arena.votes.store.PAGE", 1)
    read = VoteStore.read

    def gone_after_the_first(self):
        for seq, vote in read(self):
            yield seq, vote
            (tmp_path / "votes.db").unlink(missing_ok=True)

    monkeypatch.setattr(VoteStore, "read", gone_after_the_first)
    outcome = vlm_demo("export", "--out", "x.jsonl")
    assert outcome.status == 2 and "cannot be reached" in outcome.err
    assert (tmp_path / "x.jsonl").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_import_adds_votes_once(vlm_demo, tmp_path):
    (tmp_path / "given.jsonl").write_text(row(judge="x") + row() + row())
    outcome = vlm_demo("import", "given.jsonl", "--votes", "new.db")
    assert outcome.status == 0 and "Added 3 votes." in outcome.err
    outcome = vlm_demo("import", "given.jsonl", "--votes", "new.db")
    assert outcome.status == 0
    assert "Added 0 votes. Already there: 3." in outcome.err


def test_import_reports_what_it_leaves_out(vlm_demo, tmp_path):
    text = row() + "half a li\n" + row(winner="me") + row(anony=False) + row(model_b="m3")
    (tmp_path / "given.jsonl").write_text(text)
    outcome = vlm_demo("import", "given.jsonl")
    assert outcome.status == 1
    assert "Line 2 is left out: not JSON" in outcome.err
    assert "Line 3 is left out: winner" in outcome.err
    assert "Added 2 votes" in outcome.err and "2 faulty, 1 whose" in outcome.err


def test_import_of_nothing_that_can_be_used(vlm_demo, tmp_path):
    (tmp_path / "given.jsonl").write_bytes(bytes(range(256)) * 50)
    outcome = vlm_demo("import", "given.jsonl")
    assert outcome.status == 2 and "no vote that can be used" in outcome.err
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert vlm_demo("import", "empty.jsonl").status == 2


def test_import_from_gzip_and_standard_input(vlm_demo, tmp_path):
    (tmp_path / "given.jsonl.gz").write_bytes(gzip.compress(row(judge="a").encode()))
    assert "Added 1 vote." in vlm_demo("import", "given.jsonl.gz").err
    assert "Added 1 vote." in vlm_demo("import", "-", stdin=row(judge="b").encode()).err


def test_an_export_imports_into_the_same_counts(vlm_demo, kept, tmp_path):
    vlm_demo("export", "--out", "x.jsonl")
    assert "Added 3 votes." in vlm_demo("import", "x.jsonl", "--votes", "other.db").err
    other = VoteStore(str(tmp_path / "other.db"))

    def counts(store):
        return [cell[:2] + cell[3:] for cell in store.count_pairs()]  # all but the origin

    assert sorted(counts(other)) == sorted(counts(kept))
    other.close()
    assert "Already there: 3." in vlm_demo("import", "x.jsonl").err


def test_verify_says_what_is_there(vlm_demo, kept):
    kept.delete(battle="b2")
    end = kept.head()
    outcome = vlm_demo("verify")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "votes: 2",
        "withdrawn: 1",
        f"head: {end.seq}:{end.link}",
    ]
    assert vlm_demo("verify", "--head", f"{end.seq}:{end.link}").status == 0


def test_verify_finds_what_was_done_to_the_votes(vlm_demo, kept, tmp_path):
    import sqlite3

    end = kept.head()
    outcome = vlm_demo("verify", "--head", f"{end.seq}:{'0' * 64}")
    assert outcome.status == 1
    outcome = vlm_demo("verify", "--head", f"{end.seq + 1}:{end.link}")
    assert outcome.status == 1 and str(end.seq + 1) in outcome.out
    kept.close()
    database = sqlite3.connect(tmp_path / "votes.db")
    database.execute("UPDATE votes SET winner = 'a' WHERE seq = 2")
    database.commit()
    database.close()
    outcome = vlm_demo("verify")
    assert outcome.status == 1
    assert "Vote 2" in outcome.out.splitlines()[0]


def test_delete_a_battle_or_a_voter(vlm_demo, kept):
    assert vlm_demo("delete", "--battle", "b2", "--yes").status == 0
    assert [vote.battle for _, vote in kept.read()] == ["b1", "b3"]
    outcome = vlm_demo("delete", "--voter", "alice", stdin=b"y\n")
    assert outcome.status == 0 and "Deleted 1 vote." in outcome.err
    assert [vote.battle for _, vote in kept.read()] == ["b3"]
    assert vlm_demo("verify").status == 0


@pytest.mark.parametrize("answer", [b"n\n", b""])
def test_delete_asks_first(vlm_demo, kept, answer):
    outcome = vlm_demo("delete", "--battle", "b1", stdin=answer)
    assert outcome.status == 1 and "Nothing was deleted." in outcome.err
    assert kept.get("b1") is not None


def test_voters_lists_the_odd_ones_first(vlm_demo, kept):
    votes = [
        a_vote(
            f"{voter}{number}",
            voter=voter,
            winner=Winner.A if voter == "mallory" else Winner.B,
            voted_at=NOW + timedelta(seconds=number),
            conversation=(),
        )
        for voter in ("alice", "bob", "carol", "mallory")
        for number in range(20)
    ]
    kept.add_all(votes)
    outcome = vlm_demo("voters")
    assert outcome.status == 0
    heading, first, *others = outcome.out.splitlines()
    assert heading.split()[:3] == ["VOTER", "VOTES", "AGREEING"]
    assert first.startswith("mallory") and "contrary" in first
    assert len(others) == 3
    listed = json.loads(vlm_demo("voters", "--json").out)
    assert listed[0]["voter"] == "mallory" and listed[0]["agreeing"] == 0


def test_voters_lists_crowds_of_new_voters_from_one_address(vlm_demo, kept):
    for number in range(7):
        voted_at = NOW + timedelta(seconds=number)
        vote = a_vote(f"n{number}", voter=f"new-{number}", voted_at=voted_at, conversation=())
        kept.add(vote, Newcomer("an address", number > 4, 1.0))
    *_, heading, crowd = vlm_demo("voters").out.splitlines()
    assert heading.split() == [
        "NEW",
        "VOTERS",
        "FROM",
        "VOTERS",
        "VOTES",
        "WEIGHT",
        "IN",
        "BURSTS",
        "FIRST",
        "LAST",
    ]
    assert crowd.split()[:6] == ["an", "address", "7", "7", "7.0", "2"]
    listed = json.loads(vlm_demo("voters", "--json").out)
    assert (listed[-1]["address"], listed[-1]["voters"]) == ("an address", 7)


def test_feedback_lists_flags_alone_where_it_is_asked_to(vlm_demo, kept, tmp_path):
    with closing(FeedbackStore(str(tmp_path / "votes.db"))) as store:
        for verdict in ("up", "flag"):
            store.add(Feedback(f"turn-{verdict}", "v", "one", "chat", verdict, "why", NOW))
    assert len(json.loads(vlm_demo("feedback", "--json").out)) == 2
    (flag,) = json.loads(vlm_demo("feedback", "--flagged", "--json").out)
    assert (flag["answer"], flag["verdict"]) == ("turn-flag", "flag")


def test_push_and_restore_without_a_network_are_one_line(vlm_demo, kept):
    for command in ("push", "restore"):
        outcome = vlm_demo(command, "--repo", "me/votes", "--votes", f"{command}.db")
        assert outcome.status == 2
        assert outcome.err.startswith("Error: The data set me/votes failed")
        assert outcome.err.count("\n") == 1


def command(*arguments):
    return [sys.executable, "-m", "vlm_demo", "votes", *map(str, arguments)]


def test_a_reader_who_has_enough_is_no_error(kept, tmp_path):
    kept.add_all(a_vote(f"many{number}", conversation=()) for number in range(2_000))
    process = subprocess.Popen(
        command("export", "--votes", tmp_path / "votes.db"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert json.loads(process.stdout.readline())["model_a"] == "m1"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_the_votes_may_come_from_the_environment(kept, tmp_path):
    done = subprocess.run(
        command("verify"),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"VLM_DEMO_VOTES": f"sqlite:///{tmp_path / 'votes.db'}"},
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout.startswith("votes: 3\n")
