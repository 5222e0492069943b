"""Damaged documents and films: pages and frames are read, or refused in words, in their time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from support.mutants import MUTANTS, mutants, try_all
from support.pdf_files import write_pdf

from vlm_demo.images.opening import set_decoder
from vlm_demo.images.workers import WorkerPool
from vlm_demo.media.documents import open_document
from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.media.films import open_film, sample_frames, set_film_reader
from vlm_demo.media.workers import FilmWorkers

pytestmark = pytest.mark.timeout(0)

LIMIT_S = 10.0
"""Seconds after which a worker is ended."""

FEW = MUTANTS // 10 + 1


@pytest.fixture
def image_workers() -> Iterator[None]:
    pool = WorkerPool(limit_s=LIMIT_S)
    set_decoder(pool)
    yield
    set_decoder(None)
    pool.close()


@pytest.fixture
def film_workers() -> Iterator[None]:
    workers = FilmWorkers(2, limit_s=LIMIT_S)
    set_film_reader(workers)
    yield
    set_film_reader(None)
    workers.close()


def test_damaged_documents(image_workers: None, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"

    def read(content: bytes) -> None:
        file.write_bytes(content)
        document = open_document(file)
        if document.pages:
            document.page(document.pages - 1)

    originals = [write_pdf(3), write_pdf(1, is_encrypted=True)]
    assert try_all(read, mutants(originals, FEW)) > 0


def films(folder: Path) -> list[bytes]:
    """Return a film in each of two containers."""
    found = []
    for codec, name in ((FilmCodec("mp4v", "mp4"), "a.mp4"), (FilmCodec("MJPG", "avi"), "a.avi")):
        pictures = []
        for number in range(12):
            picture = Image.new("RGB", (64, 48), "white")
            ImageDraw.Draw(picture).rectangle((number, 8, number + 8, 40), "red")
            pictures.append(picture)
        write_film(folder / name, pictures, 10, codec=codec)
        found.append((folder / name).read_bytes())
    return found


def test_damaged_films(film_workers: None, tmp_path: Path) -> None:
    file = tmp_path / "film"

    def read(content: bytes) -> None:
        file.write_bytes(content)
        for frame in sample_frames(open_film(file), count=4):
            assert frame.image.width > 0

    assert try_all(read, mutants(films(tmp_path), FEW)) > 0
