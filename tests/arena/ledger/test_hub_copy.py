"""The copy of the votes on the Hub, beside a stand-in for the Hub that needs no network."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from httpx2 import ConnectError
from huggingface_hub import CommitOperationAdd, HfApi
from support import ROOT

from vlm_demo.arena.ledger.hub_copy import HubCopy
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, UserTurn, Vote, Winner
from vlm_demo.errors import VotesError
from vlm_demo.values import Task

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_vote(battle, **changes):
    vote = Vote(
        battle=battle,
        a=Contender(model="left", revision="abc", engine="local", outputs=(f"one {battle}",)),
        b=Contender(model="right", outputs=("two",)),
        winner=Winner.A,
        task=Task.VQA,
        language="en",
        parameters={"temperature": 0.5},
        began_at=NOW,
        ended_at=NOW,
        voted_at=NOW,
        voter="hash-of-alice",
        comment=f"remark {battle}",
        conversation=(UserTurn(text=f"words {battle}", images=(PNG,)),),
    )
    return replace(vote, **changes)


class Hub(HfApi):
    """A data set in memory: a list of commits, each all files by name."""

    def __init__(self):
        super().__init__(token=False)
        self.commits: list[dict[str, bytes]] = [{".gitattributes": b""}]
        self.private = None  # there is no data set yet
        self.broken: Exception | None = None
        self.before_commit = lambda: None
        self.number = 0

    @property
    def files(self):
        return self.commits[-1]

    @property
    def text(self):
        """All that anybody can still find in it."""
        return b"".join(file for commit in self.commits for file in commit.values()).decode()

    @property
    def sha(self):
        return f"{self.number}-{len(self.commits)}"

    def create_repo(self, repo_id, *, repo_type=None, private=None, exist_ok=False, **_):
        self._answer()
        assert repo_type == "dataset" and exist_ok
        if self.private is None:
            self.private = bool(private)
        return SimpleNamespace(repo_id=repo_id)

    def dataset_info(self, repo_id, **_):
        self._answer()
        return SimpleNamespace(private=self.private, sha=self.sha)

    def list_repo_files(self, repo_id, *, repo_type, revision, **_):
        self._answer()
        assert revision == self.sha
        return sorted(self.files)

    def hf_hub_download(self, repo_id, filename, *, repo_type, revision, local_dir, **_):
        self._answer()
        path = Path(local_dir, filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.files[filename])
        return str(path)

    def create_commit(
        self, repo_id, operations, *, commit_message, repo_type, parent_commit=None, **_
    ):
        self._answer()
        self.before_commit()
        if parent_commit != self.sha:
            raise OSError("412 Precondition Failed: the branch has moved.")
        files = dict(self.files)
        for operation in operations:
            if isinstance(operation, CommitOperationAdd):
                files[operation.path_in_repo] = operation.path_or_fileobj
            else:
                del files[operation.path_in_repo]
        self.commits.append(files)
        return SimpleNamespace(oid=self.sha)

    def super_squash_history(self, repo_id, *, repo_type, **_):
        self._answer()
        self.commits = [self.files]
        self.number += 1

    def _answer(self):
        if self.broken:
            raise self.broken


@dataclass
class Boot:
    """One life of a Space: a disk that is lost with it."""

    path: Path
    hub: Hub

    def __post_init__(self):
        self.store = VoteStore(str(self.path))
        self.copy = HubCopy(str(self.path), "me/votes", minutes=1_000, api=self.hub)

    def battles(self):
        return [vote.battle for _, vote in self.store.read()]

    def end(self):
        self.copy.close()
        self.store.close()


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def boot(tmp_path, hub):
    boots = []

    def make():
        boots.append(Boot(tmp_path / f"{len(boots)}.db", hub))
        return boots[-1]

    yield make
    for each in boots:
        each.end()


def parts(hub):
    return [name for name in sorted(hub.files) if name.startswith("votes/")]


def test_a_restored_database_is_the_same_and_verifies(boot, hub):
    first = boot()
    first.store.add_all([a_vote("b1"), a_vote("b2", conversation=()), a_vote("b3")])
    first.store.delete(battle="b2")
    assert first.copy.push() == 4
    assert hub.private is True

    second = boot()
    restored = second.copy.restore()
    assert (restored.restored, restored.appended, restored.faulty) == (4, 0, 0)
    assert second.store.head() == first.store.head()
    assert list(second.store.read()) == list(first.store.read())
    assert second.store.verify(first.store.head()) == []
    with pytest.raises(VotesError, match="already"):
        second.copy.restore()


def test_only_what_is_new_is_sent(boot, hub):
    one = boot()
    one.store.add(a_vote("b1"))
    assert one.copy.push() == 1
    assert one.copy.push() == 0
    commits = len(hub.commits)
    one.store.add(a_vote("b2"))
    assert one.copy.push() == 1
    assert len(hub.commits) == commits + 1
    assert len(parts(hub)) == 1  # a short part grows
    other = boot()
    other.copy.restore()
    assert other.battles() == ["b1", "b2"]


def test_long_chains_are_cut_into_parts(boot, hub, monkeypatch):
    monkeypatch.setattr("vlm_demo.arena.ledger.hub_dataset.PART_BYTES", 3_000)
    monkeypatch.setattr("vlm_demo.arena.ledger.hub_copy.PART_BYTES", 3_000)
    one = boot()
    one.store.add_all(a_vote(f"b{number}") for number in range(30))
    one.copy.push()
    names = parts(hub)
    assert len(names) > 5
    one.store.add(a_vote("late"))
    one.copy.push()
    assert set(names[:-1]) < set(parts(hub))  # the old ones are left alone
    other = boot()
    assert other.copy.restore().restored == 31
    assert other.store.head() == one.store.head()


def test_withdrawn_votes_vanish_from_the_data_set_and_its_history(boot, hub, monkeypatch):
    monkeypatch.setattr("vlm_demo.arena.ledger.hub_dataset.PART_BYTES", 1_500)
    monkeypatch.setattr("vlm_demo.arena.ledger.hub_copy.PART_BYTES", 1_500)
    one = boot()
    one.store.add_all(a_vote(f"b{number}") for number in range(8))
    one.store.add(a_vote("other", voter="hash-of-bob"))
    one.copy.push()
    assert "words b3" in hub.text and "hash-of-alice" in hub.text
    one.store.delete(voter="hash-of-alice")
    one.copy.push()
    for gone in ("words b3", "one b3", "remark b3", "hash-of-alice"):
        assert gone not in hub.text
    assert "hash-of-bob" in hub.text
    other = boot()
    other.copy.restore()
    assert other.battles() == ["other"]
    assert other.store.head() == one.store.head()
    assert other.store.verify() == []
    assert other.store.add_all([a_vote("b3")]) == (0, 1)  # a withdrawn vote does not come back


def test_the_squash_that_failed_is_made_up_for(boot, hub, monkeypatch):
    one = boot()
    one.store.add_all([a_vote("b1"), a_vote("b2")])
    one.copy.push()
    one.store.delete(battle="b1")
    squash = hub.super_squash_history
    monkeypatch.setattr(hub, "super_squash_history", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        one.copy.push()
    assert "words b1" in hub.text
    monkeypatch.setattr(hub, "super_squash_history", squash)
    one.copy.push()
    assert "words b1" not in hub.text


def damaged(hub, change):
    """Change the lines of the only part."""
    [name] = parts(hub)
    lines = hub.files[name].splitlines(keepends=True)
    hub.commits.append(hub.files | {name: b"".join(change(lines))})


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:60]], ["b0", "b1", "b2", "b3"]),
        (lambda lines: [*lines[:2], b"not JSON\n", *lines[3:]], ["b0", "b1", "b3", "b4"]),
        (lambda lines: [*lines[:2], b'{"vote": 3}\n', *lines[3:]], ["b0", "b1", "b3", "b4"]),
        (
            lambda lines: (
                [lines[0], lines[1].replace(b'"winner": "a"', b'"winner": "b"'), *lines[2:]]
            ),
            ["b0", "b2", "b3", "b4"],
        ),
    ],
)
def test_broken_lines_are_reported_and_the_rest_is_used(boot, hub, change, left):
    one = boot()
    one.store.add_all(a_vote(f"b{number}") for number in range(5))
    one.copy.push()
    damaged(hub, change)
    other = boot()
    restored = other.copy.restore()
    assert restored.faulty == 1
    assert "line" in restored.faults[0]
    assert other.battles() == left
    assert other.store.verify() == []
    other.copy.push()  # from now on the data set says what the database says
    third = boot()
    assert third.copy.restore().faulty == 0
    assert third.store.head() == other.store.head()


def test_two_lives_that_overlap_lose_no_vote(boot, hub):
    """A Space starts anew while its last run still takes votes."""
    old = boot()
    old.store.add_all([a_vote("b1"), a_vote("b2")])
    old.copy.push()
    new = boot()
    new.copy.restore()
    old.store.add_all([a_vote("old1"), a_vote("old2")])
    new.store.add(a_vote("new1"))
    new.store.delete(battle="b1")
    new.copy.push()
    old.copy.push()
    assert sorted(old.battles()) == ["b2", "new1", "old1", "old2"]
    third = boot()
    third.copy.restore()
    assert sorted(third.battles()) == ["b2", "new1", "old1", "old2"]
    assert third.store.verify() == []
    assert "words b1" not in hub.text


def test_a_commit_in_between_is_not_overwritten(boot, hub):
    one, two = boot(), boot()
    one.store.add(a_vote("b1"))
    two.store.add(a_vote("b2"))

    def meanwhile():
        hub.before_commit = lambda: None
        two.copy.push()

    hub.before_commit = meanwhile
    with pytest.raises(VotesError, match="moved"):
        one.copy.push()
    one.copy.push()
    third = boot()
    third.copy.restore()
    assert sorted(third.battles()) == ["b1", "b2"]


def test_a_public_data_set_gets_nothing(boot, hub):
    hub.private = False
    one = boot()
    one.store.add(a_vote("b1"))
    with pytest.raises(VotesError, match="private"):
        one.copy.push()
    assert parts(hub) == []


def test_start_restores_sends_and_sends_once_more_at_the_end(boot, hub):
    one = boot()
    one.copy.start()
    one.store.add(a_vote("b1"))
    one.end()
    other = boot()
    other.copy.start()
    assert other.battles() == ["b1"]
    other.store.add(a_vote("b2"))
    other.copy._schedule.trigger().result()
    third = boot()
    third.copy.restore()
    assert third.battles() == ["b1", "b2"]


def test_without_the_hub_votes_are_kept_here_and_it_is_said_once(boot, hub, caplog):
    caplog.set_level(logging.WARNING, "vlm_demo")
    hub.broken = ConnectError("no route to the Hub")
    one = boot()
    one.copy.start()
    one.store.add(a_vote("b1"))
    one.copy._connect()
    one.copy._connect()
    said = [
        record.message
        for record in caplog.records
        if record.name == "vlm_demo.arena.ledger.hub_copy"
    ]
    assert len(said) == 1 and "no route" in said[0]
    hub.broken = None
    one.copy._connect()  # the network is back
    one.copy.close()
    assert "words b1" in hub.text


def test_a_push_that_fails_is_said_once_and_made_up_for(boot, hub, caplog):
    one = boot()
    one.copy.start()
    one.store.add(a_vote("b1"))
    hub.broken = OSError("503 the Hub is down")
    one.copy._schedule.trigger().result()
    one.copy._schedule.trigger().result()
    said = [
        record.message
        for record in caplog.records
        if record.name == "vlm_demo.arena.ledger.hub_copy"
    ]
    assert len(said) == 1 and "503" in said[0]
    hub.broken = None
    one.copy._schedule.trigger().result()
    assert "words b1" in hub.text


def test_the_real_client_offline_is_no_error(tmp_path, caplog):
    copy = HubCopy(str(tmp_path / "votes.db"), "me/votes", minutes=1_000)
    copy.start()
    assert "me/votes" in caplog.text
    with pytest.raises(VotesError, match="me/votes"):
        copy.push()
    copy.close()


@pytest.fixture(autouse=True)
def _sigterm_as_before():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.services
def test_sigterm_sends_what_is_new(tmp_path):
    program = textwrap.dedent(f"""
        import sys, time
        sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(ROOT / "tests")!r}]
        from test_hub_copy import Boot, Hub, Path, a_vote, parts

        hub = Hub()
        boot = Boot(Path({str(tmp_path / "votes.db")!r}), hub)
        boot.copy.start()
        boot.store.add(a_vote("b1"))
        try:
            print("ready", flush=True)
            time.sleep(120)
        finally:
            print(len(parts(hub)), "words b1" in hub.text, flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == "1 True\n"
    assert process.returncode == 128 + signal.SIGTERM
