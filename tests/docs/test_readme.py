"""What the README says is true: what a Space reads, what newcomers type, what each family does."""

import importlib
import itertools
import pkgutil
import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support import ROOT
from support.documents import code_blocks

from vlm_demo import families
from vlm_demo.catalog.menu import default_menu
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


def test_it_is_short():
    assert len(README.encode()) <= 9_000
    assert len((ROOT / "CONTRIBUTING.md").read_bytes()) <= 8_000


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
    licence = (ROOT / "LICENSE").read_text()

    assert "Apache License\n                           Version 2.0" in licence


def test_its_two_commands_install_and_run_and_install_and_test():
    commands = [line for block in code_blocks("bash", "README.md") for line in block.splitlines()]

    assert commands == [
        "pip install -r requirements.txt && python app.py",
        'pip install -e ".[dev]" && pytest',
    ]
    assert "dev" in PROJECT["optional-dependencies"]


def test_the_table_of_families_says_what_each_can_do():
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
    start = next(i for i, line in enumerate(lines) if line.startswith("| Family |"))
    heading, _, *rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    names = [cell.strip() for cell in heading.strip("|").split("|")]
    table = {}
    for row in rows:
        cells = dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
        table[cells["Family"]] = cells

    by_title = {family.title: family for family in all_families().values()}
    for title, cells in table.items():
        family = by_title[title]
        assert {task for name, task in columns.items() if cells[name] != "no"} == {
            task for task in columns.values() if task in family.instructions
        }, title
        assert (cells["Describe a region"] == "own syntax") == family.writes_regions, title


def test_the_table_has_a_row_for_every_file_of_a_family_that_runs_here():
    here = {spec.family for spec in default_menu() if spec.runs_here and spec.engine == "local"}
    rows = set(re.findall(r"^\| ([^|*]+?) \|", BODY, re.MULTILINE))

    for module_info in pkgutil.walk_packages(families.__path__, f"{families.__name__}."):
        module = importlib.import_module(module_info.name)
        native = [
            family
            for family in (getattr(module, "FAMILY", None), *getattr(module, "RELATIVES", ()))
            if family and family.name in here and family.model_types
        ]
        assert not native or rows & {family.title for family in native}, module_info.name
