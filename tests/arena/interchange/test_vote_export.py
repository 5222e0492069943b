"""Votes written as JSON lines, CSV, Parquet and preference pairs."""

import csv
import errno
import io
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from vlm_demo.arena.interchange.preference_pairs import PreferencePairs, write_folder, write_parquet
from vlm_demo.arena.interchange.vote_export import SCHEMA, VoteFileFormat, export_votes
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, UserTurn, Vote, Winner
from vlm_demo.errors import FileError
from vlm_demo.files.atomic_file import atomic_folder, atomic_write
from vlm_demo.values import Task

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SECRET = ("what is my name?", "a remark", "You are Alice.", "Alice, I see.", "hash-of-alice")
VOTE = Vote(
    battle="b1",
    a=Contender(model="m1", revision="r1", engine="local bf16", outputs=("You are Alice.",)),
    b=Contender(model="m2", outputs=("Alice, I see.",)),
    winner=Winner.BOTH_BAD,
    boxes=Winner.B,
    task=Task.GROUNDING,
    language="en",
    parameters={"temperature": 0.5, "top_p": 1.0},
    seed=7,
    prompt_hash="aa",
    image_hash="bb",
    began_at=datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC),
    ended_at=datetime(2026, 5, 1, 12, 0, 5, tzinfo=UTC),
    voted_at=datetime(2026, 5, 1, 12, 0, 9, 250_000, tzinfo=UTC),
    voter="hash-of-alice",
    tags=("more accurate",),
    comment="a remark",
    exclusion=Exclusion.REPEAT,
    weight=0.5,
)
AGREED = replace(VOTE, conversation=(UserTurn(text="what is my name?", images=(PNG,)),))


def exported(votes, form=VoteFileFormat.JSONL):
    file = io.BytesIO()
    assert export_votes(votes, form, file) == len(votes)
    assert not file.closed
    return file.getvalue()


def rows(votes):
    return [json.loads(line) for line in exported(votes).splitlines()]


def test_a_row_has_the_fields_that_arenas_publish():
    [row] = rows([VOTE])
    expected = {
        "model_a": "m1",
        "model_b": "m2",
        "winner": "tie (bothbad)",
        "boxes_winner": "model_b",
        "language": "en",
        "turn": 1,
        "tstamp": 1777636809.25,
        "anony": True,
        "task": "grounding",
        "exclusion": "repeat",
        "weight": 0.5,
        "parameters": {"temperature": 0.5, "top_p": 1.0},
        "seed": 7,
        "prompt_hash": "aa",
        "revision_a": "r1",
        "engine_a": "local bf16",
        "tags": ["more accurate"],
    }
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("winner", "word"), [(Winner.A, "model_a"), (Winner.B, "model_b"), (Winner.TIE, "tie")]
)
def test_winners_have_their_usual_names(winner, word):
    [row] = rows([replace(VOTE, winner=winner)])
    assert row["winner"] == word


@pytest.mark.parametrize("form", [VoteFileFormat.JSONL, VoteFileFormat.CSV])
def test_without_consent_nothing_of_the_conversation_is_published(form):
    text = exported([VOTE], form).decode()
    assert [secret for secret in SECRET if secret in text] == []


def test_with_consent_the_conversation_is_published_but_not_the_voter():
    [row] = rows([AGREED])
    text = json.dumps(row)
    assert [secret for secret in SECRET if secret not in text] == ["hash-of-alice"]
    question, answer = row["conversation_b"]
    assert [part["type"] for part in question["content"]] == ["image", "text"]
    assert answer["content"] == [{"type": "text", "text": "Alice, I see."}]


def test_what_the_program_judged_keeps_its_outputs():
    [row] = rows([replace(VOTE, origin=Origin.AUTOMATIC, voter="")])
    assert row["outputs_a"] == ["You are Alice."]
    assert row["judge"] == ""


def test_a_voter_has_one_number_in_an_export_and_another_in_the_next():
    votes = [VOTE, replace(VOTE, battle="b2"), replace(VOTE, battle="b3", voter="hash-of-bob")]
    first, second = ([row["judge"] for row in rows(votes)] for _ in range(2))
    assert first[0] == first[1] != first[2]
    assert set(first).isdisjoint(second)


def test_csv_defuses_what_a_spreadsheet_would_run():
    asked = UserTurn(text='=HYPERLINK("http://x")', images=())
    side = replace(VOTE.a, model="-m,1", outputs=("@SUM(1)\nnext",))
    vote = replace(AGREED, a=side, comment="=1+1", conversation=(asked,))
    table = list(
        csv.DictReader(io.StringIO(exported([vote], VoteFileFormat.CSV).decode(), newline=""))
    )
    assert table[0]["comment"] == "'=1+1"
    assert table[0]["model_a"] == "'-m,1"
    assert json.loads(table[0]["outputs_a"]) == ["@SUM(1)\nnext"]
    assert float(table[0]["tstamp"]) == 1777636809.25
    assert not [cell for cell in table[0].values() if cell.startswith(("=", "+", "-", "@"))]


def test_parquet_holds_the_same_rows_in_groups(monkeypatch):
    monkeypatch.setattr("vlm_demo.arena.interchange.vote_export._GROUP_ROWS", 3)
    votes = [replace(AGREED, battle=f"b{number}", seed=None) for number in range(7)]
    table = pq.ParquetFile(io.BytesIO(exported(votes, VoteFileFormat.PARQUET)))
    assert table.num_row_groups == 3
    assert table.schema_arrow.names == SCHEMA.names
    expected = rows(votes)
    for got, row in zip(table.read().to_pylist(), expected, strict=True):
        assert json.loads(got.pop("parameters")) == row.pop("parameters")
        for key in ("judge", "conversation_a", "conversation_b"):
            got.pop(key), row.pop(key)
        assert got == row


@pytest.mark.parametrize("form", VoteFileFormat)
def test_no_votes_are_an_empty_file_of_the_form(form):
    data = exported([], form)
    if form is VoteFileFormat.PARQUET:
        assert pq.read_table(io.BytesIO(data)).num_rows == 0
    else:
        assert len(data.splitlines()) == (form is VoteFileFormat.CSV)


def test_votes_are_written_as_they_come():
    """Memory does not grow with the number of votes: each is gone before the next is read."""
    file = io.BytesIO()

    def votes():
        for number in range(20):
            yield replace(VOTE, battle=f"b{number}")
            assert file.getvalue().count(b"\n") == number + 1

    export_votes(votes(), VoteFileFormat.JSONL, file)


# Files that are whole or not there.


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "votes.jsonl"
    path.write_text("old")
    with atomic_write(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_half_written_file_goes(tmp_path, error):
    path = tmp_path / "votes.jsonl"
    path.write_text("old")
    expected = FileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised, atomic_write(path) as file:
        file.write(b"half")
        raise error
    if expected is FileError:
        assert "No space left" in str(raised.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said():
    with (
        pytest.raises(FileError, match="cannot be written"),
        atomic_write(Path("/dev/full")) as file,
    ):
        file.write(b"x" * 100_000)


def test_a_device_stays_a_device():
    null = Path("/dev/null")
    with atomic_write(null) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(null.stat().st_mode)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path):
    with atomic_folder(tmp_path / "pairs") as folder:
        (folder / "x").write_text("x")
        assert not (tmp_path / "pairs").exists()
    assert (tmp_path / "pairs" / "x").read_text() == "x"
    with pytest.raises(FileError, match="already"), atomic_folder(tmp_path / "pairs"):
        pass
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "other") as folder:
        (folder / "x").write_text("x")
        1 / 0  # noqa: B018
    assert [path.name for path in tmp_path.iterdir()] == ["pairs"]


# Preference pairs.


def preferred(winner=Winner.B, outputs=(("no",), ("yes",)), turns=None, **changes):
    return replace(
        AGREED,
        a=Contender(model="m1", outputs=outputs[0]),
        b=Contender(model="m2", outputs=outputs[1]),
        winner=winner,
        exclusion=None,
        conversation=turns or (UserTurn(text="is it red?", images=(PNG,)),),
        **changes,
    )


def said(role, text, pictures=0):
    parts = [{"type": "image", "text": None}] * pictures
    return {"role": role, "content": [*parts, {"type": "text", "text": text}]}


def test_a_pair_is_question_better_and_worse_answer():
    [pair] = PreferencePairs([preferred()])
    assert pair.images == (PNG,)
    assert list(pair.prompt) == [said("user", "is it red?", pictures=1)]
    assert list(pair.chosen) == [said("assistant", "yes")]
    assert list(pair.rejected) == [said("assistant", "no")]
    assert (pair.chosen_model, pair.rejected_model) == ("m2", "m1")


def test_conversations_part_where_the_answers_do():
    turns = tuple(UserTurn(text=text) for text in ("q1", "q2", "q3"))
    vote = preferred(Winner.A, (("same", "a2", "a3"), ("same", "b2", "b3")), turns)
    [pair] = PreferencePairs([vote])
    same = [said("user", "q1"), said("assistant", "same"), said("user", "q2")]
    assert list(pair.prompt) == same
    assert list(pair.chosen) == [
        said("assistant", "a2"),
        said("user", "q3"),
        said("assistant", "a3"),
    ]
    assert [m["content"][0]["text"] for m in pair.rejected] == ["b2", "q3", "b3"]


def test_votes_that_prefer_no_answer_give_no_pair_and_are_counted():
    later = (UserTurn(text="q1"), UserTurn(text="q2", images=(PNG,)))
    pairs = PreferencePairs(
        [
            preferred(Winner.TIE),
            preferred(Winner.BOTH_BAD),
            replace(preferred(), exclusion=Exclusion.IDENTITY),
            replace(preferred(), conversation=()),
            preferred(outputs=(("x",), ("x",))),
            preferred(outputs=(("x",), ("y", "z"))),
            preferred(outputs=(("x", "y"), ("z", "w")), turns=later),
            preferred(outputs=(("x", "y"), ("x", "w")), turns=later),
        ]
    )
    [pair] = pairs  # the last: both answered the same before the picture came
    assert len(pair.prompt) == 3 and pair.images == (PNG,)
    assert pairs.left_out == {
        "undecided": 2,
        "excluded from ratings": 1,
        "without consent": 1,
        "the same answers": 1,
        "incomplete": 1,
        "an image after the first answers": 1,
    }


def test_as_many_images_as_places_for_them_in_the_prompt():
    """TRL refuses a row where they differ."""
    turns = (UserTurn(text="both?", images=(PNG, PNG + b"2")),)
    [pair] = PreferencePairs([preferred(turns=turns)])
    places = [part for message in pair.prompt for part in message["content"]]
    assert sum(part["type"] == "image" for part in places) == len(pair.images) == 2


def test_a_folder_of_pairs_has_each_picture_once(tmp_path):
    count = write_folder(PreferencePairs([preferred(), preferred(Winner.A)]), tmp_path)
    assert count == 2
    lines = (tmp_path / "preferences.jsonl").read_text().splitlines()
    [image] = json.loads(lines[0])["images"]
    assert (tmp_path / image).read_bytes() == PNG
    assert json.loads(lines[1])["images"] == [image]
    assert len(list((tmp_path / "images").iterdir())) == 1
    assert set(json.loads(lines[0])) >= {"images", "prompt", "chosen", "rejected"}


def test_parquet_pairs_hold_the_pictures_as_datasets_reads_them():
    file = io.BytesIO()
    assert (
        write_parquet(PreferencePairs([preferred(), preferred(turns=(UserTurn(text="q"),))]), file)
        == 2
    )
    table = pq.read_table(io.BytesIO(file.getvalue()))
    first, second = table.to_pylist()
    assert first["images"] == [{"bytes": PNG, "path": None}]
    assert second["images"] == []
    assert first["prompt"] == [said("user", "is it red?", pictures=1)]
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["images"] == [{"_type": "Image"}]
    assert list(features) == table.schema.names
