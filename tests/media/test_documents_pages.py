"""Pages of documents as pictures: opened one at a time, chosen by number, or refused."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.pdf_files import write_pdf

from vlm_demo.errors import DocumentError, ImageError
from vlm_demo.images.frames import FrameList, list_frames
from vlm_demo.images.opening import open_image, set_decoder
from vlm_demo.images.pdf_pages import MAX_PAGE_PIXELS
from vlm_demo.images.workers import WorkerPool
from vlm_demo.media.documents import MAX_PAGES, choose_pages, open_document


@pytest.fixture
def save(tmp_path: Path):
    def write(content: bytes, name: str = "report.pdf") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def bar_length(page: Image.Image) -> int:
    """Return the length of the black bar at the top, in points of the page."""
    dark = [page.getpixel((x, 5)) < (128, 128, 128) for x in range(page.width)]
    return round(sum(dark) * 200 / page.width)


def test_each_page_is_the_one_that_was_asked_for(save) -> None:
    document = open_document(save(write_pdf(30)))
    assert (document.pages, document.kind) == (30, "document")
    assert [bar_length(document.page(index)) for index in (29, 0, 9)] == [30, 1, 10]
    assert document.page(0).size == (556, 834)  # 200 x 300 points at 200 pixels per inch


def test_a_poster_costs_no_more_than_a_letter(save) -> None:
    page = open_document(save(write_pdf(1, width=14_000, height=9_000))).page(0)
    assert 0.9 * MAX_PAGE_PIXELS < page.width * page.height <= MAX_PAGE_PIXELS * 1.01
    assert open_image(write_pdf(1), max_pixels=10_000).width < 100


def test_pages_and_frames_are_told_apart_and_timed() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    files = {}
    for form, options in {"TIFF": {}, "GIF": {"duration": [40, 500, 10]}}.items():
        file = io.BytesIO()
        frames[0].save(file, form, save_all=True, append_images=frames[1:], **options)
        files[form] = list_frames(file.getvalue())
    assert files["TIFF"] == FrameList(3, "document")
    assert files["GIF"] == FrameList(3, "animation", (0.0, 0.04, 0.54))
    assert list_frames(b"no picture") == FrameList()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_page_of_a_tiff_without_its_width_is_refused() -> None:
    file = io.BytesIO()
    page = Image.new("RGB", (20, 10), "red")
    page.save(file, "TIFF", save_all=True, append_images=[page])
    width = b"\x00\x01\x04\x00\x01\x00\x00\x00\x14\x00\x00\x00"
    whole = file.getvalue()
    assert whole.count(width) == 2, whole
    damaged = whole[: whole.rindex(width)] + bytes([0xFE]) + whole[whole.rindex(width) + 1 :]
    assert list_frames(damaged).count == 1
    with pytest.raises(ImageError, match="damaged"):
        open_image(damaged, frame=1)


def test_pages_are_drawn_small(save) -> None:
    small = open_document(save(write_pdf(3))).draw_thumbnails([2, 0], 120)
    assert [Image.open(io.BytesIO(one)).size for one in small] == [(80, 120)] * 2


def test_damaged_and_encrypted_documents_are_refused(save) -> None:
    whole = write_pdf(3)
    for content, words in {
        write_pdf(2, is_encrypted=True): "encrypted",
        b"%PDF-1.7\n": "damaged",
        whole[:40] + b"\0" * 500: "damaged",
    }.items():
        with pytest.raises(DocumentError, match=words):
            open_document(save(content)).page(0)
    with pytest.raises(DocumentError, match="3 pages"):
        open_document(save(whole)).page(3)


def test_pages_are_chosen_by_numbers_and_ranges() -> None:
    assert choose_pages("", 3) == (0, 1, 2)
    assert choose_pages(" 7, 2-4,3 ", 9) == (6, 1, 2, 3)
    for words, reason in {
        "0": "no pages 0",
        "3-2": "no pages",
        "10": "has 9",
        "x": "numbers",
    }.items():
        with pytest.raises(DocumentError, match=reason):
            choose_pages(words, 9)


def test_a_document_of_5000_pages_opens_and_says_how_many_are_taken(save) -> None:
    document = open_document(save(write_pdf(5_000)))
    assert bar_length(document.page(150)) == 151
    with pytest.raises(DocumentError, match=f"5,000 pages; at most {MAX_PAGES}"):
        choose_pages("", document.pages)
    assert len(choose_pages("4001-5000", document.pages)) == 1_000


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    pool = WorkerPool(workers=1)
    pool.prepare()
    yield pool
    pool.close()


@pytest.mark.services
def test_workers_open_documents_in_the_same_words(save, workers: WorkerPool) -> None:
    encrypted, long = save(write_pdf(2, is_encrypted=True), "secret.pdf"), save(write_pdf(300))
    workers.ask({"task": "frames"}, write_pdf(1))  # it is there, as on a page that runs
    set_decoder(workers)
    try:
        begin = time.monotonic()
        document = open_document(long)
        first = document.page(0)
        assert time.monotonic() - begin < 1
        assert (document.pages, bar_length(first)) == (300, 1)
        assert len(document.draw_thumbnails([5, 299], 100)) == 2
        with pytest.raises(DocumentError, match="encrypted"):
            open_document(encrypted).page(0)
    finally:
        set_decoder(None)
