"""Votes that others published, valid and not."""

import gzip
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_demo.arena.interchange.vote_export import VoteFileFormat, export_votes
from vlm_demo.arena.interchange.vote_import import VoteReader, open_lines
from vlm_demo.arena.votes.rows import from_row, to_row
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, UserTurn, Vote, Winner
from vlm_demo.values import Task

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
ROW = {
    "model_a": "m1",
    "model_b": "m2",
    "winner": "model_a",
    "judge": "arena_user_3",
    "language": "English",
    "turn": 2,
    "tstamp": 1700000000.5,
}


def lines(*rows):
    return [json.dumps(row).encode() + b"\n" for row in rows]


def read(given):
    reading = VoteReader(NOW)
    return list(reading.read(given)), reading


def one(**changes):
    [vote], _ = read(lines(ROW | changes))
    return vote


def why(**changes):
    """Read a bad row between two good ones; return what is said of it."""
    row = {key: value for key, value in (ROW | changes).items() if value is not ...}
    votes, reading = read(lines(ROW, row, ROW))
    assert len(votes) == 2 and reading.faulty == 1
    [fault] = reading.faults
    assert fault.line == 2
    return fault.reason


@pytest.fixture
def store(tmp_path):
    store = VoteStore(str(tmp_path / "votes.db"))
    yield store
    store.close()


def test_a_row_is_read_whole():
    vote = one()
    assert (vote.a.model, vote.b.model, vote.winner) == ("m1", "m2", Winner.A)
    assert (vote.language, vote.turns, vote.task) == ("en", 2, Task.CHAT)
    assert vote.voted_at == datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
    assert vote.origin is Origin.IMPORTED
    assert "arena_user_3" not in vote.voter and len(vote.voter) == 64
    assert vote.voter == one(turn=1).voter != one(judge="arena_user_4").voter


def test_three_fields_are_enough():
    [vote], _ = read(lines({key: ROW[key] for key in ("model_a", "model_b", "winner")}))
    assert (vote.voter, vote.language, vote.turns, vote.voted_at) == ("", "", 1, NOW)


@pytest.mark.parametrize(
    ("word", "winner"),
    [
        ("model_b", Winner.B),
        ("tie", Winner.TIE),
        ("tie (bothbad)", Winner.BOTH_BAD),
        ("both_bad", Winner.BOTH_BAD),
    ],
)
def test_winners(word, winner):
    assert one(winner=word).winner is winner


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Japanese", "ja"),
        ("en", "en"),
        ("zh-Hant", "zh"),
        ("pt_BR", "pt"),
        ("unknown", ""),
        ("Klingon", "klingon"),
    ],
)
def test_languages(name, code):
    assert one(language=name).language == code


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"model_a": ...}, "model_a is missing"),
        ({"winner": ...}, "winner is missing"),
        ({"winner": "model_c"}, '"model_c"'),
        ({"winner": ["model_a"]}, "winner"),
        ({"model_b": "m1"}, "against itself"),
        ({"model_b": " m1 "}, "against itself"),
        ({"model_a": ""}, "model_a"),
        ({"model_a": 5}, "model_a"),
        ({"model_a": "x" * 1000}, "model_a"),
        ({"model_a": "a\0b"}, "model_a"),
        ({"model_a": "\ud800"}, "model_a"),
        ({"tstamp": -5}, "tstamp"),
        ({"tstamp": 1e300}, "tstamp"),
        ({"tstamp": float("nan")}, "tstamp"),
        ({"tstamp": float("inf")}, "tstamp"),
        ({"tstamp": (NOW + timedelta(days=30)).timestamp()}, "tstamp"),
        ({"tstamp": "yesterday"}, "tstamp"),
        ({"tstamp": True}, "tstamp"),
        ({"turn": 0}, "turn"),
        ({"turn": 1.5}, "turn"),
        ({"turn": 10**30}, "turn"),
        ({"language": ["en"]}, "language"),
        ({"language": "x" * 1000}, "language"),
        ({"weight": 2}, "weight"),
        ({"weight": "heavy"}, "weight"),
        ({"exclusion": "because"}, "exclusion"),
        ({"seed": 2**64}, "seed"),
        ({"outputs_a": [1]}, "outputs_a"),
        ({"battle": 7}, "battle"),
    ],
)
def test_bad_rows_are_reported_with_their_line_and_the_rest_is_read(changes, part):
    assert part in why(**changes)


@pytest.mark.parametrize(
    "line",
    [
        b"{\n",
        b'{"model_a": "m1", "mod',
        b"[]\n",
        b"null\n",
        b"7\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"turn": ' + b"9" * 5_000 + b"}\n",
    ],
)
def test_lines_that_are_no_rows_are_reported(line):
    votes, reading = read([*lines(ROW), line, *lines(ROW)])
    assert len(votes) == 2
    assert [fault.line for fault in reading.faults] == [2]


def test_a_list_of_votes_gets_advice():
    _, reading = read([json.dumps([ROW, ROW]).encode()])
    assert "jq" in reading.faults[0].reason


def test_the_first_faults_are_shown_and_all_are_counted():
    _, reading = read([b"?\n"] * 25)
    assert [fault.line for fault in reading.faults] == list(range(1, 11))
    assert (reading.faulty, reading.lines, reading.votes) == (25, 25, 0)


def test_blank_lines_and_a_byte_order_mark_are_nothing():
    votes, reading = read([b"\xef\xbb\xbf" + lines(ROW)[0], b"\n", b"   \r\n"])
    assert len(votes) == 1 and reading.faulty == 0


def test_votes_of_people_who_saw_the_names_are_left_out_and_counted():
    votes, reading = read(lines(ROW | {"anony": False}, ROW | {"anony": True}))
    assert len(votes) == 1
    assert (reading.not_anonymous, reading.faulty) == (1, 0)


def test_outputs_come_from_published_conversations():
    talk = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": [{"type": "text", "text": "more"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "no"}]},
    ]
    vote = one(conversation_a=talk, conversation_b=talk[:1])
    assert vote.a.outputs == ("hello", "no")
    assert vote.b.outputs == ()
    assert vote.conversation == ()  # the two sides were not asked the same
    vote = one(conversation_a=talk, conversation_b=talk)
    assert vote.conversation == (UserTurn(text="hi"), UserTurn(text="more"))


@pytest.mark.parametrize("talk", [7, "text", [7], [{}], [{"role": "user", "content": 5}], {"a": 1}])
def test_conversations_of_another_shape_stop_nothing(talk):
    assert one(conversation_a=talk, conversation_b=talk).a.outputs == ()


@pytest.mark.parametrize("image", ["http://x/y.png", None, 5, "bm8gcG5n"])
def test_a_picture_that_is_not_there_leaves_the_conversation_out(image):
    talk = [
        {"role": "user", "content": [{"type": "image", "image": image}]},
        {"role": "assistant", "content": "hello"},
    ]
    vote = one(conversation_a=talk, conversation_b=talk)
    assert vote.conversation == () and vote.a.outputs == ("hello",)


def test_the_same_file_twice_counts_once(store):
    same = {key: ROW[key] for key in ("model_a", "model_b", "winner")}
    given = lines(same, same, same, ROW, ROW | {"id": "x"}, ROW | {"question_id": 81})
    assert store.add_all(VoteReader(NOW).read(given)) == (6, 0)
    assert store.add_all(VoteReader(NOW).read(given)) == (0, 6)
    # Grown by one vote that says what others say, it counts that one.
    assert store.add_all(VoteReader(NOW).read([*given, *lines(same)])) == (1, 6)


def test_one_question_is_judged_by_many(store):
    given = lines(*(ROW | {"question_id": 81, "judge": f"j{number}"} for number in range(5)))
    assert store.add_all(VoteReader(NOW).read(given)) == (5, 0)


def test_a_row_with_an_id_counts_once_whatever_changed(store):
    given = lines(ROW | {"id": "x"}, ROW | {"id": "x", "tstamp": None, "winner": "tie"})
    assert store.add_all(VoteReader(NOW).read(given)) == (1, 1)


def test_compressed_lines(tmp_path):
    path = tmp_path / "votes.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(lines(ROW, ROW, ROW))))
    with path.open("rb") as file:
        votes, reading = read(open_lines(file))
    assert len(votes) == 3 and reading.faulty == 0


def test_a_compressed_file_that_is_cut_off_gives_what_it_has(tmp_path):
    rows = lines(*(ROW | {"judge": str(number)} for number in range(20_000)))
    path = tmp_path / "votes.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(rows))[:-20_000])
    with path.open("rb") as file:
        votes, reading = read(open_lines(file))
    assert 1_000 < len(votes) < 20_000
    assert "damaged or cut off" in reading.faults[-1].reason


def test_an_endless_line_is_one_fault(monkeypatch):
    monkeypatch.setattr("vlm_demo.arena.interchange.vote_import.MAX_LINE_BYTES", 1_000)
    file = io.BufferedReader(io.BytesIO(b"x" * 5_500 + b"\n" + lines(ROW)[0]))
    votes, reading = read(open_lines(file))
    assert len(votes) == 1
    assert [(fault.line, "longer" in fault.reason) for fault in reading.faults] == [(1, True)]


def varied_votes():
    for number in range(60):
        origin = Origin.AUTOMATIC if number % 5 == 0 else Origin.HERE
        yield Vote(
            battle=f"b{number}",
            a=Contender(model=f"m{number % 4}", outputs=("x",), engine="local"),
            b=Contender(model=f"m{number % 4 + 1}", outputs=("y",)),
            winner=list(Winner)[number % 4],
            boxes=Winner.A if number % 3 == 0 else None,
            task=list(Task)[number % 5],
            language=("en", "ja", "")[number % 3],
            parameters={"temperature": number / 10},
            seed=number,
            turns=1 + number % 2,
            began_at=NOW - timedelta(days=number),
            ended_at=NOW - timedelta(days=number) + timedelta(seconds=1),
            voted_at=NOW - timedelta(days=number) + timedelta(seconds=2),
            voter="" if origin is Origin.AUTOMATIC else f"hash{number % 7}",
            origin=origin,
            exclusion=Exclusion.IDENTITY if number % 11 == 0 else None,
            weight=1 / (1 + number % 3),
            conversation=(UserTurn(text="q", images=(PNG,)),) if number % 2 else (),
        )


def test_an_export_that_is_imported_gives_the_same_counts(store, tmp_path):
    store.add_all(varied_votes())
    file = io.BytesIO()
    export_votes((vote for _, vote in store.read()), VoteFileFormat.JSONL, file)
    other = VoteStore(str(tmp_path / "other.db"))
    reading = VoteReader(NOW)
    assert other.add_all(reading.read(file.getvalue().splitlines(keepends=True))) == (60, 0)

    def counts(store):
        human = (Origin.HERE, Origin.IMPORTED)
        cells = [
            cell._replace(origin="human" if cell.origin in human else "program")
            for cell in store.count_pairs()
        ]
        return sorted(cells)

    assert counts(other) == counts(store)
    for (_, before), (_, after) in zip(store.read(), other.read(), strict=True):
        assert after.voted_at.date() == before.voted_at.date()
        kept = before.conversation or before.origin is Origin.AUTOMATIC
        expected = replace(
            before,
            voter=after.voter,
            origin=Origin.AUTOMATIC if before.origin is Origin.AUTOMATIC else Origin.IMPORTED,
            a=before.a if kept else replace(before.a, outputs=()),
            b=before.b if kept else replace(before.b, outputs=()),
        )
        assert after == expected
        assert bool(after.voter) == bool(before.voter)
    # Into the database that it came from, it brings nothing new.
    again = VoteReader(NOW).read(file.getvalue().splitlines(keepends=True))
    assert store.add_all(again) == (0, 60)
    other.close()


@pytest.mark.thorough
@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_read_without_a_crash(given_lines):
    votes, reading = read(given_lines)
    assert reading.lines == reading.votes + reading.not_anonymous + reading.faulty
    assert len(votes) == reading.votes


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "image"]), inner)
    ),
    max_leaves=6,
)


@pytest.mark.thorough
@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *(*ROW, "id", "battle", "task", "weight", "origin", "exclusion", "boxes_winner"),
                *("conversation_a", "conversation_b", "outputs_a", "parameters", "tags"),
                *("comment", "seed", "began_at", "prompt_hash", "revision_b"),
            ]
        ),
        _JSON,
    )
)
def test_any_values_are_read_or_reported(changes):
    votes, reading = read(lines(ROW | changes))
    assert len(votes) + reading.faulty + reading.not_anonymous == 1
    for vote in votes:
        assert from_row(to_row(vote)).winner is vote.winner  # it can be kept
