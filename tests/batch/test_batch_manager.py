"""The page's batches: whose they are, how many run, and what a restart leaves of them."""

import os
import time
import zipfile
from threading import Event

import pytest
from PIL import Image
from support.batch_to_kill import ColourEngine

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.batch.job import Job
from vlm_demo.batch.manager import KEPT_S, BatchManager
from vlm_demo.batch.running import State
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import BatchError, InputError, SourceError, UnsupportedTaskError
from vlm_demo.images import open_image
from vlm_demo.settings import Settings
from vlm_demo.values import Task

JOB = Job(Task.GROUNDING, "the middle", "colours")
MENU = (
    ModelSpec(name="colours", family="llava15", checkpoint="here"),
    ModelSpec(name="chat-only", family="smolvlm", checkpoint="here"),
)


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    """Four pictures, two of them of the same name, where Gradio puts uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    paths = []
    for number in range(4):
        path = tmp_path / f"upload{number}" / f"{number % 3}.png"
        path.parent.mkdir()
        Image.new("RGB", (40, 30), (number * 40, 9, 9)).save(path)
        paths.append(path)
    return paths


@pytest.fixture
def gate():
    """Pictures are answered when this is set."""
    gate = Event()
    gate.set()
    return gate


@pytest.fixture
def engine(gate):
    engine = ColourEngine()

    def stream(prompt, sampling, plain=engine.stream):
        assert gate.wait(30)
        yield from plain(prompt, sampling)

    engine.stream = stream
    return engine


@pytest.fixture
def open_desk(engine, tmp_path, monkeypatch):
    """Open a desk, as a start of the program does; the one before is left as a crash leaves it."""
    monkeypatch.setattr(vlm_demo.backend, "open_engine", lambda *_, **__: engine)
    desks = []

    def open_it(**settings):
        for desk in desks:
            close(desk)
        desks.append(BatchManager(Backend(MENU), Settings(**settings), tmp_path / "batches"))
        return desks[-1]

    def close(desk):
        for batch in desk._open.values():
            batch.stop()
            batch._run.wait(30)
            batch.close()
        desk._open.clear()

    yield open_it
    for desk in desks:
        close(desk)


def finished(batch):
    assert batch._run.wait(30)
    return batch.standing


def test_a_visitor_finds_the_own_batch_and_nobody_elses(open_desk, uploads):
    desk = open_desk()

    batch = desk.begin("ann", JOB, uploads)

    assert finished(batch).state is State.FINISHED
    assert batch.source.names == ["0 (2).png", "0.png", "1.png", "2.png"]
    assert desk.batch("ann", f" {batch.code.upper()} ") is batch
    assert desk.newest("ann") is batch
    assert desk.newest("ben") is None
    for code in (batch.code, "../ann", "", "a" * 8):
        with pytest.raises(BatchError, match=r"no batch .* of yours"):
            desk.batch("ben", code)
    assert "ann" not in str(batch.folder)


def test_a_batch_goes_on_after_a_restart_though_the_uploads_are_gone(
    open_desk, uploads, gate, engine
):
    gate.clear()
    begun = open_desk(batch=4).begin("ann", JOB, uploads)
    gate.set()
    begun.pause()
    assert finished(begun).state is not State.FAILED
    for path in uploads:
        path.unlink()

    desk = open_desk()
    batch = desk.newest("ann")

    assert batch is not begun and batch.code == begun.code
    assert batch.standing.done == begun.standing.done
    assert finished(desk.go_on("ann", batch.code)).done == 4
    assert len(engine.asked) == 4
    assert open_image(batch.extract("0.png")).size == (40, 30)


def test_no_more_batches_run_than_are_allowed(open_desk, uploads, gate):
    desk = open_desk(batch_jobs=2)
    gate.clear()
    ann = desk.begin("ann", JOB, uploads)
    with pytest.raises(BatchError, match="of yours is running"):
        desk.begin("ann", JOB, uploads)
    ben = desk.begin("ben", JOB, uploads)
    with pytest.raises(BatchError, match="2 batches at a time"):
        desk.begin("eve", JOB, uploads)
    assert desk.newest("eve") is None

    gate.set()
    finished(ann)
    assert finished(desk.begin("eve", JOB, uploads)).done == 4
    assert finished(ben).done == 4


def test_what_cannot_be_a_batch_leaves_nothing_behind(open_desk, uploads, tmp_path):
    archive, empty, other = (tmp_path / name for name in ("a.zip", "b.zip", "notes.txt"))
    with zipfile.ZipFile(archive, "w") as file:
        file.write(uploads[0], "one.png")
    with zipfile.ZipFile(empty, "w"):
        pass
    other.write_text("hello")
    desk = open_desk(batch_pictures=3)

    with pytest.raises(InputError, match="add pictures"):
        desk.begin("ann", JOB, [])
    with pytest.raises(SourceError, match="not both"):
        desk.begin("ann", JOB, [archive, uploads[0]])
    with pytest.raises(SourceError, match=r"no pictures in b\.zip"):
        desk.begin("ann", JOB, [empty])
    with pytest.raises(SourceError, match="no pictures in notes"):
        desk.begin("ann", JOB, [other])
    with pytest.raises(SourceError, match="more than 3 pictures"):
        desk.begin("ann", JOB, uploads)
    with pytest.raises(UnsupportedTaskError):
        desk.begin("ann", Job(Task.GROUNDING, "dog", "chat-only"), uploads)
    assert desk.newest("ann") is None
    assert list((tmp_path / "batches").glob("*/*")) == []

    batch = desk.begin("ann", JOB, [archive])
    assert finished(batch).done == 1
    assert batch.source.title == "a.zip"


def test_old_batches_are_deleted_and_running_ones_are_not(open_desk, uploads, gate):
    desk = open_desk(batch_jobs=3)
    old = desk.begin("ann", JOB, uploads)
    finished(old)
    gate.clear()
    running = desk.begin("ben", JOB, uploads)
    old.looked_s -= 10_000
    for folder in (old.folder, running.folder):
        for path in folder.glob("j*"):
            os.utime(path, (time.time() - KEPT_S - 60,) * 2)

    desk.begin("eve", JOB, uploads)

    assert not old.folder.exists()
    assert running.folder.exists()
    with pytest.raises(BatchError):
        desk.batch("ann", old.code)
    gate.set()
    assert finished(running).done == 4
