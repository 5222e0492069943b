"""A page answers everybody else while one visitor sends pictures that take minutes to decode."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image
from support.studio import StudioClient

from vlm_demo.images.decoding_work import MAX_SCANS
from vlm_demo.images.opening import set_decoder
from vlm_demo.images.workers import WorkerPool

pytestmark = pytest.mark.thorough


@pytest.fixture
def workers() -> Iterator[None]:
    pool = WorkerPool(limit_s=3)
    pool.prepare()
    set_decoder(pool)
    yield
    set_decoder(None)
    pool.close()


def scan_bomb(scans: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6_300, 6_300), "red").save(file, "JPEG", progressive=True, quality=1)
    plain = file.getvalue()
    last = plain.rindex(b"\xff\xda")
    return plain[:last] + scans * plain[last:-2] + b"\xff\xd9"


def test_the_page_answers_while_bombs_are_opened(
    address: str, workers: None, tmp_path: Path
) -> None:
    bomb = tmp_path / "bomb.jpg"
    bomb.write_bytes(scan_bomb(MAX_SCANS - 20))

    def throw(_: int) -> str:
        client = StudioClient(address)
        try:
            return str(client.add_image(bomb)["error"])
        finally:
            client.close()

    slowest = 0.0
    with ThreadPoolExecutor(6) as threads, httpx.Client(trust_env=False, timeout=60) as http:
        thrown = [threads.submit(throw, number) for number in range(6)]
        while not all(one.done() for one in thrown):
            begin = time.monotonic()
            assert http.get(address).status_code == 200
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.2)
    assert all("too long to open" in one.result() for one in thrown)
    print(f"Slowest GET / meanwhile: {slowest:.2f} s")
