"""Fixtures for tests of battles, whose votes go into a real database."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from support.battles import Opened, ScriptedArena, Writer

import vlm_demo.backend
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.engines import LoadOptions


@pytest.fixture
def votes(tmp_path: Path) -> Iterator[VoteStore]:
    with closing(VoteStore(str(tmp_path / "votes.db"))) as votes:
        yield votes


@pytest.fixture
def script_arena(votes: VoteStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedArena]:
    def set_up(left: Opened, right: Opened, *more: Opened, **options: Any) -> ScriptedArena:
        names = ("left-model", "right-model", "third-model")
        opened = dict(zip(names, (left, right, *more), strict=False))

        def open_engine(options: LoadOptions, *_: Any) -> Writer:
            engine = opened[options.checkpoint.removeprefix("us/")]
            return engine if isinstance(engine, Writer) else engine()

        monkeypatch.setattr(vlm_demo.backend, "open_engine", open_engine)
        return ScriptedArena(votes, opened, **options)

    return set_up


@pytest.fixture
def scripted(script_arena: Callable[..., ScriptedArena]) -> ScriptedArena:
    return script_arena(Writer("It is", " a dog."), Writer("A", " cat."))


@pytest.fixture(scope="module")
def embedded() -> Iterator[Backend]:
    backend = Backend(default_menu()[1:3], device="cpu")
    yield backend
    backend.close()


@pytest.fixture
def scene() -> Image.Image:
    """A red circle on white, where the embedded models know one."""
    image = Image.new("RGB", (144, 144), "white")
    ImageDraw.Draw(image).ellipse((20, 20, 70, 70), fill="red")
    return image
