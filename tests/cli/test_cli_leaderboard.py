"""The command that rates models, as people and scripts call it."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from support.databases import some_vote

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Origin, Winner
from vlm_demo.cli import run
from vlm_demo.values import Task


@pytest.fixture
def votes(tmp_path: Path) -> str:
    """40 votes for `best`, those in Japanese against it, and some of the program."""
    path = str(tmp_path / "votes.db")
    sides = {"a": Contender(model="best"), "b": Contender(model="other")}
    given = [
        *(some_vote(f"en{n}", winner=Winner.A, language="en", **sides) for n in range(40)),
        *(some_vote(f"ja{n}", winner=Winner.B, language="ja", **sides) for n in range(10)),
        some_vote("boxes", winner=Winner.A, boxes=Winner.B, task=Task.GROUNDING, **sides),
        some_vote("automatic", winner=Winner.B, origin=Origin.AUTOMATIC, **sides),
    ]
    with closing(VoteStore(path)) as store:
        store.add_all(given)
    return path


def entries(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    assert run(["leaderboard", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_lists_the_models_best_first_with_the_keys_that_are_promised(capsys, votes):
    best, other = entries(capsys, "--votes", votes)

    keys = ["model", "rating", "lower", "upper", "rank", "votes", "provisional"]
    assert list(best) == list(other) == keys
    assert [best["model"], other["model"]] == ["best", "other"]
    assert best["lower"] <= best["rating"] <= best["upper"]
    assert (best["rank"], other["rank"]) == (1, 2)
    assert (best["votes"], best["provisional"]) == (51, False)
    assert best["rating"] + other["rating"] == pytest.approx(2000, abs=0.02)


def test_options_choose_among_the_votes(capsys, votes):
    def counted(*arguments: str) -> tuple[str, int]:
        first = entries(capsys, "--votes", votes, *arguments)[0]
        return first["model"], first["votes"]

    assert counted("--language", "ja") == ("other", 10)
    assert counted("--language", "EN") == ("best", 40)
    assert counted("--task", "grounding") == ("best", 1)
    assert counted("--boxes") == ("other", 1)
    assert counted("--automatic") == ("other", 1)
    assert entries(capsys, "--votes", votes, "--task", "caption") == []


def test_the_url_may_come_from_the_environment_and_from_any_database(
    capsys, monkeypatch, votes, postgres_url
):
    monkeypatch.setenv("VLM_DEMO_VOTES", f"sqlite:///{votes}")
    assert len(entries(capsys)) == 2

    assert entries(capsys, "--votes", postgres_url) == []


def test_the_table_draws_the_intervals(capsys, votes):
    assert run(["leaderboard", "--votes", votes]) == 0

    heading, best, other = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["RANK", "MODEL", "RATING"]
    assert best.split()[:2] == ["1", "best"]
    assert best.index("-o-") > other.index("-o-")
    assert "80%" in best
    assert "provisional" not in best
    assert run(["leaderboard", "--votes", votes, "--automatic"]) == 0
    assert "provisional" in capsys.readouterr().out


def test_where_there_are_no_votes_nothing_is_made_up(capsys, tmp_path):
    missing = tmp_path / "none.db"

    assert run(["leaderboard", "--votes", str(missing), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["leaderboard", "--votes", str(missing)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "no file" in err
    assert not missing.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "dance"], "grounding"),
        (["--task", ""], "grounding"),
        (["--votes", "mysql://me@here/votes"], "SQLite"),
        (["surplus"], "surplus"),
    ],
)
def test_bad_input_is_said_in_one_line(capsys, arguments, said):
    status = run(["leaderboard", *arguments])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err


def test_a_file_that_holds_no_votes_is_refused(capsys, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is no database. " * 100)

    assert run(["leaderboard", "--votes", str(path)]) == 2

    assert "not a database" in capsys.readouterr().err
    assert path.read_text().startswith("Dear reader")
