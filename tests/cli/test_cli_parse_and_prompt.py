"""What the commands `parse` and `prompt` print: neither loads a model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT
from support.config_folders import write_config_folder

KOSMOS = {
    "family": "kosmos2",
    "image_size": [640, 480],
    "raw": "<phrase> a fire</phrase><object><patch_index_0005><patch_index_0911></object>",
}


def command(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "vlm_demo", *arguments], cwd=ROOT, input=stdin, capture_output=True
    )


def parsed(*lines: object) -> list[dict]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    outcome = command("parse", stdin=text.encode("utf-8"))
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_outputs_are_read_in_their_order_and_bad_lines_do_not_end_the_run() -> None:
    answers = parsed(
        KOSMOS,
        "{",
        "[1]",
        {**KOSMOS, "family": "quen"},
        {**KOSMOS, "image_size": [640]},
        {**KOSMOS, "image_size": [0, 480]},
        {**KOSMOS, "raw": None},
        {**KOSMOS, "coordinate_space": "miles"},
        {**KOSMOS, "input_size": "big"},
        "[" * 100_000,
        '{"family": ' + "9" * 5000 + "}",
        "",
        {**KOSMOS, "raw": "nothing"},
    )
    assert answers[0] == {
        "text": "a fire",
        "items": [
            {
                "phrase": "a fire",
                "boxes_xyxy_px": [[110.0, 7.5, 310.0, 427.5]],
                "points_px": [],
                "polygons_px": [],
            }
        ],
        "state": "found",
    }
    reasons = [
        "not JSON",
        "must be a JSON object",
        "no model family 'quen'. Did you mean ",
        "image_size[1] is missing",
        "image_size[0] should be greater than 0",
        '"raw" is missing',
        "no coordinate_space 'miles'. Known: unit, n100, ",
        "input_size should be a valid tuple",
        "nested too deeply",
        "not JSON",
    ]
    errors = [answer["error"] for answer in answers[1:-1]]
    assert len(errors) == len(reasons)
    for error, reason in zip(errors, reasons, strict=True):
        assert reason in error
    assert answers[-1] == {"text": "nothing", "items": [], "state": "none"}


def test_bytes_that_are_no_text_and_half_characters_are_survived() -> None:
    lines = [
        b"\xff\xfe",
        json.dumps({**KOSMOS, "raw": "half \ud800 a character"}).encode(),
        "赤い丸".join(('{"family": "smolvlm", "image_size": [9, 9], "raw": "', '"}')).encode(),
    ]
    outcome = command("parse", stdin=b"\n".join(lines))
    broken, half, japanese = map(json.loads, outcome.stdout.splitlines())
    assert "not JSON" in broken["error"]
    assert half["text"] == "half \ud800 a character"
    assert japanese["text"] == "赤い丸"
    assert "赤い丸".encode() in outcome.stdout


def test_answers_come_line_by_line_as_a_pipe_fills() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", "parse"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(KOSMOS).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == "a fire"
        process.stdin.close()
    assert process.returncode == 0


def test_the_space_of_the_numbers_can_be_chosen() -> None:
    llava = {"family": "llava15", "image_size": [200, 100], "raw": "[0.50, 0.50, 1.00, 0.75]"}
    square, whole = parsed(llava, {**llava, "coordinate_space": "normalized_1_xyxy"})
    assert square["items"][0]["boxes_xyxy_px"] == [[100, 50, 200, 100]]
    assert whole["items"][0]["boxes_xyxy_px"] == [[100, 50, 200, 75]]
    for short in ("normalized_1", "normalized_xyxy", "unit", "unit_xyxy"):
        assert parsed({**llava, "coordinate_space": short}) == [whole]
    assert parsed({**llava, "coordinate_space": "square"}) == [square]
    (refused,) = parsed({**llava, "coordinate_space": "moon"})
    assert "There is no coordinate_space 'moon'. Known: unit, n100" in refused["error"]


@pytest.mark.parametrize("name", ["llava15", "embedded-llava15", "llava-hf/llava-1.5-7b-hf"])
def test_a_prompt_is_printed_for_a_family_a_model_and_a_checkpoint(name: str) -> None:
    outcome = command("prompt", "--model", name, "--text", "What is it?")
    assert outcome.stdout == b"USER: <image>\nWhat is it? ASSISTANT:\n"


def test_a_prompt_is_printed_for_a_folder_and_says_as_what_it_is_asked(tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "pixtral-12b", "llava", "pixtral")
    outcome = command("prompt", "--model", str(folder), "--text", "Q", "--json")
    written = json.loads(outcome.stdout)
    assert written["prompt"] == "<s>[INST][IMG]Q[/INST]"
    assert written["identity"] == {"family": "generic", "basis": "none", "detail": ""}
    reason = "Prompted in its own chat template: no family lists it."
    assert written["asked_as"] == reason
    assert reason in outcome.stderr.decode()


def test_a_folder_that_cannot_be_asked_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = write_config_folder(tmp_path / "bert", "bert", "words only")
    outcome = command("prompt", "--model", str(folder))
    assert outcome.returncode == 2
    assert outcome.stderr.decode().count("\n") == 1
    assert "bert takes no images" in outcome.stderr.decode()


def test_a_prompt_holds_region_history_and_pictures(tmp_path: Path) -> None:
    picture = tmp_path / "wide.png"
    Image.new("RGB", (200, 100)).save(picture)
    region = command(
        *("prompt", "--model", "llava15", "--task", "describe_region", "--json"),
        *("--picture", str(picture), "--box", "100,0,200,100"),
    )
    written = json.loads(region.stdout)
    assert "[0.50, 0.25, 1.00, 0.75] ASSISTANT:" in written["prompt"]
    assert written["images"] == 1
    past = command(*("prompt", "--model", "llava15", "--text", "Q2"), "--history", '[["Q1", "A1"]]')
    assert past.stdout == b"USER: <image>\nQ1 ASSISTANT: A1</s>USER: Q2 ASSISTANT:\n"


def test_a_region_that_has_to_be_drawn_is_told(tmp_path: Path) -> None:
    outcome = command("prompt", "--model", "smolvlm", "--task", "describe_region")
    assert b"red box with the number 1" in outcome.stdout
    assert b"drawn onto its copy of the image" in outcome.stderr
