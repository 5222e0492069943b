"""A film as a row of pictures with times."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from vlm_demo.errors import DocumentError, FilmError
from vlm_demo.media.film_strip import open_film_strip
from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.media.films import sample_frames


def test_frames_of_a_film_are_pictures_with_times(tmp_path: Path) -> None:
    path = tmp_path / "grey.avi"
    greys = [Image.new("RGB", (64, 48), (10 * number,) * 3) for number in range(20)]
    write_film(path, greys, 10, codec=FilmCodec("MJPG", "avi"))
    strip = open_film_strip(path, max_bytes=1_000_000)
    assert (strip.kind, strip.pages, len(strip.frames.times)) == ("film", 20, 20)
    assert list(strip.frames.times) == pytest.approx([number / 10 for number in range(20)])
    assert strip.page(15).getpixel((5, 5))[0] == pytest.approx(150, abs=12)
    (small,) = strip.draw_thumbnails([3], 32)
    assert Image.open(io.BytesIO(small)).size == (32, 24)
    few = open_film_strip(path, max_bytes=1_000_000, count=7)
    taken = sample_frames(few.film, count=7, prefer_scene_changes=False)
    assert list(few.frames.times) == pytest.approx([frame.seconds for frame in taken])
    with pytest.raises(DocumentError, match="20 pages"):
        strip.page(20)
    with pytest.raises(FilmError, match="the limit is"):
        open_film_strip(path, max_bytes=100)
