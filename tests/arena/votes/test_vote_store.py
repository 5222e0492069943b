"""How votes are stored, counted and withdrawn."""

import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from support.databases import FIRST_VOTE, MODELS, random_votes, some_vote

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, UserTurn, Vote, Winner
from vlm_demo.errors import InputError, SettingsError, VotedAlreadyError
from vlm_demo.values import Task


@pytest.fixture
def store(votes_url):
    with closing(VoteStore(votes_url)) as store:
        yield store


@pytest.fixture
def small(tmp_path):
    """A store of SQLite, for what does not depend on the database."""
    with closing(VoteStore(str(tmp_path / "votes.db"))) as store:
        yield store


FULL_VOTE = Vote(
    battle="all-fields",
    a=Contender(
        model="left", revision="abc", engine="local bf16", outputs=("one", "två\n\0\ud800")
    ),
    b=Contender(model="right", revision="def", engine="remote", outputs=("", "<box>")),
    winner=Winner.BOTH_BAD,
    boxes=Winner.TIE,
    task=Task.GROUNDING,
    language="ja",
    parameters={"temperature": 0.1, "max_new_tokens": 7, "stop": ["\n"]},
    seed=-3,
    prompt_hash="p" * 64,
    image_hash="q" * 64,
    turns=2,
    began_at=datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=9))),
    ended_at=FIRST_VOTE,
    voted_at=FIRST_VOTE + timedelta(microseconds=1),
    voter="someone",
    tags=("clearer", "日本"),
    comment="Zwölf Boxkämpfer 🥊 'quoted'; DROP TABLE votes",
    origin=Origin.IMPORTED,
    exclusion=Exclusion.IDENTITY,
    weight=1 / 3,
    conversation=(
        UserTurn(text="What is this?", images=(b"\x89PNG\0one", b"")),
        UserTurn(text="And now?"),
        UserTurn(text="", images=(b"three",)),
    ),
)


def test_a_vote_comes_back_as_it_was_given(store):
    store.add(FULL_VOTE)
    store.add(some_vote("plain"))

    assert store.get("all-fields") == FULL_VOTE
    assert list(store.read()) == [(1, FULL_VOTE), (2, some_vote("plain"))]
    assert store.get("no such battle") is None


def test_signs_that_a_database_cannot_hold_are_replaced(store):
    store.add(
        some_vote(
            "odd", comment="a\0b\ud800c", conversation=(UserTurn(text="x\0y"),), language="d\0e"
        )
    )

    kept = store.get("odd")

    assert (kept.comment, kept.language) == ("a\ufffdb?c", "d\ufffde")
    assert kept.conversation == (UserTurn(text="x\ufffdy"),)
    assert store.verify() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": float("nan")},
        {"weight": -0.1},
        {"weight": 1.5},
        {"seed": 1 << 63},
        {"a": Contender(model="m" * 201)},
        {"voter": "v" * 201},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(small, changes):
    with pytest.raises(InputError, match="cannot be saved"):
        small.add_all([some_vote("good"), some_vote("bad", **changes)])

    assert small.head().seq == 0


def test_the_longest_names_of_any_script_are_kept(store):
    long = "\U00020000" * 200
    vote = some_vote(
        long,
        a=Contender(model=long),
        b=Contender(model=long[:-1] + "b"),
        voter=long,
        language=long,
        prompt_hash=long,
        image_hash=long,
    )

    store.add(vote)

    assert store.get(long) == vote


def test_a_battle_has_one_vote(store):
    assert store.add(some_vote("b", winner=Winner.A)) == 1

    with pytest.raises(VotedAlreadyError, match="voted on already"):
        store.add(some_vote("b", winner=Winner.B))

    assert store.get("b").winner is Winner.A
    assert store.add(some_vote("c")) == 2  # the refused one left no gap


def test_the_database_itself_enforces_one_vote_a_battle(store, votes_url):
    store.add(some_vote("b"))
    url = votes_url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url if "://" in url else f"sqlite:///{url}")
    copy = "INSERT INTO votes (seq, battle, digest, link) VALUES (2, 'b', '', '')"

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(copy))
    engine.dispose()


def test_of_votes_at_the_same_moment_on_one_battle_one_counts(store):
    def vote(number):
        with suppress(VotedAlreadyError):
            return store.add(some_vote("b", voter=f"voter-{number}"))
        return None

    with ThreadPoolExecutor(16) as threads:
        places = list(threads.map(vote, range(16)))

    assert Counter(places) == {1: 1, None: 15}
    assert [vote.voter for _, vote in store.read()] == [f"voter-{places.index(1)}"]


def test_many_at_once_get_places_without_gaps(store, votes_url):
    def vote(number):
        if number % 8:
            return store.add(some_vote(f"b{number}"))
        with closing(VoteStore(votes_url)) as another:  # as another program would have
            return another.add(some_vote(f"b{number}"))

    with ThreadPoolExecutor(32) as threads:
        places = list(threads.map(vote, range(96)))

    assert sorted(places) == list(range(1, 97))
    assert {vote.battle: seq for seq, vote in store.read()} == {
        f"b{number}": seq for number, seq in enumerate(places)
    }
    assert store.verify() == []


def test_a_new_file_that_another_writes_is_waited_for(tmp_path):
    file = tmp_path / "votes.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # before the file has its write-ahead log
        threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
        with closing(VoteStore(str(file))) as store:
            assert store.add(some_vote("b1")) == 1


def test_many_are_added_once_each(store):
    votes = random_votes(5_000)

    assert store.add_all(votes[:10]) == (10, 0)
    assert store.add_all(iter([*votes, votes[20]])) == (4_990, 11)

    assert [vote for _, vote in store.read()] == votes
    assert store.verify() == []


def test_a_source_that_breaks_off_leaves_whole_votes(small):
    def source():
        yield from random_votes(5_500)
        raise RuntimeError("the file ends here")

    with pytest.raises(RuntimeError):
        small.add_all(source())

    assert len(list(small.read())) == small.head().seq == 5_000
    assert small.verify() == []


def test_votes_are_read_from_a_place_on_and_of_one_voter(store):
    votes = random_votes(1_200)
    store.add_all(votes)

    assert [seq for seq, _ in store.read(after=1_190)] == list(range(1_191, 1_201))
    assert list(store.read(after=1_200)) == []
    of_one = [vote for _, vote in store.read(voter="voter-3")]
    assert of_one == [vote for vote in votes if vote.voter == "voter-3"] != []


def test_reading_may_stop_at_any_vote_and_others_write_meanwhile(store):
    store.add_all(random_votes(600))
    reading = store.read()

    first = list(islice(reading, 2))
    store.add(some_vote("meanwhile"))

    assert [seq for seq, _ in first] == [1, 2]
    assert [seq for seq, _ in reading] == list(range(3, 602))


def expected_cells(votes):
    """Count votes by the words of what a cell is."""
    sums, rows = {}, Counter()
    for vote in votes:
        if vote.exclusion:
            continue
        a, b = vote.a.model, vote.b.model
        for boxes, winner in ((False, vote.winner), (True, vote.boxes)):
            if winner is None:
                continue
            best = {Winner.A: a, Winner.B: b}.get(winner)
            first, second = sorted([a, b])
            place = 2 if best is None else [first, second].index(best)
            key = (vote.task, vote.language, vote.origin, boxes, 0, first, second)
            sums.setdefault(key, [0.0, 0.0, 0.0])[place] += vote.weight
            rows[key] += 1
    return sorted((*key, *sums[key], rows[key], "other") for key in sums)


@pytest.fixture
def mixed():
    votes = random_votes(1_000, seed=3)
    for index in range(0, 1_000, 7):
        votes[index] = replace(votes[index], exclusion=Exclusion.REPEAT)
    for index in range(0, 1_000, 9):
        votes[index] = replace(votes[index], origin=Origin.AUTOMATIC)
    return votes


def test_cells_sum_what_votes_say(store, mixed):
    store.add_all(mixed)

    assert sorted(store.count_pairs()) == expected_cells(mixed)
    assert sorted(store.count_pairs(after=900)) == expected_cells(mixed[900:])
    assert sorted(store.count_pairs(until=300)) == expected_cells(mixed[:300])
    assert sorted(store.count_pairs(after=300, until=900)) == expected_cells(mixed[300:900])
    of_one = [vote for vote in mixed if vote.voter == "voter-1"]
    assert sorted(store.count_pairs(voter="voter-1")) == expected_cells(of_one)
    assert sorted(store.count_pairs(after=500, voter="voter-1")) == expected_cells(
        [vote for vote in mixed[500:] if vote.voter == "voter-1"]
    )


def test_cells_leave_out_what_was_withdrawn(store, mixed):
    store.add_all(mixed)

    store.delete(voter="voter-2")

    left = [vote for vote in mixed if vote.voter != "voter-2"]
    assert sorted(store.count_pairs()) == expected_cells(left)
    assert store.count_pairs(voter="voter-2") == []


def test_counting_reads_the_index_and_counting_what_is_new_reads_only_that(small, mixed):
    """Without either, a million votes make each look at a board take seconds."""
    small.add_all(mixed)
    plans = []

    @event.listens_for(Engine, "before_cursor_execute")
    def explain(connection, cursor, statement, parameters, context, many):
        if "GROUP BY" in statement:
            plan = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(plan.fetchall()[0][-1])

    try:
        small.count_pairs()
        small.count_pairs(until=900)
        small.count_pairs(after=900)
        small.count_pairs(after=900, until=950)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)

    assert ["COVERING INDEX votes_rated" in plan for plan in plans] == [True, True, False, False]
    assert ["INTEGER PRIMARY KEY" in plan for plan in plans] == [False, False, True, True]


def test_an_empty_store_has_nothing(store):
    assert list(store.read()) == store.count_pairs() == store.verify() == []
    assert store.head()[0::2] == (0, 0)
    assert store.add_all([]) == (0, 0)
    assert store.delete(voter="nobody") == store.count_cast_since(FIRST_VOTE) == 0


def test_recent_votes_of_people_here_are_counted(store):
    for minutes, voter, origin in (
        (0, "x", Origin.HERE),
        (10, "x", Origin.HERE),
        (20, "y", Origin.HERE),
        (30, "", Origin.AUTOMATIC),
        (30, "", Origin.IMPORTED),
    ):
        when = FIRST_VOTE + timedelta(minutes=minutes)
        store.add(some_vote(f"{voter}{origin}{minutes}", voted_at=when, voter=voter, origin=origin))

    assert store.count_cast_since(FIRST_VOTE) == 3
    assert store.count_cast_since(FIRST_VOTE + timedelta(minutes=10)) == 2
    assert store.count_cast_since(FIRST_VOTE, "x") == 2
    assert store.count_cast_since(FIRST_VOTE + timedelta(minutes=11), "x") == 0


def test_the_same_question_is_found_again(store):
    ab = {"a": Contender(model="m"), "b": Contender(model="n")}
    store.add(some_vote("1", prompt_hash="p", image_hash="q", voter="x", **ab))
    store.add(some_vote("2", prompt_hash="p", image_hash="q", voter="y", **ab))
    store.add(some_vote("3", prompt_hash="p", image_hash="other", voter="x", **ab))

    assert store.count_repeats("p", "q") == 2
    assert store.count_repeats("p", "") == 0
    assert store.has_judged("x", ("n", "m"), "p", "q")
    assert not store.has_judged("x", ("n", "o"), "p", "q")
    assert not store.has_judged("z", ("n", "m"), "p", "q")
    assert not store.has_judged("y", ("n", "m"), "p", "other")


def test_a_withdrawn_vote_is_gone_but_its_place_stays(store):
    store.add_all([some_vote("1", voter="x"), some_vote("2", voter="y"), some_vote("3", voter="x")])

    assert store.delete(voter="x") == 2
    assert store.delete(voter="x") == 0

    assert [(seq, vote.battle) for seq, vote in store.read()] == [(2, "2")]
    assert store.get("1") is None
    assert (store.head().seq, store.head().deletions) == (5, 2)
    assert store.count_cast_since(FIRST_VOTE, "x") == 0
    assert store.add(some_vote("4")) == 6
    assert store.verify() == []


def test_a_withdrawn_vote_does_not_come_back(store):
    store.add(some_vote("b"))
    assert store.delete(battle="b") == 1

    with pytest.raises(VotedAlreadyError):
        store.add(some_vote("b"))
    assert store.add_all([some_vote("b"), some_vote("c")]) == (1, 1)

    assert [vote.battle for _, vote in store.read()] == ["c"]


def test_nobody_deletes_everything_by_leaving_out_whose(small):
    small.add(some_vote("b", voter=""))

    with pytest.raises(InputError, match="whose votes"):
        small.delete()

    assert small.get("b") is not None


def secret_vote(number):
    """A vote all of whose words say SECRET."""
    side = Contender(model="SECRET-m", revision="SECRET-r", outputs=(f"SECRET-o{number}",) * 9)
    return some_vote(
        f"battle-{number}",
        a=side,
        b=replace(side, model="SECRET-n"),
        voter="SECRET-v",
        comment="SECRET-c",
        prompt_hash=f"SECRET-p{number}",
        image_hash=f"SECRET-q{number}",
        tags=("SECRET-t",),
        parameters={"SECRET": number},
        conversation=(UserTurn(text=f"SECRET-w{number}", images=(b"SECRET-f" * 2_000,)),),
    )


def traces(folder: Path):
    """Where a file of the database still says SECRET."""
    return {
        file.name: file.read_bytes().count(b"SECRET")
        for file in folder.iterdir()
        if b"SECRET" in file.read_bytes()
    }


def test_what_was_withdrawn_is_gone_from_the_files(small, tmp_path):
    others = random_votes(100)
    for number, other in enumerate(others):
        small.add(other)
        small.add(secret_vote(number))
    assert traces(tmp_path)

    assert small.delete(voter="SECRET-v") == 100

    assert traces(tmp_path) == {}
    assert [vote for _, vote in small.read()] == others
    assert small.verify() == []


def test_what_was_withdrawn_is_gone_from_a_server(postgres_url):
    store = VoteStore(postgres_url)
    store.add_all([secret_vote(0), *random_votes(3)])

    store.delete(battle="battle-0")
    store.close()

    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        for table in ("votes", "turns", "pictures"):
            rows = connection.execute(text(f"SELECT CAST({table} AS text) FROM {table}"))
            assert "SECRET" not in str(rows.all())
    engine.dispose()


def test_a_closed_store_opens_again_when_it_is_used(store):
    store.add(some_vote("1"))
    store.close()

    assert store.add(some_vote("2")) == 2


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        ("mysql://root@localhost/votes", "SQLite or PostgreSQL"),
        ("postgresql+psycopg2://localhost/votes", "SQLite or PostgreSQL"),
        ("://", "not valid"),
        (":memory:", "need a file"),
        ("sqlite://", "need a file"),
        ("", "need a file"),
    ],
)
def test_other_places_for_votes_are_refused(votes, words):
    with pytest.raises(SettingsError, match=words):
        VoteStore(votes)


def test_both_ways_to_name_a_file_mean_the_same(tmp_path):
    with closing(VoteStore(str(tmp_path / "votes.db"))) as by_name:
        by_name.add(some_vote("b"))

    with closing(VoteStore(f"sqlite:///{tmp_path}/votes.db")) as by_url:
        assert by_url.get("b") == some_vote("b")


def test_models_are_in_the_order_of_their_names_in_cells(small):
    small.add(some_vote("1", a=Contender(model=MODELS[1]), b=Contender(model=MODELS[0])))

    (cell,) = small.count_pairs()

    assert (cell.model_a, cell.model_b) == tuple(sorted(MODELS[:2]))
    assert (cell.wins_a, cell.wins_b, cell.ties, cell.votes) == (1, 0, 0, 1)
