"""What the README says is true: its commands run, its names exist, its versions agree."""

import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support import ROOT

from vlm_demo.bench.rows import MEASURES, Report, Row
from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.cli import lazy as edges
from vlm_demo.cli import run
from vlm_demo.families import all_families
from vlm_demo.values import Task

README = (ROOT / "README.md").read_text(encoding="utf-8")
_, FRONT_MATTER, BODY = README.split("---\n", 2)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {
    requirement.name: requirement
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line.split("#")[0].strip()
    for requirement in [Requirement(line.split("#")[0].strip())]
}


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", BODY, flags=re.MULTILINE | re.DOTALL)
    return [content for name, content in fenced if name == language]


COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]
PROGRAM = "python -m vlm_demo "


# What a Space reads


def test_the_front_matter_is_that_of_a_gradio_space():
    matter = yaml.safe_load(FRONT_MATTER)

    assert matter["sdk"] == "gradio"
    assert (ROOT / matter["app_file"]).is_file()
    assert matter["license"] == PROJECT["license"].lower()
    assert len(matter["short_description"]) <= 60
    # https://huggingface.co/docs/hub/spaces-config-reference
    colours = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
    assert matter["colorFrom"] in colours
    assert matter["colorTo"] in colours


def test_the_space_gets_the_versions_that_the_requirements_ask_for():
    matter = yaml.safe_load(FRONT_MATTER)

    assert matter["sdk_version"] in REQUIREMENTS["gradio"].specifier
    assert matter["python_version"] in SpecifierSet(PROJECT["requires-python"])


def test_the_licence_is_the_apache_licence():
    assert (
        "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    )


# What a newcomer types


def test_the_first_two_commands_install_and_run_and_install_and_test():
    assert COMMANDS[:2] == [
        "pip install -r requirements.txt && python app.py",
        'pip install -e ".[dev]" && pytest',
    ]
    assert "dev" in PROJECT["optional-dependencies"]


def test_the_page_lists_its_flags():
    shown = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    for flag in re.findall(r"python app\.py (--[a-z-]+)", BODY):
        assert flag in shown


def test_every_command_is_one_that_is_tested_here():
    others = [command for command in COMMANDS if not command.startswith(PROGRAM)]

    assert others == COMMANDS[:2]


@pytest.fixture
def printed(capfd, monkeypatch, tmp_path):
    """Run a command of the README in a folder that has its pictures, and return what it prints."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)

    def print_it(command, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = run(shlex.split(command.removeprefix(PROGRAM)))
        out, err = capfd.readouterr()
        assert status == 0, err
        return out

    return print_it


def commands(*names):
    return [command for command in COMMANDS if command.split()[3:4] in [[name] for name in names]]


@pytest.mark.parametrize(
    "command", commands("models", "caption", "ask", "locate", "describe", "prompt")
)
def test_a_command_about_a_picture_runs(printed, command, tmp_path):
    assert printed(command).strip()
    for name in re.findall(r"--out (\S+)", command):
        assert (tmp_path / name).stat().st_size


@pytest.mark.parametrize("command", commands("chat"))
def test_a_conversation_runs(printed, command):
    assert printed(command, stdin="What is in this picture?\n/quit\n").strip()


def test_the_commands_of_the_arena_run_one_after_the_other(printed, tmp_path):
    told = commands("battles", "leaderboard", "votes")

    for command in told:
        printed(command.replace("--questions 200", "--questions 13"))

    assert len(told) == 8
    assert (tmp_path / "votes.jsonl").stat().st_size
    assert (tmp_path / "votes.db").stat().st_size


@pytest.mark.parametrize("command", commands("train", "evaluate"))
def test_a_long_command_is_understood(printed, command, monkeypatch):
    asked = []
    monkeypatch.setattr(edges, "train", lambda recipe, out, **_: asked.append(recipe) or out)
    monkeypatch.setattr(edges, "evaluate", lambda *a, **_: asked.append(a[2]) or {"n": 1})

    printed(command)

    assert asked[0] in [spec.name for spec in default_menu() if spec.embedded]


@pytest.mark.parametrize("command", commands("bench"))
def test_a_measurement_is_understood(printed, command, monkeypatch):
    rows = [Row("stop_steps", 1.0)]
    monkeypatch.setattr(edges, "bench", lambda options, say: Report({}, rows))

    assert "stop_steps" in printed(command)


def test_the_table_of_measurements_has_a_line_for_every_target():
    (told,) = re.findall(r"<!-- bench -->(.*?)<!-- /bench -->", BODY, flags=re.DOTALL)
    targets = {}
    for line in told.strip().splitlines()[2:]:
        id, _, target, _ = (cell.strip() for cell in line.strip("|").split("|"))
        targets[id.strip("`")] = (float(re.search(r"[\d.]+", target)[0]), "at most" in target)

    assert targets == {
        id: (measure.target, measure.at_most)
        for id, measure in MEASURES.items()
        if measure.target is not None and not id.startswith("gpu_")
    }


def test_there_is_a_command_for_everything_that_the_command_line_can_do():
    tasks = {command.split()[3] for command in COMMANDS if command.startswith(PROGRAM)}

    assert tasks == {
        *("models", "caption", "ask", "locate", "describe", "chat"),
        *("prompt", "train", "evaluate", "bench"),
        *("battles", "leaderboard", "votes"),
        *("check", "consensus", "batch"),
    }


@pytest.mark.parametrize("block", blocks("sh"))
def test_raw_output_is_read_through_a_pipe(block):
    command = block.replace("python ", f"{shlex.quote(sys.executable)} ")

    ran = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=True)

    (item,) = json.loads(ran.stdout)["items"]
    assert item["boxes_xyxy_px"] == [[320, 120, 480, 240]]


@pytest.mark.parametrize(
    ("block", "models"),
    [
        *zip(
            blocks("toml"),
            [
                ["llava15 local", "smolvlm local"],
                ["qwen2_vl vllm"],
                ["smolvlm local", "llava15 vllm", "qwen2_vl vllm", "gemma3 openai"],
            ],
            strict=True,
        )
    ],
)
def test_a_menu_can_be_loaded(block, models, tmp_path):
    path = tmp_path / "menu.toml"
    path.write_text(block)

    menu = load_menu(path)

    where = [spec.server if spec.engine == "remote" else "local" for spec in menu]
    assert [f"{spec.family} {at}" for spec, at in zip(menu, where, strict=True)] == models


def test_the_families_that_need_vllms_trust_have_templates_of_their_own():
    (told,) = re.findall(r"chat template of their\s+own \(([^)]*) and others\)", BODY)
    with_template = {f.title for f in all_families().values() if f.chat_template is not None}

    for name in told.split(", "):
        assert any(title.startswith(name) for title in with_template), name


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_runs(block):
    ran = subprocess.run(
        [sys.executable, "-c", block],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )

    assert ran.returncode == 0, ran.stderr
    assert "Box(" in ran.stdout


# What it tells


def test_the_families_are_told_as_they_are():
    columns = {
        "Chat": Task.CHAT,
        "Caption": Task.CAPTION,
        "Grounded caption": Task.GROUNDED_CAPTION,
        "Ask": Task.VQA,
        "Locate": Task.GROUNDING,
        "Describe a region": Task.DESCRIBE_REGION,
        "Read text": Task.READ,
    }
    lines = BODY.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| Family that"))
    heading, _, *rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    names = [cell.strip() for cell in heading.strip("|").split("|")]
    told = {}
    written = {family.title for family in all_families().values() if family.writes_regions}
    for row in rows:
        cells = dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
        told[cells["Family that runs here"]] = {
            task for name, task in columns.items() if cells[name] != "no"
        }
        in_words = cells["Describe a region"] == "in its own syntax"
        assert in_words == (cells["Family that runs here"] in written)

    assert len(told) > 20
    assert told == {
        family.title: {task for task in columns.values() if task in family.instructions}
        for family in all_families().values()
        if family.title in told
    }


def test_the_tree_names_what_is_there():
    (tree,) = blocks("")
    named = set(re.findall(r"(?<![\w/.])([\w]+(?:\.py|/))", tree.split("vlm_demo/\n")[1]))
    inside = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "vlm_demo").iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }

    assert named - {"assets/", "tests/"} == inside


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"(?:assets|tests|vlm_demo|\.ci)/[\w/.-]*\w", text)

    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path
