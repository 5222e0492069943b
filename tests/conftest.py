"""Shared fixtures and markers; no test needs a network or anybody's weights.

Every test has one of six markers. `unit` is what no other marker claims: `pytest -m unit` runs
those tests alone, in a minute, and does not even import what needs torch. What repeats a fact for
thousands of inputs or dozens of families is marked `thorough`, and runs with `pytest -m thorough`.
"""

import gc
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image, ImageDraw
from support.tiny_checkpoints import CHECKPOINTS, save
from support.torchvision_operators import OperatorDefinitions

# Processes that tests start use torchvision as the tests do.
_SITE = str(Path(__file__).parent / "support" / "site")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_SITE, os.environ.get("PYTHONPATH"))))
# Before the conftest of any folder imports transformers, which looks for torchvision.
sys.meta_path.insert(0, OperatorDefinitions())

pytest_plugins = ("support.databases",)

# A busy machine is no failure.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

TESTS = Path(__file__).parent

MARKERS = {
    "answering/test_model_routing.py": "models",
    "api/test_api_server.py": "services",
    "api/test_openai_client.py": "models",
    "arena/ledger": "services",
    "arena/votes": "services",
    "bench": "models",
    "cli": "models",
    "conversion": "models",
    "docs": "models",
    "engines/detector/test_detector_answers.py": "models",
    "engines/detector/test_detector_engine.py": "models",
    "engines/detector/test_photo_nets.py": "models",
    "engines/local": "models",
    "engines/remote/test_remote_engine.py": "services",
    "evaluation": "models",
    "families/test_native_families.py": "models",
    "fuzz": "fuzz",
    "markup/test_damaged_output.py": "thorough",
    "markup/test_reading_work.py": "thorough",
    "real_vllm": "models",
    "test_app.py": "services",
    "test_backend.py": "models",
    "test_bad_input.py": "models",
    "test_pool.py": "models",
    "training/finetuning/test_finetune_run.py": "models",
    "training/recipes": "models",
    "training/rows": "models",
    "ui/browser": "browser",
    "ui/test_page.py": "services",
    "ui/test_scripts.py": "services",
}
"""The marker of all tests in a folder or file, by its path below `tests`."""

MODEL_FIXTURES = {"embedded", "tiny_llava15", "tiny_kosmos2", "tiny_smolvlm"}
"""Fixtures that load a model or write its checkpoint; who uses one is marked `models`."""

SET_BY_HAND = ("models", "services", "browser", "thorough")
"""Markers that a test may have of its own."""

ON_DEMAND = {"fuzz", "thorough"}
"""Markers of tests that run only where they are asked for, as `pytest -m thorough`."""

SERVICE_FIXTURES = {
    "address",
    "backend",
    "open_manager",
    "page",
    "postgres",
    "postgres_url",
    "served",
    "server",
    "transformers_serve",
    "votes_url",
}
"""Fixtures that start a server or open a backend; who uses one is marked `services`."""


class _WithoutTorch(MetaPathFinder):
    """Fails a unit test that imports torch: it belongs to another marker."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "torch":
            raise ModuleNotFoundError("Unit tests run without torch.", name=name)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == "unit":
        sys.meta_path.insert(0, _WithoutTorch())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what has no unit tests: importing it would take longer than running the others."""
    if collection_path == TESTS / "fuzz" and "fuzz" not in config.option.markexpr:
        return True
    if config.option.markexpr != "unit" or not collection_path.is_relative_to(TESTS):
        return None
    return collection_path.relative_to(TESTS).as_posix() in MARKERS or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.get_closest_marker(name) for name in SET_BY_HAND):
            item.add_marker(_marker_of(item))
    unasked = [name for name in ON_DEMAND if name not in config.option.markexpr]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_collection_finish() -> None:
    """Leave what was imported until here out of garbage collections.

    Engines collect when they are closed, which took a second each time with all libraries loaded.
    """
    gc.collect()
    gc.freeze()


def _marker_of(item: pytest.Item) -> str:
    path = item.path.relative_to(TESTS)
    for place in (path, *path.parents):
        if place.as_posix() in MARKERS:
            return MARKERS[place.as_posix()]
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & MODEL_FIXTURES:
        return "models"
    return "services" if fixtures & SERVICE_FIXTURES else "unit"


@pytest.fixture(scope="session")
def tiny_llava15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA with a Llama-like tokenizer, which puts `<s>` in front of a text."""
    return save(CHECKPOINTS["llava"], tmp_path_factory.mktemp("tiny-llava15"))


@pytest.fixture(scope="session")
def tiny_kosmos2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(CHECKPOINTS["kosmos2"], tmp_path_factory.mktemp("tiny-kosmos2"))


@pytest.fixture(scope="session")
def tiny_smolvlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(CHECKPOINTS["smolvlm"], tmp_path_factory.mktemp("tiny-smolvlm"))


@pytest.fixture
def picture() -> Image.Image:
    """A red disc on white, 96 x 64."""
    image = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill="red")
    return image
