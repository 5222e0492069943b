"""Each rule gives what its reference implementation gave on the same answers.

`tests/data/metrics` has the answers and the values, and names what computed them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from vlm_demo.evaluation.metrics import choice_letters, detection, mathvista, mmmu, rouge, vqa
from vlm_demo.evaluation.metrics.anls import anls
from vlm_demo.evaluation.metrics.bootstrap import bootstrap_interval
from vlm_demo.evaluation.metrics.choice_letters import letter_options
from vlm_demo.evaluation.metrics.cider import caption_words, cider
from vlm_demo.evaluation.metrics.heron import read_marks, relative_score
from vlm_demo.evaluation.metrics.ocrbench import contains_truth
from vlm_demo.evaluation.metrics.relaxed import is_right_relaxed
from vlm_demo.evaluation.metrics.yes_no import is_yes, score_yes_no
from vlm_demo.values import Box

DATA = Path(__file__).parents[2] / "data" / "metrics"


def cases(name: str) -> list[dict[str, Any]]:
    found = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    assert len(found) >= 30
    return found


def test_vqa_accuracy_equals_the_scripts_of_vqav2_and_of_evalai() -> None:
    for case in cases("vqa"):
        answer, truths = case["answer"], case["truths"]
        assert vqa.vqa_accuracy(answer, truths) == pytest.approx(case["vqav2"], abs=1e-6), case
        assert vqa.evalai_accuracy(answer, truths) == pytest.approx(case["evalai"]), case


def test_anls_equals_the_script_of_docvqa() -> None:
    for case in cases("anls"):
        assert anls(case["answer"], case["truths"]) == pytest.approx(case["score"]), case


def test_relaxed_accuracy_equals_the_published_one() -> None:
    for case in cases("relaxed"):
        assert is_right_relaxed(case["answer"], case["truth"]) == case["right"], case


def test_yes_and_no_are_read_as_by_the_script_of_pope() -> None:
    found = cases("pope")
    answers = [is_yes(case["answer"]) for case in found]
    assert answers == [case["yes"] for case in found]
    scores = score_yes_no(answers, [case["truth"] for case in found])
    assert scores.accuracy == pytest.approx(14 / 31)
    assert scores.precision == pytest.approx(11 / 21)
    assert scores.recall == pytest.approx(11 / 18)
    assert scores.f1 == pytest.approx(22 / 39)
    assert scores.yes_ratio == pytest.approx(21 / 31)


def test_no_questions_and_no_yes_score_zero() -> None:
    assert score_yes_no([], []).accuracy == 0
    assert score_yes_no([False], [False]).f1 == 0


def test_letters_are_read_as_by_mmbench() -> None:
    for case in cases("choice_letters"):
        options = letter_options(case["options"])
        assert choice_letters.read_choice(case["answer"], options) == case["letter"], case


def test_letters_are_read_as_by_mmmu_but_never_guessed() -> None:
    for case in cases("mmmu_choice"):
        options = letter_options(case["options"])
        assert mmmu.read_mmmu_choice(case["answer"], options) == case["letter"], case


def test_open_answers_are_judged_as_by_mmmu() -> None:
    for case in cases("mmmu_open"):
        assert mmmu.is_right_open(case["answer"], case["truths"]) == case["right"], case


def test_containment_equals_that_of_ocrbench() -> None:
    for case in cases("ocrbench"):
        right = contains_truth(case["answer"], case["truths"], is_formula=case["formula"])
        assert right == case["right"], case


def test_extracted_answers_are_normalised_as_by_mathvista() -> None:
    for case in cases("mathvista"):
        normal = mathvista.normalize_extraction(
            case["extraction"], case["options"], case["kind"], case["precision"]
        )
        assert normal == case["normal"], case


def test_what_no_rule_reads_is_no_answer_of_mathvista() -> None:
    assert mathvista.extract_answer("I cannot see it.", ["1", "2"]) == ""
    assert mathvista.normalize_extraction("", ["1", "2"], "text") is None
    assert mathvista.extract_answer('So. The answer is "12".', []) == "12"
    assert mathvista.extract_answer("The answer is (B).", ["one", "two"]) == "two"


def test_cider_and_its_words_equal_those_of_pycocoevalcap() -> None:
    found = cases("cider")
    scores = cider([case["answer"] for case in found], [case["references"] for case in found])
    for case, score in zip(found, scores, strict=True):
        assert caption_words(case["answer"]) == case["words"], case
        assert score == pytest.approx(case["score"]), case


def test_rouge_l_equals_that_of_rouge_score_on_japanese_words() -> None:
    for case in cases("rouge_l"):
        assert rouge.normalize_japanese(case["answer"]) == case["normal"], case
        assert rouge.rouge_l(case["answer"], case["truth"]) == pytest.approx(case["score"]), case


def test_average_precision_equals_that_of_pycocotools() -> None:
    for case in cases("average_precision"):
        found = [
            detection.FoundBox(
                one["image_id"], one["category_id"], tuple(one["bbox"]), one["score"]
            )
            for one in case["found"]
        ]
        assert [*detection.average_precision(case["dataset"], found).values()] == case["stats"]


def test_nothing_found_has_no_precision_and_only_the_first_box_counts() -> None:
    dataset = {
        "images": [{"id": 1}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]}],
    }
    assert detection.average_precision(dataset, [])["ap"] == 0
    truth, other = Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1)
    assert detection.is_hit([truth, other], truth)
    assert not detection.is_hit([other, truth], truth)
    assert not detection.is_hit([], truth)


def test_a_bootstrap_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few = bootstrap_interval([0, 1] * 50)
    many = bootstrap_interval([0, 1] * 5000)
    assert few is not None and many is not None
    assert few[0] < 0.5 < few[1]
    # The normal approximation: 1.96 standard errors, sqrt(0.25 / n), to either side.
    assert few[1] - few[0] == pytest.approx(2 * 1.96 * 0.05, rel=0.1)
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * 0.005, rel=0.1)
    assert few == bootstrap_interval([0, 1] * 50)
    assert bootstrap_interval([]) is None
    assert bootstrap_interval([1.0]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("judgement", "marks"),
    [
        ("8 6\nThe first is better.", (8, 6)),
        ("8, 6", (8, 6)),
        ("7.5 10\n", (7.5, 10)),
        ("Both answers are good.", None),
        ("8", None),
        ("Assistant 1: 8", None),
        ("80 60", None),
        ("", None),
    ],
)
def test_a_judge_gives_two_marks_or_none(judgement: str, marks: tuple[float, float] | None) -> None:
    assert read_marks(judgement) == marks


def test_a_relative_score_compares_means() -> None:
    assert relative_score([(8, 4), (10, 5)]) == 50
    assert relative_score([]) is None
