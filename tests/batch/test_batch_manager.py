"""The page's batches: whose they are, how many run, and what a restart leaves of them."""

import os
import shutil
import time
import zipfile
from threading import Event

import pytest
from PIL import Image
from support import EARLIER_VERSIONS
from support.batch_to_kill import ColourEngine

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.batch.folders import read_batch
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.manager import DELETE_AFTER_S, BatchManager
from vlm_demo.batch.run import BatchState
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import BatchError, InputError, SourceError, UnsupportedTaskError
from vlm_demo.images.opening import open_image
from vlm_demo.settings import Settings
from vlm_demo.values import Box, Sampling, Task

JOB = BatchJob(Task.GROUNDING, "the middle", "colours")
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
def open_manager(engine, tmp_path, monkeypatch):
    """Open a manager as at a start of the program; the one before is left as after a crash."""
    monkeypatch.setattr(vlm_demo.backend, "open_engine", lambda *_, **__: engine)
    managers = []

    def open_it(**settings):
        for manager in managers:
            close(manager)
        managers.append(BatchManager(Backend(MENU), Settings(**settings), tmp_path / "batches"))
        return managers[-1]

    def close(manager):
        for batch in manager._open.values():
            batch.stop()
            batch._run.wait(30)
            batch.close()
        manager._open.clear()

    yield open_it
    for manager in managers:
        close(manager)


def finished(batch):
    assert batch._run.wait(30)
    return batch.progress


def test_a_visitor_finds_the_own_batch_and_nobody_elses(open_manager, uploads):
    manager = open_manager()

    batch = manager.begin("ann", JOB, uploads)

    assert finished(batch).state is BatchState.FINISHED
    assert batch.source.names == ["0 (2).png", "0.png", "1.png", "2.png"]
    assert manager.batch("ann", f" {batch.code.upper()} ") is batch
    assert manager.newest("ann") is batch
    assert manager.newest("ben") is None
    for code in (batch.code, "../ann", "", "a" * 8):
        with pytest.raises(BatchError, match=r"You have no batch"):
            manager.batch("ben", code)
    assert "ann" not in str(batch.folder)
    assert len(batch.code) == 26  # 128 random bits


def test_a_batch_with_a_code_of_an_earlier_version_is_opened(open_manager, uploads):
    manager = open_manager()
    batch = manager.begin("ann", JOB, uploads)
    finished(batch)
    shutil.copytree(batch.folder, batch.folder.with_name("abcd2345"))

    assert manager.batch("ann", "ABCD2345").progress.done == 4
    with pytest.raises(BatchError, match="You have no batch"):
        manager.batch("ann", "abcd23456")


def test_a_batch_goes_on_after_a_restart_though_the_uploads_are_gone(
    open_manager, uploads, gate, engine
):
    gate.clear()
    begun = open_manager(batch=4).begin("ann", JOB, uploads)
    gate.set()
    begun.pause()
    assert finished(begun).state is not BatchState.FAILED
    for path in uploads:
        path.unlink()

    manager = open_manager()
    batch = manager.newest("ann")

    assert batch is not begun and batch.code == begun.code
    assert batch.progress.done == begun.progress.done
    assert finished(manager.resume("ann", batch.code)).done == 4
    assert len(engine.asked) == 4
    assert open_image(batch.extract("0.png")).size == (40, 30)


def test_a_job_that_an_earlier_version_stored_is_read(tmp_path):
    (tmp_path / "job.json").write_bytes((EARLIER_VERSIONS / "batch_job.json").read_bytes())

    stored = read_batch(tmp_path)

    box, sampling = Box(0.125, 0.125, 0.5, 0.625), Sampling(64, 0.5, seed=3)
    assert stored.job == BatchJob(Task.DESCRIBE_REGION, "", "embedded-llava15", sampling, box)
    assert stored.files == {"rote.png": "0.png"}


def test_no_more_batches_run_than_are_allowed(open_manager, uploads, gate):
    manager = open_manager(batch_jobs=2)
    gate.clear()
    ann = manager.begin("ann", JOB, uploads)
    with pytest.raises(BatchError, match="of yours is running"):
        manager.begin("ann", JOB, uploads)
    ben = manager.begin("ben", JOB, uploads)
    with pytest.raises(BatchError, match="2 batches at a time"):
        manager.begin("eve", JOB, uploads)
    assert manager.newest("eve") is None

    gate.set()
    finished(ann)
    assert finished(manager.begin("eve", JOB, uploads)).done == 4
    assert finished(ben).done == 4


def test_what_cannot_be_a_batch_leaves_nothing_behind(open_manager, uploads, tmp_path):
    archive, empty, other = (tmp_path / name for name in ("a.zip", "b.zip", "notes.txt"))
    with zipfile.ZipFile(archive, "w") as file:
        file.write(uploads[0], "one.png")
    with zipfile.ZipFile(empty, "w"):
        pass
    other.write_text("hello")
    manager = open_manager(batch_pictures=3)

    with pytest.raises(InputError, match="Add images"):
        manager.begin("ann", JOB, [])
    with pytest.raises(SourceError, match="either images or a single ZIP"):
        manager.begin("ann", JOB, [archive, uploads[0]])
    with pytest.raises(SourceError, match=r"no images in b\.zip"):
        manager.begin("ann", JOB, [empty])
    with pytest.raises(SourceError, match="no images in notes"):
        manager.begin("ann", JOB, [other])
    with pytest.raises(SourceError, match="more than 3 images"):
        manager.begin("ann", JOB, uploads)
    with pytest.raises(UnsupportedTaskError):
        manager.begin("ann", BatchJob(Task.GROUNDING, "dog", "chat-only"), uploads)
    assert manager.newest("ann") is None
    assert list((tmp_path / "batches").glob("*/*")) == []

    batch = manager.begin("ann", JOB, [archive])
    assert finished(batch).done == 1
    assert batch.source.title == "a.zip"


def test_old_batches_are_deleted_and_running_ones_are_not(open_manager, uploads, gate):
    manager = open_manager(batch_jobs=3)
    old = manager.begin("ann", JOB, uploads)
    finished(old)
    gate.clear()
    running = manager.begin("ben", JOB, uploads)
    old.last_look_s -= 10_000
    for folder in (old.folder, running.folder):
        for path in folder.glob("j*"):
            os.utime(path, (time.time() - DELETE_AFTER_S - 60,) * 2)

    manager.begin("eve", JOB, uploads)

    assert not old.folder.exists()
    assert running.folder.exists()
    with pytest.raises(BatchError):
        manager.batch("ann", old.code)
    gate.set()
    assert finished(running).done == 4
