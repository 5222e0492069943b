"""Databases that are busy, full, gone, foreign, or older or newer than the program."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from support import ROOT
from support.databases import random_votes, running_server, some_vote

from vlm_demo.arena.votes import database
from vlm_demo.arena.votes.migrations import runner
from vlm_demo.arena.votes.schema import metadata
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import UserTurn
from vlm_demo.errors import VotedAlreadyError, VotesError


@pytest.fixture
def impatient(monkeypatch):
    """Wait less for others than people would."""
    monkeypatch.setattr(database, "WAIT_S", 0.3)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "votes.db"


@pytest.fixture
def kept(file):
    """A store that holds a vote."""
    with closing(VoteStore(str(file))) as store:
        store.add(some_vote("first"))
        yield store


def engine_of(url):
    url = url.replace("postgresql:", "postgresql+psycopg:")
    return create_engine(url if "://" in url else f"sqlite:///{url}")


# Opening.


def test_nothing_is_touched_before_it_is_used(file):
    store = VoteStore(str(file))
    assert not file.exists()

    store.head()

    assert file.exists()
    store.close()


def test_a_new_database_has_the_tables_that_the_program_knows(votes_url):
    with closing(VoteStore(votes_url)) as store:
        store.head()
    engine = engine_of(votes_url)

    with engine.connect() as connection:
        options = {"version_table": runner.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)

    engine.dispose()
    assert differences == []


def test_sqlite_is_set_up_to_lose_nothing(kept):
    with kept._database.write_transaction() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "secure_delete": 1,
    }


OPEN = """
import sys
from vlm_demo.arena.votes.store import VoteStore
sys.path.insert(0, "tests")
from support.databases import some_vote
store = VoteStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(store.add(some_vote(sys.argv[2])))
"""


def test_programs_that_open_a_new_database_at_the_same_moment_all_succeed(votes_url):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, votes_url, f"battle-{number}"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()

    said = [child.communicate(timeout=60) for child in children]

    assert sorted(out for out, _ in said) == ["1\n", "2\n", "3\n", "4\n"], said
    with closing(VoteStore(votes_url)) as store:
        assert store.verify() == []


def test_stores_of_one_program_open_new_databases_at_the_same_moment(tmp_path):
    def opened(number):
        with closing(VoteStore(str(tmp_path / f"{number % 3}.db"))) as store:
            return store.add(some_vote(f"battle-{number}"))

    with ThreadPoolExecutor(12) as threads:
        places = list(threads.map(opened, range(12)))

    assert sorted(places) == sorted([1, 2, 3, 4] * 3)


NEXT = '''"""One more column."""
import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"


def upgrade():
    op.add_column("votes", sa.Column("mood", sa.Text))
'''


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """Make this program its next version, until `undo` of what is returned is called."""
    scripts = tmp_path / "migrations"
    shutil.copytree(runner._SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "v6_mood.py").write_text(NEXT)
    with monkeypatch.context() as patched:
        patched.setattr(runner, "_SCRIPTS", scripts)
        yield patched


def test_an_older_database_is_brought_up_to_date(votes_url, request):
    votes = [some_vote("talk", conversation=(UserTurn(text="hello"),)), *random_votes(20)]
    with closing(VoteStore(votes_url)) as old:
        old.add_all(votes)
    request.getfixturevalue("next_version")

    with closing(VoteStore(votes_url)) as store:
        assert [vote for _, vote in store.read()] == votes
        assert store.add(some_vote("new")) == 22
        assert store.verify() == []  # the column of the new version changed no old digest

    engine = engine_of(votes_url)
    with engine.connect() as connection:
        moods = connection.exec_driver_sql("SELECT count(*) FROM votes WHERE mood IS NULL")
        assert moods.scalar() == 22
    engine.dispose()


def test_a_newer_database_is_refused_and_left_alone(votes_url, next_version):
    with closing(VoteStore(votes_url)) as newer:
        newer.add(some_vote("first"))
    next_version.undo()

    with (
        closing(VoteStore(votes_url)) as store,
        pytest.raises(VotesError, match="newer version of this program"),
    ):
        store.add(some_vote("second"))


@pytest.mark.parametrize("table", ["places", "votes", "alembic_version"])
def test_a_database_of_another_program_is_refused_and_left_alone(votes_url, table):
    engine = engine_of(votes_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {table} (version_num TEXT)")
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('theirs')")

    with closing(VoteStore(votes_url)) as store:
        for _ in range(2):
            with pytest.raises(VotesError, match="belongs to another program"):
                store.add(some_vote("first"))

    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
    engine.dispose()
    assert rows == [("theirs",)]


@pytest.mark.parametrize("content", [b"These are my notes, not a database. " * 200, b"\0" * 9000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(file, content):
    file.write_bytes(content)

    with (
        closing(VoteStore(str(file))) as store,
        pytest.raises(VotesError, match="not a database"),
    ):
        store.head()

    assert file.read_bytes() == content


@pytest.mark.parametrize("name", [".", "no-such-folder/votes.db"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name):
    with (
        closing(VoteStore(str(tmp_path / name))) as store,
        pytest.raises(VotesError, match="cannot be reached"),
    ):
        store.head()


# Busy.


def test_another_program_that_writes_is_waited_for_and_then_blamed(impatient, kept, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(VotesError, match="votes database is busy"):
        kept.add(some_vote("second"))

    assert kept.get("first") is not None  # reading goes on
    assert kept.count_pairs()[0].votes == 1
    other.execute("ROLLBACK")
    other.close()
    assert kept.add(some_vote("second")) == 2


def test_a_vote_is_kept_when_the_other_is_done_in_time(kept, file):
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
    ending.start()

    assert kept.add(some_vote("second")) == 2

    ending.join()
    other.close()


def test_a_server_whose_chain_is_held_is_busy(impatient, postgres_url):
    with closing(VoteStore(postgres_url)) as store:
        store.add(some_vote("first"))
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM head FOR UPDATE")
            with pytest.raises(VotesError, match="busy"):
                store.add(some_vote("second"))
            assert store.get("first") is not None

        assert store.add(some_vote("second")) == 2


def test_those_who_wait_too_long_within_the_program_are_told(impatient, kept, file):
    with kept._database.write_transaction(), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(kept.add, some_vote("second"))
        with pytest.raises(VotesError, match="busy"):
            waiting.result()

    assert kept.add(some_vote("second")) == 2


# Full.


def test_a_full_database_takes_nothing_by_halves_and_recovers(kept):
    pages = {"limit": 60}

    @event.listens_for(Engine, "connect")
    def limit(connection, record):
        connection.execute(f"PRAGMA max_page_count = {pages['limit']}")

    kept.close()
    big = some_vote("big", conversation=(UserTurn(text="look", images=(b"x" * 1_000_000,)),))
    try:
        with pytest.raises(VotesError, match="the disk is full"):
            kept.add(big)
        assert [seq for seq, _ in kept.read()] == [1]
        pages["limit"] = 1_000_000
        kept.close()
        assert kept.add(big) == 2
    finally:
        event.remove(Engine, "connect", limit)
    assert kept.get("big") == big
    assert kept.verify() == []


def test_a_disk_that_takes_no_more_is_named(kept):
    big = some_vote("big", conversation=(UserTurn(text="look", images=(b"x" * 1_000_000,)),))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(VotesError, match="it may be full or missing"):
            kept.add(big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert kept.get("big") is None
    assert kept.verify() == []
    assert kept.add(big) == 2


# Gone.


def test_a_file_that_is_gone_is_missed_and_found_again(kept, file, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    for part in tmp_path.glob("votes.db*"):
        part.rename(away / part.name)

    for _ in range(2):  # and is not made anew, which would hide that votes are missing
        with pytest.raises(VotesError, match="when it is back"):
            kept.add(some_vote("second"))
        with pytest.raises(VotesError, match="cannot be reached"):
            kept.count_pairs()
    assert not file.exists()

    for part in away.iterdir():
        part.rename(tmp_path / part.name)
    assert kept.add(some_vote("second")) == 2
    assert kept.verify() == []


def test_another_file_in_its_place_is_used_from_then_on(kept, file, tmp_path):
    with closing(VoteStore(str(tmp_path / "backup.db"))) as backup:
        backup.add_all(random_votes(3))
    for part in tmp_path.glob("votes.db*"):
        part.unlink()
    (tmp_path / "backup.db").rename(file)

    assert kept.add(some_vote("second")) == 4
    assert [seq for seq, _ in VoteStore(str(file)).read()] == [1, 2, 3, 4]


def test_a_vote_is_not_acknowledged_if_the_file_goes_while_it_is_written(kept, file):
    @event.listens_for(Engine, "commit")
    def remove(connection):
        file.unlink(missing_ok=True)

    try:
        with pytest.raises(VotesError, match="cannot be reached"):
            kept.add(some_vote("second"))
    finally:
        event.remove(Engine, "commit", remove)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_only_be_read_can_be_read(kept, file):
    kept.close()
    file.chmod(0o444)

    assert kept.get("first") is not None
    with pytest.raises(VotesError, match="read-only"):
        kept.add(some_vote("second"))


def test_a_server_that_may_only_be_read_can_be_read(postgres_url):
    with closing(VoteStore(postgres_url)) as store:
        store.add(some_vote("first"))
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = postgres_url.rpartition("/")[2]
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with closing(VoteStore(postgres_url)) as store:
        assert store.get("first") is not None
        with pytest.raises(VotesError, match="read-only"):
            store.add(some_vote("second"))


def test_a_server_that_went_away_is_found_again(postgres):
    """On a server of its own: others use the shared one at the same time."""
    with (
        running_server(postgres.programs) as server,
        closing(VoteStore(server.new_database())) as store,
    ):
        store.add(some_vote("first"))
        server.stop()

        for _ in range(2):
            with pytest.raises(VotesError, match="cannot be reached"):
                store.add(some_vote("second"))
        with pytest.raises(VotesError, match="cannot be reached"):
            store.count_pairs()

        server.start()
        assert store.add(some_vote("second")) == 2
        assert store.verify() == []


def test_a_server_that_ends_a_connection_loses_no_later_vote(postgres_url, postgres):
    with closing(VoteStore(postgres_url)) as store:
        store.add(some_vote("first"))
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
            name = postgres_url.rpartition("/")[2]
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

        assert store.add(some_vote("second")) == 2


def test_a_server_that_refuses_says_why_in_the_log(postgres, caplog):
    with (
        closing(VoteStore(postgres.url("nothing"))) as store,
        pytest.raises(VotesError, match="cannot be reached"),
    ):
        store.head()

    assert 'database "nothing" does not exist' in caplog.text


def test_what_people_wrote_is_in_no_error_and_no_log(impatient, kept, file, caplog):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(VotesError) as raised:
        kept.add(some_vote("second", comment="my secret", voter="somebody"))

    other.close()
    said = caplog.text + str(raised.value) + str(raised.value.__cause__)
    assert "database is locked" in caplog.text
    assert "my secret" not in said
    assert "somebody" not in said


def test_a_second_vote_is_no_fault_of_the_database(kept, caplog):
    with pytest.raises(VotedAlreadyError):
        kept.add(some_vote("first"))

    assert caplog.text == ""
