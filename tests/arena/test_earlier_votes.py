"""A database, a part of the Hub copy and hashes of an earlier version are still valid.

The version that had all of the arena in one folder wrote the files: seven votes, two of which were
withdrawn.
"""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import ROOT

from vlm_demo.arena.interchange.vote_export import VoteFileFormat, export_votes
from vlm_demo.arena.ledger.entries import from_line, to_line
from vlm_demo.arena.ledger.ledger import Ledger
from vlm_demo.arena.ledger.rebuild import LedgerRebuild
from vlm_demo.arena.ratings.leaderboards import Leaderboards
from vlm_demo.arena.votes.chain import ChainHead
from vlm_demo.arena.votes.fingerprints import hash_images, hash_questions
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Selection
from vlm_demo.arena.votes.voters import hash_voter
from vlm_demo.values import Box, Point, Request, Task

FILES = ROOT / "tests" / "data" / "earlier_versions"
EXPECTED: dict[str, Any] = json.loads((FILES / "arena_votes.json").read_text(encoding="utf-8"))
LINES = (FILES / "arena_votes.jsonl").read_bytes().splitlines(keepends=True)
HEAD = ChainHead(*EXPECTED["head"])


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(shutil.copy(FILES / "arena_votes.sqlite", tmp_path / "votes.db"))


@pytest.fixture
def store(database: str) -> Iterator[VoteStore]:
    with closing(VoteStore(database)) as store:
        yield store


def test_the_chain_is_the_same_and_verifies(store: VoteStore) -> None:
    assert store.head() == HEAD
    assert store.verify(HEAD) == []


def test_the_votes_count_as_before(store: VoteStore) -> None:
    assert sorted(list(count[:-1]) for count in store.count_pairs()) == EXPECTED["cells"]
    assert [list(count[:-1]) for count in store.count_pairs_by_period(Selection(), 60)] == EXPECTED[
        "history"
    ]
    assert [
        {name: getattr(model, name) for name in EXPECTED["board"][0]}
        for model in Leaderboards(store).leaderboard().models
    ] == EXPECTED["board"]


def test_the_votes_are_exported_as_before(store: VoteStore) -> None:
    file = io.BytesIO()
    export_votes((vote for _, vote in store.read()), VoteFileFormat.JSONL, file)
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    # The columns of later versions stand behind those that there were.
    assert [row.pop("category") for row in rows] == [""] * len(rows)
    assert [row | {"judge": bool(row["judge"])} for row in rows] == EXPECTED["export"]
    assert [list(row) for row in rows] == [list(row) for row in EXPECTED["export"]]


def test_voters_and_questions_are_recognised(store: VoteStore) -> None:
    """Somebody who voted with the earlier version is the same person, and so is what was asked."""
    assert hash_voter("s" * 64, "login alice") == EXPECTED["voters"]["alice"]
    assert store.delete(voter=EXPECTED["voters"]["alice"]) == 3
    picture = Image.new("RGB", (6, 4), "red")
    region, point = (Box(0.1, 0.2, 0.3, 0.4),), (Point(0.25, 0.5),)
    assert EXPECTED["hashes"] == {
        "words": hash_questions([Request(Task.CHAT, "what is it?", (picture,))]),
        "region": hash_questions([Request(Task.DESCRIBE_REGION, "", regions=region)]),
        "turns": hash_questions([Request(Task.CHAT, "a"), Request(Task.CHAT, "b", regions=point)]),
        "pictures": hash_images([picture]),
    }


def test_new_votes_and_withdrawals_continue_the_chain(store: VoteStore) -> None:
    vote = store.get("battle-1")
    assert vote is not None
    assert store.delete(battle="battle-1") == 1
    assert store.head().seq == HEAD.seq + 1
    assert store.add_all([vote]) == (0, 1)  # a battle whose vote was withdrawn gets no other one
    assert store.verify(HEAD) == []


def test_a_part_of_the_hub_copy_is_written_as_before_and_restores_the_database(
    store: VoteStore, database: str, tmp_path: Path
) -> None:
    with closing(Ledger(database)) as ledger:
        entries = list(ledger.entries(after=0, until=HEAD.seq))
    assert [to_line(entry) for entry in entries] == LINES
    empty = str(tmp_path / "restored.db")
    with closing(VoteStore(empty)) as restored, closing(Ledger(empty)) as ledger:
        LedgerRebuild(ledger, restored).add(map(from_line, LINES))
        assert restored.head() == HEAD
        assert restored.verify(HEAD) == []
        assert list(restored.read()) == list(store.read())
