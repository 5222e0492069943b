"""Confidences of boxes, calibrated: of those told as 80 % sure, 80 % are right."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from vlm_demo.analysis.confidence import (
    Calibration,
    expected_calibration_error,
    find_calibration,
    fit_calibration,
    tables,
    write_calibration,
)
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.ui.studio.answering.mentions import mention_items, mention_styles
from vlm_demo.values import Box, Mention, ParsedPlace, Reply

pytestmark = pytest.mark.unit


def draw(count: int, seed: int) -> tuple[list[float], list[bool]]:
    """Draw boxes of a model whose confidence is a third of the probability that it is right."""
    rng = random.Random(seed)
    confidences = [rng.uniform(0.1, 0.33) for _ in range(count)]
    return confidences, [rng.random() < 3 * one for one in confidences]


def test_a_calibrated_confidence_comes_true_on_unseen_boxes() -> None:
    calibration = fit_calibration(*draw(2_000, seed=1))
    confidences, hits = draw(2_000, seed=2)
    told = [calibration(one) for one in confidences]
    assert expected_calibration_error(confidences, hits) > 0.3
    assert expected_calibration_error(told, hits) < 0.05
    sure = [hit for hit, one in zip(hits, told, strict=True) if 0.75 <= one < 0.85]
    assert abs(sum(sure) / len(sure) - 0.8) < 0.08


@pytest.mark.parametrize("count", [1, 3, 26, 500])
def test_the_curve_never_falls_and_is_never_certain(count: int) -> None:
    rng = random.Random(count)
    confidences = [rng.random() for _ in range(count)]
    for hits in ([True] * count, [False] * count, [rng.random() < 0.5 for _ in range(count)]):
        told = [fit_calibration(confidences, hits)(step / 20) for step in range(21)]
        assert told == sorted(told)
        assert told[0] > 0 and told[-1] < 1


def test_what_comes_true_has_no_error() -> None:
    assert expected_calibration_error([0.5, 0.5], [True, False]) == 0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1
    assert expected_calibration_error([], []) == 0


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "tables")
    (tmp_path / "tables").mkdir()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return replace(default_menu()[0], name="one", checkpoint=str(folder))


def test_a_table_holds_only_for_the_weights_that_it_was_measured_with(spec: ModelSpec) -> None:
    assert find_calibration(spec) is None
    calibration = Calibration((0.1, 0.3), (0.2, 0.8))
    write_calibration(spec, calibration, error=0.03)
    assert find_calibration(spec) == calibration
    assert spec.folder is not None
    (spec.folder / "model.safetensors").write_bytes(b"other weights")
    assert find_calibration(spec) is None


def test_the_browser_is_told_which_kind_of_number_a_confidence_is() -> None:
    box = Box(0, 0, 1, 1)
    place = ParsedPlace((0, 1), (1.0,), box, confidence=0.3)
    reply = Reply("x", "", (Mention("cat", (0, 0), (box,)),), parsed_places=(place,))
    styles = mention_styles(reply.mentions)
    (plain,) = mention_items(reply, styles, (0,))
    assert (plain["confidence"], plain["kind"]) == (0.3, "token probability")
    (known,) = mention_items(reply, styles, (0,), Calibration((0.1, 0.3), (0.2, 0.8)))
    assert (known["confidence"], known["kind"]) == (0.8, "calibrated")
    assert known["regions"][0]["confidence"] == 0.8
    bare = replace(reply, parsed_places=())
    assert mention_items(bare, styles, (0,))[0]["kind"] is None
