"""Films, documents and the camera with the embedded model."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil
from PIL import Image

from vlm_demo.analysis.tracking import TrackingStep, track
from vlm_demo.backend import Backend
from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.results import BenchRow, median_row
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.media.documents import open_document
from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.media.films import open_film
from vlm_demo.media.tracks import TrackedFilm
from vlm_demo.scenes.films import CROSSING_SHAPES, draw_film_frame
from vlm_demo.values import Request, Task

MODEL = "embedded-llava15"
NAMES = [f"{shape.colour} {shape.kind}" for shape in CROSSING_SHAPES]
CODEC = FilmCodec("mp4v", "mp4")  # every wheel of OpenCV writes it
FILM_S, FILM_RATE, FRAMES = 30, 10, 60
PAGES, PAGE_SIZE = 300, (1240, 1754)  # A4 at 150 pixels per inch
CAMERA_SIZE, CAMERA_PICTURES = (768, 576), 20
IOU = 0.5


def _open_backend(context: BenchContext) -> Backend:
    """Open the embedded model, and answer once: what is measured is a program that is warm."""
    spec = find(default_menu(), MODEL)
    if not spec.is_here:
        raise UnavailableError(f"{MODEL} is not in assets/models.")
    backend = Backend((spec,), device="cpu", serving=context.serving(8))
    _ask(backend, Image.new("RGB", (64, 64), "white"))
    return backend


def _ask(backend: Backend, image: Image.Image) -> None:
    request = Request(Task.GROUNDING, NAMES[0], (image,))
    with closing(backend.answer(MODEL, request)) as replies:
        for _ in replies:
            pass


def _measure_film(context: BenchContext) -> Iterator[BenchRow]:
    """Find three drawn things through a film of half a minute; the film is written before."""
    seconds, count = (4, 4) if context.options.tiny else (FILM_S, FRAMES)
    path = context.folder / "film.mp4"
    frames = (draw_film_frame(number / FILM_RATE)[0] for number in range(seconds * FILM_RATE))
    write_film(path, frames, FILM_RATE, codec=CODEC)
    first, whole, found, swaps = list[float](), list[float](), list[float](), list[float]()
    with closing(_open_backend(context)) as backend:
        for _ in context.repeats("a film"):
            times = list[float]()
            steps = list[TrackingStep]()
            begun = time.perf_counter()
            for step in track(backend, MODEL, open_film(path), NAMES, count=count):
                times.append(time.perf_counter() - begun)
                steps.append(step)
            share, changes = _compare(steps[-1].result)
            first.append(times[0])
            whole.append(times[-1])
            found.append(share)
            swaps.append(changes)
    note = f"{seconds} s, {count} frames, {len(NAMES)} things"
    yield median_row("film_first_s", first, note)
    yield median_row("film_whole_s", whole, note)
    yield median_row("film_found", found, note)
    yield median_row("film_swaps", swaps, note)


def _compare(film: TrackedFilm) -> tuple[float, int]:
    """Compare tracks with where the things truly are.

    Returns:
        The share of the frames in which the thing is found that is found least often, and how often
        a thing goes on in another track.
    """
    shares, changes = [], 0
    for number in range(len(NAMES)):
        ids = list[int]()
        for at, frame in enumerate(film.frames):
            truth = draw_film_frame(frame.seconds)[1][number]
            hits = [
                (place.box.iou(truth.box), one.id)
                for one, place in film.boxes_in(at)
                if one.label == NAMES[number] and place.box.iou(truth.box) >= IOU
            ]
            if hits:
                ids.append(max(hits)[1])
        shares.append(len(ids) / max(len(film.frames), 1))
        changes += sum(one != other for one, other in pairwise(ids))
    return min(shares), changes


def _measure_document(context: BenchContext) -> Iterator[BenchRow]:
    """Open a PDF and draw its first page, then every page after the other."""
    pages = 12 if context.options.tiny else PAGES
    path = context.folder / "pages.pdf"
    _write_pdf(path, pages)
    first, held = list[float](), list[float]()
    for _ in context.repeats("a PDF"):
        begun = time.perf_counter()
        document = open_document(path)
        width, height = document.page(0).size
        first.append(time.perf_counter() - begun)
        gc.collect()
        process = psutil.Process()
        before = most = process.memory_info().rss
        for index in range(document.pages):
            document.page(index)
            most = max(most, process.memory_info().rss)
        held.append((most - before) / (3 * width * height))
    note = f"{pages} pages"
    yield median_row("pdf_first_page_s", first, note)
    yield median_row("pdf_pages_held", held, note)


def _write_pdf(path: Path, pages: int) -> None:
    first, *others = (
        Image.new("RGB", PAGE_SIZE, (255, 255, 255 - number % 100)) for number in range(2)
    )
    first.save(path, save_all=True, append_images=others * (pages - 1), resolution=150)


def _measure_camera(context: BenchContext) -> Iterator[BenchRow]:
    """Ask about one new picture after the other, as a page does while its camera is on."""
    count = 2 if context.options.tiny else CAMERA_PICTURES
    pictures: Sequence[Image.Image] = [
        draw_film_frame(number / 2)[0].resize(CAMERA_SIZE) for number in range(count)
    ]
    times = list[float]()
    with closing(_open_backend(context)) as backend:
        for _ in context.repeats("the camera"):
            for picture in pictures:
                begun = time.perf_counter()
                _ask(backend, picture)
                times.append(time.perf_counter() - begun)
    yield BenchRow("camera_answer_s", median(times), (min(times), max(times)))


MEASUREMENTS = (
    Measurement(("film_first_s", "film_whole_s", "film_found", "film_swaps"), _measure_film),
    Measurement(("pdf_first_page_s", "pdf_pages_held"), _measure_document),
    Measurement(("camera_answer_s",), _measure_camera),
)
