"""Only what was asked the same is compared, and published figures keep their source."""

from pathlib import Path

from support.evaluation_runs import question, write_run

from vlm_demo.results.published import OWN_FILE, read_published
from vlm_demo.results.question_lines import describe_truth, find_truth_boxes, list_questions
from vlm_demo.results.run_files import find_run, find_runs
from vlm_demo.results.scoreboard import build_scoreboard


def test_the_newest_run_on_the_questions_of_most_models_counts(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.5, date="2026-11-01")
    newest = write_run(tmp_path, "a", 0.6, date="2026-11-02")
    write_run(tmp_path, "a", 0.9, data="few", date="2026-11-03")
    write_run(tmp_path, "b", 0.7, date="2026-11-01")
    other = write_run(tmp_path, "c", 0.8, data="few", date="2026-11-04")
    quantised = write_run(tmp_path, "a", 0.4, number_format="4-bit")
    write_run(tmp_path, "d", None)
    scoreboard = build_scoreboard(find_runs(tmp_path).by_id)
    (column,) = scoreboard.columns
    assert (column.data_hash, column.title, column.tasks) == (
        "same",
        "Drawn scenes",
        ("grounding",),
    )
    cells = {
        (row.model, row.number_format): (row.cells["scenes"].run, row.cells["scenes"].is_comparable)
        for row in scoreboard.rows
    }
    assert cells[("a", "auto")] == (newest, True)
    assert cells[("a", "4-bit")] == (quantised, True)
    assert cells[("c", "auto")] == (other, False)
    assert set(cells) == {("a", "auto"), ("a", "4-bit"), ("b", "auto"), ("c", "auto")}


def test_questions_are_listed_by_their_verdict(tmp_path: Path) -> None:
    lines = [
        question(1, 1),
        question(2, 0),
        question(3, None),
        question(4, 0.0, error="no picture"),
    ]
    run = find_run(tmp_path, write_run(tmp_path, "a", 0.5, questions=lines))
    with (run.folder / "questions.jsonl").open("a") as file:
        file.write('{"id": "cut o')
    found = {
        which: [one["id"] for one in list_questions(run, which, 0, 9)[1]]  # type: ignore[arg-type]  # of a fixed set
        for which in ("all", "right", "wrong", "failed")
    }
    assert found == {
        "all": ["q1", "q2", "q3", "q4"],
        "right": ["q1"],
        "wrong": ["q2"],
        "failed": ["q3", "q4"],
    }
    total, (third,) = list_questions(run, "all", 2, 1)
    assert (total, third["id"]) == (4, "q3")


def test_right_answers_are_said_whatever_a_benchmark_keeps() -> None:
    assert describe_truth({"answers": ["2", "two", "2"]}) == "2 / two"
    assert describe_truth({"answer": "yes", "options": ["a"]}) == "yes"
    assert describe_truth({"sentence": "the cup"}) == ""
    assert find_truth_boxes({"sentence": "the cup", "box": [0, 0, 1, 1]}) == [
        {"label": "the cup", "box": [0, 0, 1, 1]}
    ]
    coco = {
        "image": {"width": 200, "height": 100},
        "categories": {"3": "car"},
        "annotations": [{"category_id": 3, "bbox": [20, 10, 100, 50]}],
    }
    assert find_truth_boxes(coco) == [{"label": "car", "box": [0.1, 0.1, 0.6, 0.6]}]
    assert find_truth_boxes({"box": "everywhere", "boxes": [{"label": "x", "box": [1]}]}) == []


def test_published_figures_have_a_source_and_bad_files_are_reported(tmp_path: Path) -> None:
    own, problems = read_published(tmp_path)
    assert not problems
    assert all(one.source.startswith("https://") for one in own)
    assert len(own) == len(OWN_FILE.read_text("utf-8").splitlines()) - 1
    (tmp_path / "published-mine.json").write_text(
        '[{"benchmark": "pope", "model": "m", "score": 0.87, "full": 1, "source": "a paper"}]'
    )
    (tmp_path / "published-bad.csv").write_text("benchmark,model,score,source\npope,m,high,x\n")
    (tmp_path / "published-odd.json").write_text('{"benchmark": "pope"}')
    figures, problems = read_published(tmp_path)
    assert [one.model for one in figures[len(own) :]] == ["m"]
    assert len(problems) == 2
    assert any(one.startswith("published-bad.csv") and "score" in one for one in problems)
