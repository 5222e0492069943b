"""Who may import whom, and what an import costs."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from support import ROOT

import vlm_demo

HEAVY = (
    *("torch", "transformers", "gradio", "openai", "supervision", "cv2", "bitsandbytes"),
    *("sqlalchemy", "evalica", "scipy", "pandas", "pyarrow"),
)


def lint_imports(folder):
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import importlinter.cli as c; c.lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
    )


@pytest.mark.services
def test_the_import_contracts_are_kept():
    outcome = lint_imports(ROOT)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(
        ROOT / "vlm_demo",
        folder / "vlm_demo",
        ignore=lambda _, names: [n for n in names if "." in n and not n.endswith(".py")],
    )
    return folder


@pytest.mark.services
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("backend.py", "import gradio"),
        ("ui/layout.py", "import torch"),
        ("families/llava/llava15.py", "import vlm_demo.engines"),
        ("engines/base.py", "import vlm_demo.families"),
        ("engines/local/inputs/encoding.py", "import vlm_demo.engines.local.decoding.text"),
        ("arena/battles/arena.py", "import vlm_demo.arena.ratings.ratings"),
        ("arena/votes/store.py", "import vlm_demo.arena.ledger.ledger"),
        ("ui/batch/tab.py", "import vlm_demo.ui.arena.tab"),
        ("ui/endpoints/answers.py", "import vlm_demo.ui.batch.tab"),
        ("ui/components/canvas/canvas.py", "import vlm_demo.ui.components.answer.view"),
        ("catalog/spec.py", "import vlm_demo.backend"),
        ("values/regions.py", "import vlm_demo.images.opening"),
        ("cli/main.py", "import openai"),
        ("images/opening.py", "import supervision"),
        ("backend.py", "import sqlalchemy"),
        ("unplaced.py", ""),
    ],
)
def test_a_broken_contract_is_noticed(copied, module, line):
    path = copied / "vlm_demo" / module
    before = path.read_text(encoding="utf-8") if module != "unplaced.py" else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        outcome = lint_imports(copied)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")

    assert outcome.returncode == 1, outcome.stdout


@pytest.mark.services
@pytest.mark.parametrize(
    "statement",
    [
        "import vlm_demo",
        "import vlm_demo.backend",
        "import vlm_demo.cli",
        "from vlm_demo.families import all_families; all_families()",
    ],
)
def test_no_heavy_library_is_imported_before_it_is_needed(statement):
    report = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"

    outcome = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert outcome.stdout.strip() == "[]"


def test_the_public_names_are_sorted_and_exist():
    assert vlm_demo.__all__ == sorted(vlm_demo.__all__)
    for name in vlm_demo.__all__:
        assert getattr(vlm_demo, name).__module__.startswith("vlm_demo.")


def test_what_is_imported_in_the_package_is_public():
    tree = ast.parse((ROOT / "vlm_demo" / "__init__.py").read_text(encoding="utf-8"))
    imported = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]

    assert sorted(imported) == vlm_demo.__all__


def requirement_names():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in lines)
    return {normalised(match[0]) for match in found if match}


def normalised(distribution):
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported_distributions(paths):
    owners = metadata.packages_distributions()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != "vlm_demo":
                    yield top, {normalised(owner) for owner in owners.get(top, ())}


@pytest.mark.thorough
def test_everything_that_is_imported_is_a_requirement():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        normalised(re.match(r"[\w.-]+", line)[0])
        for extra, lines in project["optional-dependencies"].items()
        if extra != "dev"
        for line in lines
    }
    declared = requirement_names() | extras | {"mcp"}  # of gradio[mcp]
    paths = [ROOT / "app.py", *(ROOT / "vlm_demo").rglob("*.py")]

    missing = {top for top, owners in imported_distributions(paths) if not owners & declared}

    assert missing == {"spaces"}  # the Spaces where it is imported bring it along


def test_every_requirement_is_bounded_on_both_sides():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement = line.split("#")[0].strip()
        if requirement:
            assert re.fullmatch(r"[\w.-]+(\[\w+\])?>=[\d.]+,<[\d.]+", requirement), requirement
