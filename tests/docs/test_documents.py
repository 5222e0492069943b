"""What the documents say is true: their commands run, and the files and links they name exist."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from support import ROOT
from support.documents import DOCUMENTS, code_blocks

from vlm_demo.bench.measures import MEASURES
from vlm_demo.bench.results import BenchReport, BenchRow
from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.cli import lazy
from vlm_demo.cli.main import app
from vlm_demo.families import all_families

COMMANDS = [
    line
    for block in code_blocks("bash")
    for line in block.splitlines()
    if line.startswith("vlm-demo ")
]


def commands_of(*names):
    return [command for command in COMMANDS if command.split()[1] in names]


# Commands


@pytest.mark.parametrize(
    "command", commands_of("models", "caption", "ask", "locate", "describe", "prompt")
)
def test_a_command_about_a_picture_runs(run_command, command, tmp_path):
    assert run_command(command).strip()
    for name in re.findall(r"--out (\S+)", command):
        assert (tmp_path / name).stat().st_size


@pytest.mark.parametrize("command", commands_of("check", "consensus", "batch"))
def test_a_command_about_several_answers_runs(run_command, command):
    run_command(command)


@pytest.mark.parametrize("command", commands_of("chat"))
def test_a_conversation_runs(run_command, command):
    assert run_command(command, stdin="What is in this picture?\n/quit\n").strip()


def test_the_commands_of_the_arena_run_one_after_the_other(run_command, tmp_path):
    commands = commands_of("battles", "judge", "leaderboard", "votes")

    for command in commands:
        run_command(command.replace("--questions 200", "--questions 13"))

    assert len(commands) == 12
    assert (tmp_path / "votes.jsonl").stat().st_size
    assert (tmp_path / "votes.db").stat().st_size


@pytest.mark.parametrize("command", commands_of("train", "evaluate"))
def test_a_long_command_is_understood(run_command, command, monkeypatch):
    models = []
    monkeypatch.setattr(lazy, "train", lambda recipe, out, **_: models.append(recipe) or out)
    monkeypatch.setattr(lazy, "make_photo_model", lambda *_: models.append("embedded-photos"))
    result = {"interval_95": None, "folder": ""}
    run = lambda *a, **_: models.append(a[2]) or (result, {"n": 1})  # noqa: E731
    monkeypatch.setattr(lazy, "run_benchmark", run)

    run_command(command)

    assert models[0] in [spec.name for spec in default_menu() if spec.embedded]


@pytest.mark.parametrize("command", commands_of("bench"))
def test_a_measurement_is_understood(run_command, command, monkeypatch):
    rows = [BenchRow("stop_steps", 1.0)]
    monkeypatch.setattr(lazy, "bench", lambda options, say: BenchReport({}, rows))

    assert "stop_steps" in run_command(command)


def test_every_command_of_the_program_is_shown_somewhere():
    known = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
    } | {group.name for group in app.registered_groups}
    text = "\n".join(DOCUMENTS.values())

    assert {name for name in known if f"vlm-demo {name}" not in text} == set()


@pytest.mark.parametrize("block", [one for one in code_blocks("sh") if "vlm_demo parse" in one])
def test_raw_output_is_read_through_a_pipe(block):
    command = block.replace("python ", f"{shlex.quote(sys.executable)} ")

    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=True)

    (item,) = json.loads(result.stdout)["items"]
    assert item["boxes_xyxy_px"] == [[320, 120, 480, 240]]


def test_the_page_knows_the_flags_that_are_named():
    printed = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    for flag in {
        f for text in DOCUMENTS.values() for f in re.findall(r"app\.py (--[a-z-]+)", text)
    }:
        assert flag in printed


# Code


@pytest.mark.parametrize(
    ("block", "models"),
    [
        *zip(
            code_blocks("toml", "docs/models-and-servers.md"),
            [
                ["llava15 local", "smolvlm local"],
                ["smolvlm local"],
                ["qwen2_vl vllm"],
                ["smolvlm local", "llava15 vllm", "qwen2_vl vllm", "gemma3 openai"],
                ["generic local"],
            ],
            strict=True,
        )
    ],
)
def test_a_menu_can_be_loaded(block, models, tmp_path):
    path = tmp_path / "menu.toml"
    path.write_text(block)

    menu = load_menu(path)

    places = [spec.server if spec.engine == "remote" else "local" for spec in menu]
    assert [f"{spec.family} {place}" for spec, place in zip(menu, places, strict=True)] == models


@pytest.mark.parametrize("block", code_blocks("python", "docs/api.md"))
def test_the_python_runs(block):
    result = subprocess.run(
        [sys.executable, "-c", block],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )

    assert result.returncode == 0, result.stderr
    assert "Box(" in result.stdout


# Facts


def test_the_families_that_need_vllms_trust_have_templates_of_their_own():
    text = DOCUMENTS["docs/models-and-servers.md"]
    (names,) = re.findall(r"chat template of their\s+own \(([^)]*) and others\)", text)
    with_template = {f.title for f in all_families().values() if f.chat_template is not None}

    for name in names.split(", "):
        assert any(title.startswith(name) for title in with_template), name


def test_the_table_of_measurements_has_a_line_for_every_target():
    text = DOCUMENTS["docs/performance.md"]
    (table,) = re.findall(r"<!-- bench -->(.*?)<!-- /bench -->", text, flags=re.DOTALL)
    targets = {}
    for line in table.strip().splitlines()[2:]:
        id, _, target, _ = (cell.strip() for cell in line.strip("|").split("|"))
        targets[id.strip("`")] = (float(re.search(r"[\d.]+", target)[0]), "at most" in target)

    assert targets == {
        id: (measure.target, measure.at_most)
        for id, measure in MEASURES.items()
        if measure.target is not None and not id.startswith("gpu_")
    }


def test_the_tree_names_what_is_there():
    (tree,) = code_blocks("", "docs/architecture.md")
    entries = re.findall(r"^  ([\w.]+/?)", tree, re.MULTILINE)
    package = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "vlm_demo").iterdir()
        if (path.suffix == ".py" and not path.name.startswith("__"))
        or (path.is_dir() and path.name != "__pycache__")
    }

    assert set(entries) == package


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_and_links_that_are_named_exist(document):
    text = DOCUMENTS[document]
    paths = re.findall(r"(?<![\w/])(?:assets|tests|vlm_demo|examples|docs|\.ci)/[\w/.-]*\w", text)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    for path in paths:
        assert (ROOT / path).exists(), path
    for link in links:
        assert ((ROOT / document).parent / link).exists(), link
