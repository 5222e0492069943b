"""The browser's modules: their unit tests, types and style, checked by tools of JavaScript.

Node runs the unit tests in `js`. TypeScript and ESLint come from `npm install`; without them their
checks are skipped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vlm_demo.rendering.label_layout import MAX_LABEL_CHARACTERS, MAX_LABEL_COVERAGE
from vlm_demo.ui import browser_files
from vlm_demo.values import MAX_REGIONS

ROOT = Path(__file__).parents[2]
UNIT_TESTS = Path(__file__).with_name("js")


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed.")
    return node


def _tool(name: str) -> str:
    tool = ROOT / "node_modules" / ".bin" / name
    if not tool.exists():
        pytest.skip(f"{name} is not installed: run `npm install`.")
    _node()
    return str(tool)


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_unit_tests_pass() -> None:
    files = [str(path) for path in sorted(UNIT_TESTS.rglob("*.test.js"))]
    assert files
    _run(_node(), "--test", *files)


def test_types_are_right() -> None:
    _run(_tool("tsc"), "--project", "jsconfig.json")


def test_style_is_right() -> None:
    _run(_tool("eslint"), "--max-warnings", "0")


def test_what_is_not_checked_exists() -> None:
    excluded = json.loads((ROOT / "jsconfig.json").read_text(encoding="utf-8"))["exclude"]
    gone = [name for name in excluded if name.endswith(".js") and not (ROOT / name).is_file()]
    assert not gone


@pytest.mark.parametrize(
    ("script", "name", "value"),
    [
        ("found/mention_words.js", "MAX_LABEL_CHARACTERS", MAX_LABEL_CHARACTERS),
        ("found/mention_words.js", "MAX_LABEL_COVERAGE", MAX_LABEL_COVERAGE),
        ("marking/region_editor.js", "MAX_REGIONS", MAX_REGIONS),
    ],
)
def test_canvas_has_the_limits_of_the_server(script: str, name: str, value: float) -> None:
    text = browser_files.read(f"components/canvas/{script}")
    found = re.search(rf"^export const {name} = ([\d.]+);", text, re.MULTILINE)
    assert found is not None
    assert float(found[1]) == value
