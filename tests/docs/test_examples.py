"""The scripts in `examples/` run, and print what they promise."""

import json
import os
import subprocess
import sys

import pytest
from support import ROOT, scripted
from support.chat_server import chat_server, saying
from support.documents import DOCUMENTS
from support.scripted import backend, engine

__all__ = ["backend", "engine"]  # fixtures, which pytest finds by their names here

EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def run_example(name, *arguments):
    """Run a script as a newcomer does; return what it prints."""
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def page(backend, tmp_path_factory):
    with scripted.served(backend, tmp_path_factory.mktemp("page"), mcp=True) as address:
        yield address.rstrip("/")


def test_there_are_seven_and_the_docs_name_them():
    scripts = {path.name for path in EXAMPLES.glob("*.py")}

    assert len(scripts) == 7
    text = "\n".join(DOCUMENTS.values())
    assert {name for name in scripts if f"examples/{name}" not in text} == set()


def test_a_client_of_the_api_locates_something(page):
    picture = str(ROOT / "assets/examples/shapes.png")

    printed = run_example("api_client.py", picture, "red circle", "--page", page)

    assert printed.startswith("red circle [[")


def test_a_client_of_mcp_lists_the_tools_and_calls_one(page):
    picture = str(ROOT / "assets/examples/shapes.png")

    printed = run_example("mcp_client.py", picture, "red circle", "--page", page)

    assert set(printed.splitlines()[0].split()) == {"tools:", *scripted.ENDPOINTS}
    assert "boxes_xyxy_px" in printed


def test_a_model_on_an_openai_server_is_asked_in_its_familys_way():
    answer = "<|box_start|>(500,250),(750,500)<|box_end|>"
    with chat_server(saying("<|object_ref_start|>elephant<|object_ref_end|>", answer)) as server:
        printed = run_example("openai_server.py", server.base_url, "m", "qwen2_vl")

    assert printed.splitlines()[1] == "elephant [(320.0, 132.75, 480.0, 265.5)]"


def test_a_menu_of_ones_own_is_loaded_and_asked():
    lines = run_example("custom_menu.py").splitlines()

    assert [line.split(":")[0] for line in lines[:3]] == [
        "Shapes and emoji",
        "SmolVLM",
        "Qwen2-VL 7B on a server",
    ]
    assert "elephant" in lines[3]


def test_raw_output_is_read_without_a_model():
    lines = run_example("read_output.py").splitlines()

    assert lines == ["There is a cat here.", "a cat [(320.0, 120.0, 480.0, 240.0)]"]


def test_a_benchmark_of_ones_own_is_scored():
    scores = dict(line.split(": ") for line in run_example("own_benchmark.py").splitlines())

    assert float(scores["mean_iou"]) > 0.5
    assert float(scores["n"]) == 3


def test_scenes_with_new_shapes_are_drawn_with_their_boxes(tmp_path):
    run_example("new_shapes.py", "draw", str(tmp_path / "set"), "--scenes", "2", "--shapes", "flag")

    data = json.loads((tmp_path / "set" / "instances.json").read_text())
    assert len(data["images"]) == 2
    assert "flag" in {one["name"].split()[-1] for one in data["categories"]}
