"""Changes behind the program's back are found, and named by their position."""

import hashlib
import json
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from support.databases import random_votes, some_vote

from vlm_demo.arena.votes.chain import ChainHead
from vlm_demo.arena.votes.schema import ERASED_COLUMNS, metadata
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Exclusion, UserTurn, Winner


@pytest.fixture
def store(votes_url):
    """Places 1 to 8 are votes; 9 and 10 withdraw the votes of 3 and 6; 11 is a vote."""
    with closing(VoteStore(votes_url)) as store:
        talk = (UserTurn(text="what?", images=(b"picture",)), UserTurn(text="where?"))
        for number, vote in enumerate(random_votes(8), 1):
            if number == 2:  # with something in every column
                vote = replace(
                    vote, conversation=talk, seed=7, boxes=Winner.B, exclusion=Exclusion.REPEAT
                )
            store.add(vote)
        for battle in ("battle-0-2", "battle-0-5"):
            store.delete(battle=battle)
        store.add(some_vote("last"))
        yield store


@pytest.fixture
def tamper(store, votes_url):
    """Run SQL as somebody who may write to the database, and minds no foreign key."""
    url = votes_url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url if "://" in url else f"sqlite:///{url}")

    def run(*statements, **values):
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement), values)

    yield run
    engine.dispose()


@pytest.fixture
def row(votes_url):
    """Read one row of the votes as it is."""

    def read(seq):
        url = votes_url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url if "://" in url else f"sqlite:///{url}")
        with engine.connect() as connection:
            found = connection.execute(text(f"SELECT * FROM votes WHERE seq = {seq}"))
            values = dict(found.mappings().one())
        engine.dispose()
        return values

    return read


def misplaced(place):
    return f"Vote {place} does not fit what comes before it"


def test_an_honest_chain_verifies(store):
    assert store.verify() == []
    assert store.verify(store.head()) == []


def test_an_end_that_was_noted_fits_when_more_has_come(store):
    noted = store.head()
    store.add_all(random_votes(5, seed=1))
    store.delete(voter="voter-1")

    assert store.verify(noted) == []


def test_anybody_can_compute_the_links(store, row):
    """By the words of the documentation, with nothing of the program."""

    def sha256(text):
        return hashlib.sha256(text.encode()).hexdigest()

    previous = "0" * 64
    for seq in (1, 2):
        values = row(seq)
        link, digest = values.pop("link"), values.pop("digest")
        del values["seq"]
        content = {name: value for name, value in values.items() if value is not None}
        assert digest == sha256(json.dumps(content, sort_keys=True, separators=(",", ":")))
        assert link == sha256(f"{previous} {seq} {digest}")
        previous = link


VOTE_COLUMNS = [column.name for column in metadata.tables["votes"].columns if column.name != "seq"]


def test_a_change_to_any_column_of_a_vote_is_found(store, tamper, row):
    for column in VOTE_COLUMNS:
        before = row(2)[column]
        after = before + 1 if isinstance(before, int | float) else f"{before or ''}x"

        tamper(f"UPDATE votes SET {column} = :after WHERE seq = 2", after=after)
        assert any("Vote 2 " in problem for problem in store.verify()), column

        tamper(f"UPDATE votes SET {column} = :before WHERE seq = 2", before=before)
    assert store.verify() == []


def test_emptying_any_column_of_a_vote_is_found(store, tamper, row):
    for column in ERASED_COLUMNS:
        before = row(2)[column]
        assert before is not None

        tamper(f"UPDATE votes SET {column} = NULL WHERE seq = 2")
        assert "Vote 2 was changed." in store.verify(), column

        tamper(f"UPDATE votes SET {column} = :before WHERE seq = 2", before=before)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE withdrawals SET made_at = made_at + 1 WHERE seq = 9",
            ["Withdrawal 9 was changed."],
        ),
        ("UPDATE turns SET text = 'who?' WHERE turn = 1", ["Vote 2 has a changed conversation"]),
        ("UPDATE pictures SET place = 3", None),
        ("DELETE FROM turns WHERE turn = 1", ["Vote 2 has a changed conversation"]),
        ("DELETE FROM pictures", ["Vote 2 has a changed conversation"]),
        ("INSERT INTO turns VALUES (5, 0, 'made up')", ["Vote 5 has a conversation that nobody"]),
        ("INSERT INTO turns VALUES (3, 0, 'it was')", ["Vote 3 has a conversation that nobody"]),
        ("UPDATE votes SET comment = 'again' WHERE seq = 3", ["Vote 3 was withdrawn, but not"]),
        ("UPDATE head SET deletions = 1", ["says that 1 votes were withdrawn, but 2 are on"]),
        ("UPDATE head SET link = 'x'", ["head of the chain does not fit its last entry, 11"]),
        ("UPDATE head SET seq = 13", ["Positions 12 to 13 are empty"]),
        ("UPDATE head SET seq = 10", ["head of the chain says 10, but it goes on to 11"]),
        ("DELETE FROM head", ["head of the chain is missing"]),
    ],
)
def test_what_is_changed_around_the_votes_is_found(store, tamper, statement, said):
    tamper(statement)

    problems = store.verify()

    if said is None:  # the order of the pictures within a turn is the same
        assert problems == []
    else:
        assert len(problems) == len(said)
        assert all(words in problem for words, problem in zip(said, problems, strict=True))


EMPTY = "UPDATE votes SET " + ", ".join(f"{name} = NULL" for name in ERASED_COLUMNS)


def test_a_vote_that_was_emptied_without_a_record_is_found(store, tamper):
    tamper(f"{EMPTY} WHERE seq = 5")

    assert store.verify() == ["Vote 5 was erased, but no withdrawal is on record."]


def test_a_record_of_a_withdrawal_that_was_made_up_is_found(store, tamper):
    tamper(
        f"{EMPTY} WHERE seq = 5",
        "INSERT INTO withdrawals VALUES (12, 5, 0, 'x', 'x')",
        "UPDATE head SET seq = 12, link = 'x', deletions = 3",
    )

    problems = store.verify()

    assert problems[0] == "Withdrawal 12 was changed."
    assert "Withdrawal 12 does not fit what comes before it" in problems[1]


def test_a_withdrawal_that_was_taken_back_is_found(store, tamper):
    tamper("DELETE FROM withdrawals WHERE seq = 9")

    assert store.verify() == [
        "Vote 3 was erased, but no withdrawal is on record.",
        "Position 9 is empty: an entry is missing.",
        "The head of the chain says that 2 votes were withdrawn, but 1 are on record.",
    ]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("seq = 1", ["Position 1 is empty: an entry is missing."]),
        ("seq = 7", ["Position 7 is empty: an entry is missing."]),
        ("seq BETWEEN 4 AND 5", ["Positions 4 to 5 are empty: an entry is missing."]),
        ("seq = 11", ["Position 11 is empty: an entry is missing."]),
        ("seq IN (4, 8)", [f"Position {n} is empty: an entry is missing." for n in (4, 8)]),
    ],
)
def test_missing_votes_are_found(store, tamper, where, said):
    tamper(f"DELETE FROM votes WHERE {where}")

    assert store.verify() == said


def test_votes_that_changed_places_are_found(store, tamper):
    tamper(
        "UPDATE votes SET seq = 100 WHERE seq = 4",
        "UPDATE votes SET seq = 4 WHERE seq = 5",
        "UPDATE votes SET seq = 5 WHERE seq = 100",
    )

    problems = store.verify()

    assert [misplaced(4) in problems[0], misplaced(5) in problems[1]] == [True, True]


def forged(values, previous, seq):
    """Digest and link as the program would have given them."""
    content = {
        name: value
        for name, value in values.items()
        if value is not None and name not in ("seq", "digest", "link")
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest, hashlib.sha256(f"{previous} {seq} {digest}".encode()).hexdigest()


def test_a_changed_vote_with_a_new_digest_is_found_by_its_link(store, tamper, row):
    digest, _ = forged(row(4) | {"winner": "tie"}, row(2)["link"], 4)

    tamper("UPDATE votes SET winner = 'tie', digest = :digest WHERE seq = 4", digest=digest)

    (problem,) = store.verify()
    assert misplaced(4) in problem


def test_a_changed_vote_with_a_new_digest_and_link_is_found_by_the_next(store, tamper, row):
    digest, link = forged(row(4) | {"comment": "!"}, row(3)["link"], 4)

    tamper(
        "UPDATE votes SET comment = '!', digest = :digest, link = :link WHERE seq = 4",
        digest=digest,
        link=link,
    )

    (problem,) = store.verify()
    assert misplaced(5) in problem


def test_a_vote_that_was_put_at_the_end_is_found(store, tamper, row):
    """Even with a fitting link, as long as the head is as it was."""
    end = row(11)
    digest, link = forged(end | {"battle": "made-up"}, end["link"], 12)
    names = ", ".join(VOTE_COLUMNS)
    new = names.replace("battle", "'made-up'").replace("digest", ":digest").replace("link", ":link")

    tamper(
        f"INSERT INTO votes (seq, {names}) SELECT 12, {new} FROM votes WHERE seq = 11",
        digest=digest,
        link=link,
    )

    assert store.verify() == ["The head of the chain says 11, but it goes on to 12."]


def test_a_vote_in_the_place_of_a_withdrawal_is_found(store, tamper):
    tamper("INSERT INTO votes (seq, battle, digest, link) VALUES (9, 'b', 'x', 'x')")

    problems = store.verify()

    assert any("9 has a position that is taken" in problem for problem in problems)


def test_a_chain_that_was_written_anew_is_found_by_the_end_that_was_noted(store, votes_url, tamper):
    noted = store.head()
    tamper(
        *(f"DELETE FROM {name}" for name in ("pictures", "turns", "withdrawals", "votes")),
        "UPDATE head SET seq = 0, link = :first, deletions = 0",
        first="0" * 64,
    )
    store.add_all(random_votes(noted.seq, seed=9))
    assert store.verify() == []  # by itself it is sound

    assert store.verify(noted) == ["The chain up to 11 is not the one that was noted."]


def test_an_end_that_was_cut_off_with_the_head_is_found_by_the_end_that_was_noted(store, tamper):
    noted = store.head()
    tamper(
        "DELETE FROM votes WHERE seq = 11",
        "UPDATE head SET seq = 10, link = (SELECT link FROM withdrawals WHERE seq = 10)",
    )
    assert store.verify() == []

    assert store.verify(noted) == ["The chain ends at 10, but was noted to reach 11."]
    assert store.verify(ChainHead(3, "not this one", 0)) == [
        "The chain up to 3 is not the one that was noted."
    ]


def test_a_long_list_of_problems_is_cut(votes_url):
    with closing(VoteStore(votes_url)) as store:
        store.add_all(random_votes(1_500))
        with store._database.write_transaction() as connection:
            connection.execute(text("UPDATE votes SET winner = :tie"), {"tie": Winner.TIE.value})

        problems = store.verify()

    ties = sum(vote.winner is Winner.TIE for vote in random_votes(1_500))
    assert len(problems) == 1_001
    assert problems[-1] == f"{1_500 - ties - 1_000} more problems are not listed."
