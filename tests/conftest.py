"""Shared fixtures; no test needs a network or anybody's weights."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest
from PIL import Image, ImageDraw
from support.tiny_checkpoints import CHECKPOINTS, save

pytest_plugins = ("support.databases",)


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
