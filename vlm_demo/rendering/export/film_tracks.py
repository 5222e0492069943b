"""What was found through a film, in the formats of other programs. Numbers are pixels.

COCO has an image for each frame that was looked at; MOT numbers these frames, and pixels, from 1.
Sources: https://cocodataset.org/#format-data; https://motchallenge.net/instructions (a line is
frame, id, left, top, width, height, confidence, x, y, z).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.markup.region_json import DECIMALS, round_px
from vlm_demo.media.tracks import FrameTime, Track, TrackBox, TrackedFilm
from vlm_demo.rendering.export.annotated_film import write_annotated_film
from vlm_demo.rendering.export.answer_data import to_json_line
from vlm_demo.rendering.export.class_names import class_name
from vlm_demo.rendering.export.csv_table import escape_cell
from vlm_demo.rendering.export.file_names import safe_stem

FilmFormat = Literal["film", "coco", "mot", "csv"]
"""film: a film with the boxes drawn in. The others: by name."""

FILM_FORMATS: tuple[FilmFormat, ...] = get_args(FilmFormat)
"""All formats of what was found through a film."""

CSV_COLUMNS = (
    *("frame", "seconds", "track", "label", "x1_px", "y1_px", "x2_px", "y2_px"),
    *("confidence", "estimated"),
)
"""Names of the columns; `frame` is that of the film, from 0. `estimated` is 1 where the thing was
not found in the frame itself."""


def export_film(tracked: TrackedFilm, form: FilmFormat, folder: Path, name: str) -> Path:
    """Write what was found to a new file in a folder; return it.

    Raises:
        FilmError: the film cannot be read any more, or films cannot be written here.
        FileError: the file cannot be written.
    """
    if form == "film":
        return write_annotated_film(tracked, folder, f"{safe_stem(name)}-boxes")
    endings = {"coco": "coco.json", "mot": "mot.txt", "csv": "tracks.csv"}
    texts = {"coco": export_film_coco, "mot": export_mot, "csv": export_film_csv}
    path = folder / f"{safe_stem(name)}-{endings[form]}"
    with atomic_write(path) as file:
        file.write(texts[form](tracked).encode(errors="replace"))
    return path


def export_film_coco(tracked: TrackedFilm) -> str:
    """Return COCO with an image for each frame; annotations have the number of their track."""
    labels = dict.fromkeys(class_name(track.label) for track in tracked.tracks)
    ids = {label: number for number, label in enumerate(labels, start=1)}
    width, height = tracked.film.size
    stem = safe_stem(tracked.film.path.stem)
    images = [
        {
            "id": number,
            "file_name": f"{stem}-{frame.index:06d}.jpg",
            "width": width,
            "height": height,
            "video_id": 1,
            "frame_index": frame.index,
            "seconds": round(frame.seconds, 3),
        }
        for number, frame in enumerate(tracked.frames, start=1)
    ]
    annotations = [
        {
            "id": number,
            "image_id": place.frame + 1,
            "category_id": ids[class_name(track.label)],
            "track_id": track.id,
            "bbox": _to_corner(tracked, place),
            "area": round(place.box.area * width * height, DECIMALS),
            "segmentation": [],
            "iscrowd": 0,
            "is_estimated": place.is_estimated,
        }
        for number, (_, track, place) in enumerate(_places(tracked), start=1)
    ]
    video = {
        "id": 1,
        "name": tracked.film.path.name,
        "width": width,
        "height": height,
        "fps": round(tracked.film.rate, 3),
    }
    categories = [{"id": number, "name": label} for label, number in ids.items()]
    return to_json_line(
        {
            "videos": [video],
            "images": images,
            "categories": categories,
            "annotations": annotations,
        }
    )


def export_mot(tracked: TrackedFilm) -> str:
    """Return a line for each box, in the order of the frames; a confidence of 1: not known."""
    lines = []
    for _, track, place in _places(tracked):
        confidence = 1 if place.confidence is None else place.confidence
        left, top, width, height = _to_corner(tracked, place)
        corner = round(left + 1, DECIMALS), round(top + 1, DECIMALS)
        numbers = [place.frame + 1, track.id, *corner, width, height, round(confidence, 4)]
        lines.append(",".join(map(str, [*numbers, -1, -1, -1])) + "\n")
    return "".join(lines)


def export_film_csv(tracked: TrackedFilm) -> str:
    """Return a row for each box, in the order of the frames."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for frame, track, place in _places(tracked):
        confidence = "" if place.confidence is None else round(place.confidence, 4)
        place_px = round_px(place.box.to_pixels(tracked.film.size))
        seconds, label = round(frame.seconds, 3), escape_cell(track.label)
        found = [*place_px, confidence, int(place.is_estimated)]
        rows.writerow([frame.index, seconds, track.id, label, *found])
    return table.getvalue()


def _places(tracked: TrackedFilm) -> Iterator[tuple[FrameTime, Track, TrackBox]]:
    """Yield all boxes, in the order of the frames and then of the tracks."""
    boxes = [
        (place.frame, track.id, track, place) for track in tracked.tracks for place in track.boxes
    ]
    for number, _, track, place in sorted(boxes, key=lambda one: one[:2]):
        yield tracked.frames[number], track, place


def _to_corner(tracked: TrackedFilm, place: TrackBox) -> list[float]:
    """Return left, top, width and height in pixels."""
    x1, y1, x2, y2 = place.box.to_pixels(tracked.film.size)
    return list(round_px((x1, y1, x2 - x1, y2 - y1)))
