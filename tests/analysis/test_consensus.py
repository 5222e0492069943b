"""Consensus: places of several models compared."""

from __future__ import annotations

import json

import pytest
from PIL.Image import Image
from support import ROOT, scripted

from vlm_demo.analysis.consensus import (
    Consensus,
    Detection,
    ModelAnswer,
    ask_models,
    check_models,
    compare_answers,
    consensus_to_data,
    group_detections,
    measure_agreement,
)
from vlm_demo.backend import Backend
from vlm_demo.cli import run as command
from vlm_demo.errors import InputError
from vlm_demo.values import Box, Mention, Point, Reply, Request, Task

engine, backend = scripted.engine, scripted.backend

ANIMALS = ROOT / "assets" / "examples" / "animals.png"
DOG, CAT = Box(0.1, 0.1, 0.3, 0.3), Box(0.6, 0.6, 0.8, 0.8)


def moved(box: Box, by: float) -> Box:
    return Box(box.x1 + by, box.y1, box.x2 + by, box.y2)


def answer(model: str, *named: tuple[str, Box]) -> ModelAnswer:
    return ModelAnswer(model, Reply("", "", tuple(Mention(p, (0, 0), (box,)) for p, box in named)))


def counts(consensus: Consensus) -> list[tuple[str, tuple[int, ...]]]:
    return [(group.phrase, group.answers) for group in consensus.groups]


def test_what_few_models_see_comes_first() -> None:
    answers = [
        answer("a", ("a dog", DOG), ("the cat", CAT)),
        answer("b", ("The dog", moved(DOG, 0.02))),
        answer("c", ("dog", moved(DOG, 0.01)), ("cat", moved(CAT, 0.05))),
        answer("d", ("cat", DOG)),  # its place is the dog's
    ]
    seen = compare_answers(answers, Task.GROUNDED_CAPTION)
    assert counts(seen) == [("cat", (3,)), ("cat", (0, 2)), ("dog", (0, 1, 2))]
    assert all(seen.is_disputed(group) for group in seen.groups)


def test_in_a_search_it_does_not_matter_what_a_thing_is_called() -> None:
    seen = compare_answers(
        [answer("a", ("dog", DOG)), answer("b", ("a brown dog", DOG))], Task.GROUNDING
    )
    assert counts(seen) == [("", (0, 1))]
    assert not seen.is_disputed(seen.groups[0])
    assert seen.agreement == ((None, 1.0), (1.0, None))


def test_in_a_search_for_several_things_each_is_compared_with_itself() -> None:
    def found(model: str, *targets: str) -> ModelAnswer:
        mentions = tuple(Mention("x", (0, 0), (DOG,), target=target) for target in targets)
        return ModelAnswer(model, Reply("", "", mentions))

    seen = compare_answers([found("a", "cat", "dog"), found("b", "dog")], Task.GROUNDING)
    assert counts(seen) == [("cat", (0,)), ("dog", (0, 1))]


def test_a_group_has_one_box_of_a_model_and_no_chains() -> None:
    # Each overlaps the next by two thirds and the one after that by less than half.
    chain = [Detection(answer, "dog", moved(DOG, 0.04 * answer)) for answer in range(4)]
    groups = group_detections(chain)
    for group in groups:
        assert len(set(group.answers)) == len(group.answers)
        boxes = [detection.box for detection in group.detections]
        assert all(a.iou(b) >= 0.5 for a in boxes for b in boxes)
    assert sorted(len(group.answers) for group in groups) == [2, 2]
    twice = [
        Detection(0, "dog", DOG),
        Detection(0, "dog", moved(DOG, 0.01)),
        Detection(1, "dog", DOG),
    ]
    assert sorted(group.answers for group in group_detections(twice)) == [(0,), (0, 1)]


def test_agreement_counts_boxes_without_partner_as_nothing() -> None:
    a = [Detection(0, "dog", DOG), Detection(0, "cat", CAT)]
    same = [Detection(1, "dog", DOG), Detection(1, "cat", CAT)]
    assert measure_agreement(a, same) == 1.0
    assert measure_agreement(a, same[:1]) == pytest.approx(1 / 2)
    off = [Detection(1, "dog", moved(DOG, 0.05))]  # IoU 3/5
    assert measure_agreement(a[:1], off) == pytest.approx(0.6)
    assert measure_agreement(a, off) == pytest.approx(0.3)
    far = [Detection(1, "dog", moved(DOG, 0.1))]  # IoU 1/3: another thing
    assert measure_agreement(a[:1], far) == 0.0
    assert measure_agreement(a, []) == 0.0
    assert measure_agreement([], []) == 1.0
    other_name = [Detection(1, "wolf", DOG)]
    assert measure_agreement(a[:1], other_name) == 0.0


def test_one_that_failed_neither_agrees_nor_disputes() -> None:
    answers = [
        answer("a", ("dog", DOG)),
        ModelAnswer("b", error="No memory."),
        answer("c", ("dog", DOG)),
    ]
    seen = compare_answers(answers, Task.GROUNDING)
    assert seen.answer_count == 2
    assert not seen.is_disputed(seen.groups[0])
    assert seen.agreement[0] == (None, None, 1.0)
    data = consensus_to_data(seen, (200, 100), Request(Task.GROUNDING, "dog"))
    assert data["models"][1] == {"model": "b", "error": "No memory.", "text": None}
    assert data["things"][0]["phrase"] == "dog"
    assert data["things"][0]["seen_by"][0]["box_xyxy_px"] == pytest.approx([20, 10, 60, 30])
    json.dumps(data)


def test_a_point_is_a_box_without_area() -> None:
    pointing = ModelAnswer("a", Reply("", "", (Mention("dog", (0, 0), (Point(0.2, 0.2),)),)))
    seen = compare_answers([pointing, answer("b", ("dog", DOG))], Task.GROUNDING)
    assert [group.answers for group in seen.groups] == [(0,), (1,)]


@pytest.mark.parametrize("models", [["a"], ["a", "a"], list("abcdefg"), []])
def test_two_to_six_different_models_are_asked(models: list[str]) -> None:
    with pytest.raises(InputError, match="2 to 6 different models"):
        check_models(models)


def test_one_that_fails_leaves_the_others_alone(backend: Backend, picture: Image) -> None:
    request = Request(Task.GROUNDING, "circle", (picture,))
    first, second, third = ask_models(backend, ["far-away", "scripted", "chat-only"], request)
    assert "Please connect" in first.error
    assert second.reply is not None
    assert second.reply.mentions
    assert "cannot do this task" in third.error


@pytest.mark.models
def test_two_real_models_agree_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        *("consensus", str(ANIMALS), "elephant", "--json"),
        *("--model", "embedded-llava15", "--model", "embedded-kosmos2"),
    ]
    assert command(asked) == 0
    data = json.loads(capsys.readouterr().out)
    (thing,) = data["things"]
    assert thing["models"] == 2
    assert thing["mean_iou"] > 0.7
    assert data["agreement"][0][1] == data["agreement"][1][0] > 0.7
    assert command(["consensus", str(ANIMALS), "elephant", "--model", "embedded-llava15"]) == 2
    assert "2 to 6" in capsys.readouterr().err
