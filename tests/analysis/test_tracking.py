"""Things through a film: linked into tracks that never swap, and exported for other readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from vlm_demo.analysis.tracking import track
from vlm_demo.analysis.tracking.linking import FrameBox, TrackLinker
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.media.film import Film
from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.media.films import open_film, read_frame
from vlm_demo.media.tracks import FrameTime, TrackedFilm
from vlm_demo.rendering.export.film_tracks import export_film, export_film_csv, export_mot
from vlm_demo.scenes.films import CROSSING_SHAPES, draw_film_frame
from vlm_demo.values import Box

NAMES = [f"{shape.colour} {shape.kind}" for shape in CROSSING_SHAPES]


def box_at(x: float, y: float, side: float = 0.1) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def link(frames: list[list[FrameBox]], step_s: float = 0.5) -> TrackLinker:
    linker = TrackLinker()
    for number, found in enumerate(frames):
        linker.add_frame(number, number * step_s, found)
    return linker


def test_two_of_a_kind_that_cross_keep_their_tracks() -> None:
    ways = [(0.1 + 0.04 * n, 0.9 - 0.04 * n) for n in range(21)]
    frames = [[FrameBox("ball", box_at(x, 0.5)) for x in way] for way in ways]
    for found in frames[1::2]:
        found.reverse()  # a model names them in any order
    first, second = link(frames).tracks()
    assert [place.box.x1 for place in first.boxes] == pytest.approx([x - 0.05 for x, _ in ways])
    assert [place.box.x1 for place in second.boxes] == pytest.approx([x - 0.05 for _, x in ways])


def test_a_gap_is_bridged_and_its_boxes_are_called_estimates() -> None:
    frames = [[FrameBox("ball", box_at(0.1 + 0.05 * n, 0.5))] for n in range(8)]
    frames[3] = frames[4] = []
    (only,) = link(frames).tracks()
    assert [place.frame for place in only.boxes if place.is_estimated] == [3, 4]
    assert only.boxes[4].box.iou(box_at(0.3, 0.5)) > 0.95


def test_what_is_elsewhere_or_long_gone_or_of_another_name_is_another_thing() -> None:
    far = [[FrameBox("ball", box_at(0.1, 0.1))], [FrameBox("ball", box_at(0.9, 0.9))]]
    assert len(link(far).tracks()) == 2
    late = [far[0], *[[]] * 20, far[0]]
    assert len(link(late).tracks()) == 2
    other = [far[0], [FrameBox("cube", box_at(0.1, 0.1))]]
    assert [one.label for one in link(other).tracks()] == ["ball", "cube"]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> TrackedFilm:
    """A drawn film, and where its shapes truly are."""
    path = tmp_path_factory.mktemp("films") / "shapes.mp4"
    pictures = (draw_film_frame(number / 10)[0] for number in range(30))
    write_film(path, pictures, 10, codec=FilmCodec("mp4v", "mp4"))
    film = open_film(path)
    linker = TrackLinker()
    times = [FrameTime(5 * number, number / 2) for number in range(6)]
    for number, time in enumerate(times):
        objects = draw_film_frame(time.seconds)[1]
        linker.add_frame(
            number, time.seconds, [FrameBox(one.phrase, one.box, 0.5) for one in objects]
        )
    return TrackedFilm(film, tuple(times), linker.tracks())


def test_coco_is_read_by_its_own_reader(tracked: TrackedFilm, tmp_path: Path) -> None:
    coco = COCO(str(export_film(tracked, "coco", tmp_path, "shapes")))
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == NAMES
    images = coco.loadImgs(coco.getImgIds())
    assert [one["frame_index"] for one in images] == [0, 5, 10, 15, 20, 25]
    for image in images:
        truth = draw_film_frame(image["seconds"])[1]
        found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert [one["track_id"] for one in found] == [1, 2, 3]
        for one, thing in zip(found, truth, strict=True):
            left, top, width, height = one["bbox"]
            assert (left, top, left + width, top + height) == pytest.approx(
                thing.box.to_pixels(tracked.film.size), abs=0.01
            )


def test_mot_and_csv_are_read_back(tracked: TrackedFilm) -> None:
    rows = np.loadtxt(io.StringIO(export_mot(tracked)), delimiter=",")
    assert rows.shape == (18, 10)
    assert rows[:, :2].tolist() == [[frame, one] for frame in range(1, 7) for one in (1, 2, 3)]
    assert set(rows[:, 6]) == {0.5}
    table = list(csv.DictReader(io.StringIO(export_film_csv(tracked))))
    assert [float(row["seconds"]) for row in table[::3]] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert [row["label"] for row in table[:3]] == NAMES
    assert float(table[3]["x2_px"]) == pytest.approx(
        rows[3, 2] - 1 + rows[3, 4], abs=0.02
    )  # from 1


def test_the_annotated_film_shows_the_boxes_where_the_things_are(
    tracked: TrackedFilm, tmp_path: Path
) -> None:
    path = export_film(tracked, "film", tmp_path, "shapes")
    film = open_film(path)
    assert film.seconds == pytest.approx(tracked.film.seconds, abs=0.15)
    assert film.size == tracked.film.size
    plain = np.asarray(draw_film_frame(1.0)[0], dtype=float)
    drawn = np.asarray(read_frame(film, 1.0).image, dtype=float)
    changed = np.abs(plain - drawn).max(axis=2) > 60
    x1, _, x2, y2 = map(round, draw_film_frame(1.0)[1][0].box.to_pixels(film.size))
    assert changed[y2 - 4 : y2 + 3, x1:x2].any(axis=0).mean() > 0.9  # the lower edge of a box


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu())
    yield backend
    backend.close()


def find_in_film(backend: Backend, folder: Path, seconds: int, count: int) -> None:
    path = folder / "film.mp4"
    pictures = (draw_film_frame(number / 10)[0] for number in range(seconds * 10))
    write_film(path, pictures, 10, codec=FilmCodec("mp4v", "mp4"))
    film: Film = open_film(path)
    *_, last = track(backend, "embedded-llava15", film, NAMES, count=count)
    assert [one.label for one in last.result.tracks] == NAMES  # one for each, and no more
    assert len(last.result.frames) == count
    for number, one in enumerate(last.result.tracks):
        truth = [draw_film_frame(frame.seconds)[1][number].box for frame in last.result.frames]
        hits = [place.box.iou(truth[place.frame]) >= 0.5 for place in one.boxes]
        assert sum(hits) >= 0.95 * count, one.label


@pytest.mark.models
def test_three_things_are_found_through_a_short_film(backend: Backend, tmp_path: Path) -> None:
    find_in_film(backend, tmp_path, seconds=4, count=4)


@pytest.mark.thorough
def test_three_things_are_found_through_half_a_minute(backend: Backend, tmp_path: Path) -> None:
    find_in_film(backend, tmp_path, seconds=30, count=60)
