"""Published benchmarks are read in the layouts of their authors, asked, scored and written."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.benchmark_folders import BOX, OFFICIAL, OTHERS, Write

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, ServerError, SettingsError
from vlm_demo.evaluation.benchmarks import benchmarks_by_name
from vlm_demo.evaluation.published import harness
from vlm_demo.evaluation.published.harness import FAILED, lmms_eval_command, run_lmms_eval
from vlm_demo.evaluation.published.question import PublishedQuestion
from vlm_demo.evaluation.published.running import RunOptions, run_published, sample_questions
from vlm_demo.values import Box, Mention, Reply, Request, Task

DISC = Box.normalize(*BOX, by=(40, 20))


class Scripted:
    """A backend whose model answers as a function says, and whose judge gives its marks."""

    def __init__(self, answer: Callable[[Request], Reply], judgement: str = "10 5") -> None:
        self._answer = answer
        self._judgement = judgement
        self.asked: list[Request] = []

    def spec(self, name: str) -> ModelSpec:
        return ModelSpec(name=name, family="llava15", checkpoint="none/here")

    def answer(self, model: str, request: Request) -> Iterator[Reply]:
        if model == "judge":
            yield Reply(self._judgement, self._judgement)
            return
        self.asked.append(request)
        yield self._answer(request)


RIGHT = {
    "Is there a disc": "Yes, there is.",
    "Is there a dog": "No.",
    "A. red": "A",
    "B. red": "(B)",
    "C. red": "The answer is C.",
    "D. red": "D. red",
    "A. yes": "A",
    "B. yes": "B",
    "A. the first": "A",
    "How many? (A)": "A",
    "How many discs": "1",
    "How many": "101",
    "Which": "red",
    "Who": "ann lee",
    "What colour": "Red",
    "What is written": "STOP, x + 1",
    "What?": "stop",
    "does it say": "stop",
    "何色": "赤色です",
    "何が見え": "赤い丸です",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a benchmark; results go to the folder `out` beside it."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def right(request: Request) -> Reply:
    """Answer every question of the folders rightly."""
    assert request.images and request.images[0].size == (40, 20)
    if request.task in {Task.GROUNDING, Task.DETECT}:
        if request.task is Task.GROUNDING or "disc" in request.text:
            return Reply("", "", (Mention("disc", (0, 0), (DISC,)),))
        return Reply("", "")
    if request.task is Task.CAPTION:
        is_red = request.images[0].getpixel((20, 10)) == (255, 0, 0)
        text = "A big red disc." if is_red else "A small blue dot in the middle."
        return Reply(text, text)
    text = next(said for key, said in RIGHT.items() if key in request.text)
    return Reply(text, text)


def run(name: str, folder: Path, backend: Scripted, **options: Any) -> dict[str, Any]:
    settings = RunOptions(data=folder, **{"out": folder.parent / "out", "judge": "judge"} | options)
    return run_published(benchmarks_by_name()[name], backend, "any", settings)  # type: ignore[arg-type]  # a scripted one


def main_score(name: str, result: dict[str, Any]) -> float:
    score = result["results"][benchmarks_by_name()[name].measure]
    assert isinstance(score, float)
    return score


FULL = {"ja-vg-vqa-500": 100, "ja-vlm-bench": 100, "heron-bench": 50, "mathvista": 1}
"""What right answers score where it is not 1; the judge gives half the reference's marks."""


def test_every_benchmark_has_a_folder_here() -> None:
    assert set(benchmarks_by_name()) == set(OFFICIAL)


def test_the_documentation_has_a_row_for_every_benchmark() -> None:
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = {line for line in page.splitlines() if line.startswith("| `")}
    for name, one in benchmarks_by_name().items():
        row = f"| `{name}` ({one.title}) | {one.needs} | {one.rule} | <{one.source}> |"
        assert row in rows, row


@pytest.mark.parametrize("name", OFFICIAL)
def test_right_answers_get_the_full_score_and_wrong_ones_none(name: str, data: Path) -> None:
    OFFICIAL[name](data)
    result = run(name, data, Scripted(right))
    if name == "coco-captions":
        assert main_score(name, result) > 300
    else:
        assert main_score(name, result) == pytest.approx(FULL.get(name, 1))
    wrong = Scripted(lambda request: Reply("zzz", "zzz"), "10 0")
    if name != "pope":  # there, whatever is no denial is a yes
        assert main_score(name, run(name, data, wrong, out=data.parent / "wrong")) == 0


@pytest.mark.parametrize(("name", "write"), OTHERS, ids=lambda one: getattr(one, "__name__", one))
def test_other_layouts_are_read_too(name: str, write: Write, data: Path) -> None:
    write(data)
    if write.__name__ == "mathvista_parquet":
        backend = Scripted(lambda request: Reply("1", "1"))
    else:
        backend = Scripted(right)
    result = run(name, data, backend)
    if name != "coco-captions":  # with one picture no word is rare, and all scores are 0
        assert main_score(name, result) == pytest.approx(1)
    assert result["n-samples"] == len(backend.asked) > 0


@pytest.mark.parametrize("name", OFFICIAL)
def test_another_layout_is_refused_with_what_is_needed(name: str, data: Path) -> None:
    benchmark = benchmarks_by_name()[name]
    with pytest.raises(InputError, match="no folder"):
        benchmark.read(data / "nowhere")
    with pytest.raises(InputError, match="another layout") as caught:
        benchmark.read(data)
    assert benchmark.needs in str(caught.value)
    (data / "notes.json").write_text('[{"colour": "red"}]', encoding="utf-8")
    with pytest.raises(InputError, match=r"another layout.*notes\.json"):
        benchmark.read(data)


@pytest.mark.parametrize("name", OFFICIAL)
def test_missing_pictures_are_counted_and_named(name: str, data: Path) -> None:
    OFFICIAL[name](data)
    pictures = [path for path in data.rglob("*") if path.suffix in {".png", ".jpg"}]
    if not pictures:
        pytest.skip("its pictures are in the table")
    for path in pictures:
        path.unlink()
    with pytest.raises(InputError, match=r"\d images are not in .*(png|jpg)"):
        benchmarks_by_name()[name].read(data)


def test_a_broken_line_is_named(data: Path) -> None:
    OFFICIAL["pope"](data)
    path = data / "coco_pope_random.json"
    path.write_text(path.read_text() + '{"image": "a', encoding="utf-8")
    with pytest.raises(InputError, match=r"random\.json, line 3, is not JSON"):
        benchmarks_by_name()["pope"].read(data)


def test_a_row_that_lacks_a_column_is_named(data: Path) -> None:
    OFFICIAL["pope"](data)
    path = data / "coco_pope_random.json"
    path.write_text(path.read_text("utf-8") + '{"image": "a.png", "text": "Is it?"}', "utf-8")
    with pytest.raises(InputError, match=r"random\.json, row 3, lacks columns: it has image, text"):
        benchmarks_by_name()["pope"].read(data)


def test_a_pickle_that_would_run_code_is_refused(data: Path) -> None:
    OFFICIAL["refcoco"](data)
    (data / "refs(unc).p").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(InputError, match=r"os\.system, which is refused"):
        benchmarks_by_name()["refcoco"].read(data)
    (data / "refs(unc).p").write_bytes(b"\x80\x02")
    with pytest.raises(InputError, match="damaged"):
        benchmarks_by_name()["refcoco"].read(data)


def test_a_sentence_with_a_comma_is_one_thing_to_find(data: Path) -> None:
    OFFICIAL["refcoco"](data)
    texts = [question.text for question in benchmarks_by_name()["refcoco"].read(data)]
    assert texts == ["red disc", '"disc, the red one"'] * 2


def test_splits_and_halves_are_reported_apart(data: Path) -> None:
    OFFICIAL["refcoco"](data)
    scores = run("refcoco", data, Scripted(right))["results"]
    assert scores == {"accuracy": 1, "accuracy_testA": 1, "accuracy_testB": 1}


def test_a_question_right_in_one_order_alone_is_wrong_in_a_circle(data: Path) -> None:
    OFFICIAL["mmbench"](data)
    result = run("mmbench", data, Scripted(lambda request: Reply("A", "A")))
    assert result["results"]["circular_accuracy"] == 0
    assert result["results"]["first_order_accuracy"] == 1
    assert result["n-samples"] == 6  # four orders of one, two of the other


def test_a_judge_that_answers_prose_is_reported_and_its_answer_kept(data: Path) -> None:
    OFFICIAL["heron-bench"](data)
    result = run("heron-bench", data, Scripted(right, "Both are very good answers."))
    assert result["results"]["score"] is None
    assert result["unscored"] == result["notes"]["judgements_without_marks"] == 3
    lines = (data.parent / "out" / "questions.jsonl").read_text("utf-8").splitlines()[1:]
    assert {json.loads(line)["judgement"] for line in lines} == {"Both are very good answers."}
    with pytest.raises(SettingsError, match="--judge"):
        run("heron-bench", data, Scripted(right), judge="", out=data.parent / "other")


def test_the_result_says_what_a_comparison_needs(data: Path) -> None:
    OFFICIAL["pope"](data)
    run("pope", data, Scripted(right))
    written = json.loads((data.parent / "out" / "results.json").read_text("utf-8"))
    assert written["results"]["f1"] == written["results"]["accuracy_popular"] == 1
    assert written["results"]["yes_ratio"] == 0.5
    assert written["interval_95"] == {"low": 1, "high": 1}
    assert written["n-samples"] == 4
    assert written["config"]["family"] == "llava15"
    assert len(written["config"]["data_hash"]) == len(written["config"]["prompt_hash"]) == 16
    _, first, *_ = (data.parent / "out" / "questions.jsonl").read_text("utf-8").splitlines()
    assert json.loads(first).keys() >= {"id", "question", "answer", "truth", "prediction", "score"}


def test_a_run_that_was_killed_goes_on(data: Path) -> None:
    OFFICIAL["pope"](data)
    asked = 0

    def fail_at_the_third(request: Request) -> Reply:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ServerError("It is gone.")
        return right(request)

    with pytest.raises(ServerError):
        run("pope", data, Scripted(fail_at_the_third))
    path = data.parent / "out" / "questions.jsonl"
    kept = path.read_text("utf-8").splitlines()
    answered = len(kept) - 1
    path.write_text("\n".join(kept) + '\n{"id": "coco_po', encoding="utf-8")  # killed while writing
    again = Scripted(right)
    result = run("pope", data, again)
    assert len(again.asked) == 4 - answered
    assert result["results"]["accuracy"] == 1
    complete = Scripted(right)
    assert run("pope", data, complete)["results"] == result["results"]
    assert not complete.asked


def test_answers_of_another_run_are_not_mixed_in(data: Path) -> None:
    OFFICIAL["pope"](data)
    run("pope", data, Scripted(right))
    with pytest.raises(SettingsError, match=r"another run: .*limit"):
        run("pope", data, Scripted(right), limit=2)
    path = data.parent / "out" / "questions.jsonl"
    path.write_text(path.read_text("utf-8").replace('"question"', '"quest', 1), "utf-8")
    with pytest.raises(InputError, match="line 2, is damaged"):
        run("pope", data, Scripted(right))


def test_a_damaged_picture_costs_its_own_question_alone(data: Path) -> None:
    OFFICIAL["chartqa"](data)
    (data / "png" / "1.png").write_bytes(b"\x89PNG nonsense")
    result = run("chartqa", data, Scripted(right))
    assert result["failed"] == result["n-samples"] == 2
    assert result["results"]["accuracy"] == 0


def test_results_are_not_written_among_the_data(data: Path) -> None:
    OFFICIAL["pope"](data)
    with pytest.raises(SettingsError, match="among the data"):
        run("pope", data, Scripted(right), out=data / "results")


def test_a_limit_takes_the_same_fair_sample_for_the_same_seed() -> None:
    questions = [
        PublishedQuestion(f"{unit}-{turn}", Task.VQA, "", (), {}, unit=str(unit))
        for unit in range(100)
        for turn in range(2)
    ]
    few = sample_questions(questions, 10, seed=3)
    assert len(few) == 20
    assert few == sample_questions(questions, 10, seed=3) != sample_questions(questions, 10, 4)
    assert [one for one in questions if one in few] == few
    assert {one.unit for one in few} == {one.id.split("-")[0] for one in few}
    assert sample_questions(questions, None, 0) == questions


def test_the_harness_is_pointed_at_this_programs_api() -> None:
    command = lmms_eval_command(benchmarks_by_name()["pope"], "embedded-llava15", limit=8)
    (arguments,) = (part for part in command if part.startswith("model="))
    assert arguments.startswith("model=embedded-llava15,base_url=http://127.0.0.1:7860/v1,")
    assert command[command.index("--tasks") + 1] == "pope"
    assert command[-2:] == ["--limit", "8"]
    with pytest.raises(SettingsError, match=r"not installed.*python -m lmms_eval --model openai"):
        run_lmms_eval(command, Path("nowhere"))
    with pytest.raises(SettingsError, match="no benchmark like"):
        lmms_eval_command(benchmarks_by_name()["heron-bench"], "embedded-llava15")


def test_requests_that_failed_in_the_harness_are_counted(tmp_path: Path, monkeypatch: Any) -> None:
    def run(command: list[str], check: bool) -> SimpleNamespace:
        lines = [{"resps": [[answer]]} for answer in ("yes", f"{FAILED} timeout]", "no")]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / "1_samples_pope.jsonl").write_text(text, encoding="utf-8")
        return SimpleNamespace(returncode=0)

    (tmp_path / "0_samples_pope.jsonl").write_text(json.dumps({"a": FAILED}), encoding="utf-8")
    monkeypatch.setattr(harness, "find_spec", lambda _: object())
    monkeypatch.setattr(harness.subprocess, "run", run)
    assert run_lmms_eval(["python"], tmp_path) == 1
