"""Tiny checkpoints, and engines on them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.engines import TinyEngine, load_engine
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.engines import Serving
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.families import get_family


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a tiny checkpoint, by its name in `CHECKPOINTS`."""

    @cache
    def folder(name: str) -> Path:
        return save(CHECKPOINTS[name], tmp_path_factory.mktemp(name))

    return folder


@pytest.fixture(scope="module")
def open_tiny(folder_of: Callable[[str], Path]) -> Iterator[Callable[..., TinyEngine]]:
    """Open an engine on a tiny checkpoint; keyword arguments are those of `Serving`."""
    with ExitStack() as opened:

        def open_engine(name: str, **serving: Any) -> TinyEngine:
            engine = load_engine(folder_of(name), serving=Serving(**serving))
            opened.callback(engine.close)
            return TinyEngine(engine, get_family(CHECKPOINTS[name].family))

        yield open_engine


@pytest.fixture(scope="module")
def tiny(open_tiny: Callable[..., TinyEngine]) -> Callable[[str], TinyEngine]:
    """Return an engine on a tiny checkpoint that the tests of a module share."""
    return cache(open_tiny)


@pytest.fixture(scope="module")
def llava(tiny: Callable[[str], TinyEngine]) -> LocalEngine:
    return tiny("llava").engine


@pytest.fixture(scope="module")
def kosmos(tiny: Callable[[str], TinyEngine]) -> LocalEngine:
    return tiny("kosmos2").engine


@pytest.fixture(scope="module")
def smol(tiny: Callable[[str], TinyEngine]) -> LocalEngine:
    return tiny("smolvlm").engine


@pytest.fixture(scope="module")
def model(open_tiny: Callable[..., TinyEngine]) -> TinyEngine:
    """A LLaVA that answers four requests at a time, and lets three wait."""
    return open_tiny("llava", batch=4, waiting=3)
