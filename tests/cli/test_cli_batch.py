"""`python -m vlm_demo batch` in this process, as a subprocess, and interrupted."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT
from support.drawings import drawing

from vlm_demo.batch.throughput import format_remaining
from vlm_demo.cli import run
from vlm_demo.cli.commands.batch import resume_command


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        left = 60 + 40 * number
        picture = drawing((320, 240), ("red", "circle", (left, 60, left + 100, 160)))
        picture.save(folder / f"{number}.png")
    (folder / "broken.png").write_text("no picture")
    return folder


@pytest.fixture
def batch(capfd, tmp_path):
    """Run the command on the embedded model; give the exit status, the summary and the notes."""

    def run_it(source, *options, out=tmp_path / "out", model="embedded-kosmos2"):
        arguments = ["batch", source, "--out", out, "--model", model, "--json", *options]
        status = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return run_it


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_folder_is_located_in_and_the_results_stand_in_files(batch, photos, tmp_path):
    files = {name: tmp_path / name for name in ("table.csv", "coco.json")}
    drawn = photos / "drawn"  # inside of the source, and none of it

    def locate():
        return batch(
            *(photos, "--task", "locate", "--words", "red circle", "--at-once", "2"),
            *("--csv", files["table.csv"], "--coco", files["coco.json"], "--annotated", drawn),
        )

    status, summary, err = locate()

    assert status == 1  # one has no answer
    assert (summary["done"], summary["failed"], summary["total"]) == (3, 1, 4)
    assert "broken.png: This file is not a supported image" in err
    results = lines(Path(summary["results"]))
    assert [result["name"] for result in results] == ["0.png", "1.png", "2.png", "broken.png"]
    for number, result in enumerate(results[:3]):
        (box,) = result["items"][0]["boxes_xyxy_px"]
        assert box == pytest.approx([60 + 40 * number, 60, 160 + 40 * number, 160], abs=25)
    rows = list(csv.reader(io.StringIO(files["table.csv"].read_text("utf-8"))))
    assert len(rows) == 5
    assert len(json.loads(files["coco.json"].read_text())["annotations"]) == 3
    assert sorted(path.name for path in drawn.iterdir()) == ["0.png", "1.png", "2.png"]
    before = (tmp_path / "out" / "journal.jsonl").read_bytes()

    status, again, _ = locate()

    assert (status, again) == (1, summary)
    assert (tmp_path / "out" / "journal.jsonl").read_bytes() == before


def test_a_zip_is_described_up_to_a_limit_and_gone_on_with(batch, photos, tmp_path):
    (photos / "broken.png").unlink()
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for picture in sorted(photos.iterdir()):
            archive.write(picture, picture.name)
    ask = ("--task", "describe", "--box", "0,0,0.5,1", "--max-new-tokens", "4")

    status, summary, _ = batch(path, *ask, "--limit", "1", model="embedded-llava15")
    assert (status, summary["total"]) == (0, 1)
    status, summary, _ = batch(path, *ask, model="embedded-llava15")
    assert (status, summary["done"]) == (0, 3)
    header, *_ = lines(tmp_path / "out" / "journal.jsonl")
    assert header["region"] == [0, 0, 0.5, 1]
    assert header["sampling"]["max_new_tokens"] == 4
    assert header["source"] == "photos.zip"

    status, _, err = batch(path, "--task", "caption", model="embedded-llava15")
    assert status == 2
    assert "another job" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "dance"), "choose one of caption, detailed"),
        (("--task", "locate"), "Write something first"),
        (("--task", "describe", "--box", "0,0,2,2"), "from 0 to 1"),
        (("--task", "describe", "--box", "0.5,0,0.5,1"), "has no area"),
        (("--task", "describe", "--box", "left"), "four numbers"),
        (("--task", "describe", "--box", "nan,0,1,1"), "from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything(batch, photos, tmp_path, arguments, words):
    status, summary, err = batch(photos, *arguments)

    assert (status, summary) == (2, None)
    assert words in err
    assert not (tmp_path / "out").exists()


def test_sources_and_places_that_cannot_be_used_are_refused(batch, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("here")

    assert "There are no images" in batch(tmp_path / "empty")[2]
    assert "There is no folder or ZIP" in batch(tmp_path / "nowhere")[2]
    assert "not a ZIP" in batch(tmp_path / "file")[2]
    status, _, err = batch(photos, out=tmp_path / "file" / "out")
    assert status == 2
    assert "cannot be made" in err


def test_an_interrupted_batch_says_how_to_go_on_and_goes_on(batch, tmp_path):
    folder, journal = tmp_path / "many", tmp_path / "out" / "journal.jsonl"
    folder.mkdir()
    for number in range(60):
        Image.new("RGB", (64, 64), (number * 12, 90, 90)).save(folder / f"{number:02}.png")
    options = ["--max-new-tokens", "16", "--at-once", "2", "--model", "embedded-llava15"]
    command = ["batch", str(folder), "--out", str(tmp_path / "out"), *options]
    child = subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A run in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while child.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 3):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)

    assert child.returncode == 130, err
    assert "of 60 images have an answer" in out
    assert resume_command(command) in err
    assert "%|" not in err  # no bar where nobody sees it
    done = lines(journal)[1:]
    assert 2 <= len(done) < 60

    status, summary, _ = batch(folder, *options)

    assert (status, summary["done"]) == (0, 60)
    names = [line["name"] for line in lines(journal)[1:]]
    assert len(names) == len(set(names)) == 60
    assert lines(journal)[1 : len(done) + 1] == done


def test_times_are_said_no_more_exactly_than_they_are_known():
    assert [format_remaining(seconds) for seconds in (4, 300, 7_500, 400_000)] == [
        *("4 s", "5 min", "2 h 5 min", "4 d"),
    ]
