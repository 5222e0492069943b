"""Fixtures and warning filters of everything that builds the page."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gradio_warnings import IGNORED_WARNINGS
from support.scripted import address, backend, engine

__all__ = ["address", "backend", "engine"]  # fixtures, which pytest finds by their names here

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            for warning in IGNORED_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="module")
def collect_garbage() -> Iterator[None]:
    """Collect what servers left behind after a module, so that it warns about no other one."""
    yield
    gc.collect()
