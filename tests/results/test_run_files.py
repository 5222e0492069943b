"""Runs are found as files with their questions and pictures, and damaged ones are only reported."""

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from vlm_demo.errors import ImageError
from vlm_demo.results.pictures import EncodedImage, ImageFile, SceneImage, open_reference
from vlm_demo.results.run_files import QUESTIONS_FILE, RESULTS_FILE, find_runs

CONFIG = {"benchmark": "pope", "model": "a", "questions": 3}
RESULT = {
    "benchmark": "pope",
    "model": "a",
    "measure": "accuracy",
    "results": {"accuracy": 0.75, "japanese_em": None},
    "n-samples": 3,
    "config": CONFIG,
}


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 2), "red").save(file, "PNG")
    return file.getvalue()


def write_run(folder: Path, result: object = None, lines: int = 0) -> None:
    folder.mkdir(parents=True)
    head = json.dumps({"run": CONFIG})
    (folder / QUESTIONS_FILE).write_text("\n".join([head, *["{}"] * lines]) + "\n", "utf-8")
    if result is not None:
        (folder / RESULTS_FILE).write_text(json.dumps(result), "utf-8")


def test_runs_are_found_wherever_they_lie_and_damaged_ones_reported(tmp_path: Path) -> None:
    write_run(tmp_path / "pope" / "done", RESULT)
    write_run(tmp_path / "pope" / "stopped", lines=2)
    write_run(tmp_path / "bad", RESULT | {"results": {"accuracy": "much"}})
    write_run(tmp_path / "worse", {"benchmark": "pope"})
    write_run(tmp_path / "infinite", RESULT | {"results": {"accuracy": float("nan")}})
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / QUESTIONS_FILE).write_bytes(b"\xff\xfe nonsense")
    runs = find_runs(tmp_path)
    done, stopped = runs.by_id["pope/done"], runs.by_id["pope/stopped"]
    assert done.result
    assert done.result.score == 0.75
    assert (stopped.result, stopped.answered, stopped.config.questions) == (None, 2, 3)
    assert sorted(runs.damaged) == ["bad", "infinite", "none", "worse"]
    assert find_runs(tmp_path / "nowhere").by_id == {}


def test_pictures_are_found_again(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    (data / "a.png").write_bytes(png())
    (tmp_path / "secret.png").write_bytes(png())
    encoded = EncodedImage(base64.b64encode(png()).decode())
    for image in (ImageFile(data / "a.png"), ImageFile(tmp_path / "secret.png"), encoded):
        reference = image.refer(data, run)
        assert open_reference(json.loads(json.dumps(reference)), data, run).size == (4, 2)
    assert len(list((run / "pictures").iterdir())) == 1  # the same picture is kept once
    scene = SceneImage(7).refer(data, run)
    assert open_reference(scene, None, run).size == SceneImage(7).open().size


@pytest.mark.parametrize(
    "reference",
    [
        {"file": "../secret.png"},
        {"file": "gone.png"},
        {"kept": "/etc/passwd"},
        {"parquet": "../x.parquet", "column": "image", "group": 0, "row": 0},
        {"scene": "7"},
        {},
    ],
)
def test_a_reference_leads_nowhere_else(tmp_path: Path, reference: dict[str, object]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    with pytest.raises(ImageError):
        open_reference(reference, data, tmp_path / "run")
