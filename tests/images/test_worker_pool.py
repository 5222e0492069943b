"""Pictures that are opened in processes of their own: the same pictures, and an end to each."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from vlm_demo.errors import ImageError
from vlm_demo.images.decoding_work import MAX_SCANS
from vlm_demo.images.opening import is_quick_to_open, open_content, open_image, set_decoder
from vlm_demo.images.workers import WorkerPool

pytestmark = pytest.mark.services

LIMITS = {"max_pixels": 40_000_000, "frame": 0}


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool()
    yield pool
    pool.close()


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    random = np.random.default_rng(1)
    return Image.fromarray(random.integers(0, 255, (height, width, 3), dtype=np.uint8))


def scan_bomb(scans: int, side: int) -> bytes:
    """Return a progressive JPEG whose last scan is there many times."""
    plain = encode(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    scan = plain[last:-2]
    return plain[:last] + scans * scan + b"\xff\xd9"


def children() -> set[psutil.Process]:
    return {
        child
        for child in psutil.Process().children()
        if "vlm_demo.images.workers.worker" in " ".join(child.cmdline())
    }


@pytest.fixture
def others() -> set[psutil.Process]:
    """Workers of other tests."""
    return children()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_worker_sees_what_the_program_itself_would(pool: WorkerPool, form: str) -> None:
    content = encode(noise(2200, 2000), form)
    assert not is_quick_to_open(content)
    own = open_content(content, max_pixels=40_000_000, frame=0)
    from_worker = pool.open(content, **LIMITS)
    assert (from_worker.mode, from_worker.size) == ("RGB", (2200, 2000))
    assert from_worker.tobytes() == own.tobytes()


def test_small_pictures_need_no_process(others: set[psutil.Process]) -> None:
    pool = WorkerPool()
    for form in ("JPEG", "PNG"):
        assert pool.open(encode(noise(1600, 1200), form), **LIMITS).size == (1600, 1200)
    assert children() == others


def test_a_frame_and_the_number_of_frames_come_from_a_worker(pool: WorkerPool) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pool.ask({"task": "frames"}, content)[0]["count"] == 3
    third = pool.open(content, max_pixels=1_000, frame=2)
    assert third.getpixel((5, 5)) == (0, 0, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        encode(noise(2200, 2000), "WEBP")[:50_000],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        scan_bomb(MAX_SCANS + 1, 64),
    ],
)
def test_a_worker_refuses_in_the_same_words(pool: WorkerPool, content: bytes) -> None:
    with pytest.raises(ImageError) as own:
        open_content(content, max_pixels=40_000_000, frame=0)
    with pytest.raises(ImageError) as theirs:
        pool.open(content, **LIMITS)
    assert str(theirs.value) == str(own.value)


def test_a_picture_that_takes_too_long_is_given_up_and_its_process_ended(
    others: set[psutil.Process],
) -> None:
    pool = WorkerPool(workers=1, limit_s=0.5)
    begin = time.monotonic()
    with pytest.raises(ImageError, match="takes too long"):
        pool.open(scan_bomb(MAX_SCANS - 10, 6_300), **LIMITS)
    assert time.monotonic() - begin < 10
    assert children() == others
    calm = WorkerPool(workers=1)
    assert calm.open(encode(noise(2200, 2000), "BMP"), **LIMITS).size == (2200, 2000)
    calm.close()


def test_a_worker_that_breaks_down_is_replaced(others: set[psutil.Process]) -> None:
    pool = WorkerPool(workers=1)
    content = encode(noise(2200, 2000), "BMP")
    pool.open(content, **LIMITS)
    (worker,) = children() - others
    worker.kill()
    worker.wait(10)
    with pytest.raises(ImageError, match="too much memory"):
        pool.open(content, **LIMITS)
    assert pool.open(content, **LIMITS).size == (2200, 2000)
    pool.close()


def test_a_worker_has_none_of_the_keys(
    monkeypatch: pytest.MonkeyPatch, others: set[psutil.Process]
) -> None:
    monkeypatch.setenv("VLM_DEMO_OPERATOR_PASSWORD", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    pool = WorkerPool()
    pool.prepare()
    (worker,) = children() - others
    assert "secret" not in worker.environ().values()
    pool.close()
    assert children() == others


def test_many_at_once_each_get_their_own(pool: WorkerPool) -> None:
    def size(width: int) -> int:
        return pool.open(encode(Image.new("RGB", (width, 2_100)), "BMP"), **LIMITS).width

    widths = range(2_001, 2_009)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(size, widths)) == list(widths)


def test_the_program_opens_by_the_decoder_that_it_was_given(
    pool: WorkerPool, tmp_path: Path
) -> None:
    file = tmp_path / "picture.webp"
    file.write_bytes(encode(noise(300, 200), "WEBP"))
    set_decoder(pool)
    try:
        assert open_image(file).size == (300, 200)
        assert len(children()) >= 1
    finally:
        set_decoder(None)
