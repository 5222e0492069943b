"""The program as another process, and the commands that only pass their options on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

from vlm_demo.cli import lazy

SHORT = ("--max-new-tokens", "6")


def test_evaluate_prints_scores_as_json_and_as_a_table(run_command, menu, monkeypatch):
    asked = []

    def run(benchmark, backend, model, *, seed, limit, **options):
        asked.append((benchmark, model, seed, limit))
        result = {"interval_95": {"low": 0.9, "high": 1}, "measure": "mean", "folder": "there"}
        return result, {"caption_f1": 0.98765, "japanese_em": None, "n": 1200}

    monkeypatch.setattr(lazy, "run_benchmark", run)
    options = ("--model", "tiny-kosmos2", "--seed", "5", "--n", "1200")

    assert run_command("evaluate", *options, "--json").out == (
        '{"caption_f1": 0.98765, "japanese_em": null, "n": 1200}\n'
    )
    assert run_command("evaluate").out.split() == [
        *("SCORE", "tiny-llava15"),
        *("caption_f1", "0.988"),
        *("japanese_em", "not", "measured"),
        *("n", "1200"),
        *("mean,", "95", "%", "0.900", "-", "1.000"),
    ]
    assert asked == [("scenes", "tiny-kosmos2", 5, 1200), ("scenes", "tiny-llava15", 0, None)]


def test_train_prints_the_folder_of_the_finished_model(run_command, monkeypatch, tmp_path):
    asked = []

    def train(recipe, out, *, fresh):
        asked.append((recipe, out, fresh))
        return out or Path("runs/there")

    monkeypatch.setattr(lazy, "train", train)

    assert (
        run_command("train", "--recipe", "a", "--out", tmp_path, "--fresh").out == f"{tmp_path}\n"
    )
    assert run_command("train", "--recipe", "a", "--resume").out == "runs/there\n"
    assert asked == [("a", tmp_path, True), ("a", None, False)]


def test_help_names_every_command(run_process):
    shown = run_process("--help")

    assert shown.returncode == 0
    for command in b"models caption ask locate describe chat parse prompt train evaluate".split():
        assert command in shown.stdout


def test_without_arguments_the_help_is_shown(run_process):
    assert run_process().stdout == run_process("--help").stdout


def test_an_error_in_another_process_is_one_line_and_status_2(run_process):
    failed = run_process("caption", "none.png", "--model", "quen")

    assert failed.returncode == 2
    assert failed.stdout == b""
    assert failed.stderr.startswith(b"Error: There is no model called 'quen'.")
    assert failed.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["caption", "--help"],
        ["models"],
        ["parse"],
        ["prompt", "--model", "llava15", "--text", "What is it?"],
        ["caption", "none.png"],
        ["caption", "x", "-y"],
    ],
)
def test_what_needs_no_model_loads_no_heavy_library(arguments):
    script = (
        "import sys\nfrom vlm_demo.cli import run\nrun(sys.argv[1:])\n"
        "print([m for m in ('torch', 'transformers', 'gradio', 'supervision') if m in sys.modules])"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert outcome.stdout.splitlines()[-1] == "[]"


def test_json_alone_is_on_standard_output_and_is_utf_8(run_process, menu, file):
    answered = run_process(
        *("locate", file, "猫", "--model", "tiny-kosmos2", "--json", *SHORT),
        env=os.environ | {"PYTHONWARNINGS": "default", "PYTHONIOENCODING": "ascii"},
    )

    assert answered.returncode == 0
    assert json.loads(answered.stdout)["text"].startswith("猫")


def test_a_closed_pipe_is_no_traceback(menu):
    process = subprocess.Popen(
        [sys.executable, "-m", "vlm_demo", "models", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    with process.stderr:
        assert b"Traceback" not in process.stderr.read()
    process.wait(timeout=60)
