"""Answers measured by places that a person drew, and the ZIP that keeps them."""

import io
import json
import zipfile

import pytest
from PIL import Image, ImageDraw
from support import EARLIER_VERSIONS

from vlm_demo.analysis.ground_truth import (
    LabelledQuestion,
    rank_models,
    read_archive,
    score_answer,
    write_archive,
)
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import InputError, SettingsError
from vlm_demo.evaluation import evaluate
from vlm_demo.values import Box, Point, Polygon, Task

LEFT, RIGHT = Box(0.1, 0.1, 0.3, 0.5), Box(0.6, 0.1, 0.9, 0.5)


def moved(box, by):
    return Box(box.x1 + by, box.y1, box.x2 + by, box.y2)


def test_each_right_box_is_met_once_by_the_box_that_fits_best():
    result = score_answer([LEFT, RIGHT], [moved(RIGHT, 0.05), LEFT, moved(LEFT, 0.02)])

    assert [(pair.expected, pair.found) for pair in result.matches] == [(0, 1), (1, 0), (None, 2)]
    assert result.overlaps == pytest.approx((1.0, 0.25 / 0.35))
    assert (result.hits, result.extra) == (2, 1)


def test_what_was_missed_and_what_is_wrong_both_count():
    result = score_answer([LEFT, RIGHT], [moved(LEFT, 0.1), Box(0, 0.9, 0.1, 1)])

    assert result.overlaps == pytest.approx((1 / 3, 0))
    assert [pair.is_hit for pair in result.matches] == [False, False, False]
    assert result.extra == 1
    assert score_answer([LEFT], []).overlaps == (0.0,)


@pytest.mark.parametrize(
    ("right", "found", "hit"),
    [
        (Point(0.2, 0.2), LEFT, True),
        (Point(0.4, 0.2), LEFT, False),
        (LEFT, Point(0.2, 0.2), True),
        (Point(0.2, 0.2), Point(0.22, 0.2), True),
        (Point(0.2, 0.2), Point(0.3, 0.2), False),
        (Polygon((Point(0.1, 0.1), Point(0.3, 0.1), Point(0.2, 0.5))), LEFT, True),
    ],
)
def test_points_and_outlines_are_measured_too(right, found, hit):
    assert score_answer([right], [found]).matches[0].is_hit is hit


def test_models_are_ranked_by_all_that_they_were_asked():
    asked = [
        ([LEFT], {"good": [LEFT], "loud": [LEFT, RIGHT], "late": [RIGHT]}),
        ([LEFT, RIGHT], {"good": [RIGHT, LEFT], "loud": [LEFT, RIGHT]}),
    ]

    good, loud, late = rank_models(asked)

    assert (good.model, loud.model, late.model) == ("good", "loud", "late")
    assert (good.mean_iou, good.hit_rate, good.places, good.questions) == (1, 1, 3, 2)
    assert (loud.extra, late.places, late.hit_rate) == (1, 1, 0)


@pytest.fixture
def known(tmp_path):
    image = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(image).ellipse((32, 24, 128, 120), fill="red")
    path = tmp_path / "circle.png"
    image.save(path)
    truth = (Box(0.1, 0.1, 0.4, 0.5), Polygon((Point(0, 0), Point(1, 0), Point(0, 1))))
    answers = {"some model": (Box(0.1, 0.1, 0.4, 0.45), Point(0.5, 0.25))}
    return LabelledQuestion(
        path, image.size, "rote Scheibe", Task.GROUNDING, "red circle 🔴", truth, answers
    )


def test_a_benchmark_comes_back_from_its_zip_as_it_was(known, tmp_path):
    archive = tmp_path / "own.zip"
    write_archive([known, known], archive)
    (tmp_path / "new").mkdir()

    first, second = read_archive(archive, tmp_path / "new")

    assert first.image == second.image  # one picture, kept once
    assert first.image.read_bytes() == known.image.read_bytes()
    for name in ("size", "name", "task", "words", "ground_truth", "answers"):
        assert getattr(first, name) == getattr(known, name)


def test_a_benchmark_of_an_earlier_version_is_read(tmp_path):
    first, second = read_archive(EARLIER_VERSIONS / "benchmark.zip", tmp_path)

    outline = Polygon((Point(0, 0), Point(1, 0), Point(0, 1)))
    assert (first.name, first.task, first.words) == (
        "rote Scheibe",
        Task.GROUNDING,
        "red circle 🔴",
    )
    assert first.ground_truth == (Box(0.125, 0.125, 0.5, 0.625), outline)
    assert first.answers == {"some model": (Box(0.125, 0.125, 0.5, 0.625), Point(0.25, 0.5))}
    assert (second.ground_truth, second.answers) == ((Point(0.25, 0.5),), {})
    again = tmp_path / "again.zip"
    write_archive([first, second], again)
    with zipfile.ZipFile(again) as new, zipfile.ZipFile(EARLIER_VERSIONS / "benchmark.zip") as old:
        assert new.read("benchmark.jsonl") == old.read("benchmark.jsonl")


def zipped(tmp_path, **files):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path


def line(**changes):
    entry = {
        "picture": "pictures/0123456789abcdef.png",
        "task": "grounding",
        "words": "x",
        "truth": {"boxes_xyxy_px": [[0, 0, 1, 1]]},
    }
    return json.dumps(entry | changes)


def png():
    content = io.BytesIO()
    Image.new("RGB", (4, 4)).save(content, "PNG")
    return content.getvalue()


PICTURE = {"pictures__0123456789abcdef_dot_png": png()}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no file benchmark.jsonl"),
        ({"benchmark_dot_jsonl": ""}, "no questions"),
        ({"benchmark_dot_jsonl": line()}, "no file pictures/"),
        ({"benchmark_dot_jsonl": line(picture="../../etc/passwd")}, "picture: String should"),
        (
            {"benchmark_dot_jsonl": line(picture="pictures/../../0123456789ab.png")},
            "picture: String should",
        ),
        ({"benchmark_dot_jsonl": "[" * 100_000}, "Invalid JSON"),
        ({"benchmark_dot_jsonl": b"\xff\xfe"}, "damaged"),
        ({"benchmark_dot_jsonl": line(task="fly"), **PICTURE}, "Line 1"),
        (
            {"benchmark_dot_jsonl": line(truth={"boxes_xyxy_px": [[0, 0, "x", 1]]}), **PICTURE},
            "be a",
        ),
        (
            {"benchmark_dot_jsonl": line(truth={"boxes_xyxy_px": [[0, 0, 1e999, 1]]}), **PICTURE},
            "be a",
        ),
        ({"benchmark_dot_jsonl": line(answers={"m": 3}), **PICTURE}, "be a"),
        (
            {"benchmark_dot_jsonl": line() + "\n" + "\n".join([line()] * 1000), **PICTURE},
            "too many",
        ),
        (
            {"benchmark_dot_jsonl": line(), "pictures__0123456789abcdef_dot_png": b"no"},
            "image in",
        ),
        ({"benchmark_dot_jsonl": b" " * 21_000_000}, "too large"),
        (
            {"benchmark_dot_jsonl": line(), "pictures__0123456789abcdef_dot_png": bytes(300_000)},
            "at most 0 MB",
        ),
    ],
)
def test_zips_that_are_not_ours_are_refused_in_words(files, said, tmp_path):
    path = zipped(tmp_path, **files)
    folder = tmp_path / "pictures"
    folder.mkdir()

    with pytest.raises(InputError, match=said):
        read_archive(path, folder, max_bytes=200_000)
    assert list(tmp_path.iterdir()) == [path, folder] or set(tmp_path.iterdir()) == {path, folder}


def test_pictures_that_are_too_much_together_are_refused_before_the_disk_is_full(tmp_path):
    black = io.BytesIO()
    Image.new("RGB", (900, 300)).save(black, "BMP")  # 810 kB, and 1 kB in the ZIP
    names = [f"pictures/{number:016x}.bmp" for number in range(60)]
    path = zipped(
        tmp_path,
        benchmark_dot_jsonl="\n".join(line(picture=name) for name in names),
        **dict.fromkeys(names, black.getvalue()),
    )
    folder = tmp_path / "pictures"
    folder.mkdir()
    with pytest.raises(InputError, match="more than 20 MB when unpacked"):
        read_archive(path, folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 20_000_000


def test_broken_zips_are_refused_in_words(known, tmp_path):
    archive = tmp_path / "own.zip"
    write_archive([known], archive)
    content = archive.read_bytes()
    for damaged in (
        b"",
        b"no zip",
        content[: len(content) // 2],
        content[:60] + bytes(40) + content[100:],
    ):
        archive.write_bytes(damaged)
        with pytest.raises(InputError):
            read_archive(archive, tmp_path)


@pytest.mark.models
def test_the_embedded_model_is_evaluated_on_a_benchmark_of_ones_own(known, tmp_path):
    archive = tmp_path / "own.zip"
    ours = LabelledQuestion(
        known.image, known.size, "c", Task.GROUNDING, "red circle", known.ground_truth[:1]
    )
    write_archive([ours], archive)
    backend = Backend(default_menu())
    try:
        scores = evaluate("own", backend, "embedded-llava15", data=archive)
        with pytest.raises(SettingsError, match="--data"):
            evaluate("own", backend, "embedded-llava15")
        with pytest.raises(SettingsError, match="its own questions"):
            evaluate("scenes", backend, "embedded-llava15", data=archive)
    finally:
        backend.close()
    assert scores["n"] == 1
    assert scores["hit_rate"] == 1
    assert scores["mean_iou"] > 0.7
