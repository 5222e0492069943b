"""Films: what they hold, their frames and times, and clear words for what is no film."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from vlm_demo.errors import FilmError
from vlm_demo.media.film import FilmFrame
from vlm_demo.media.film_writing import FilmCodec, write_film
from vlm_demo.media.films import open_film, read_frame, sample_frames, set_film_reader
from vlm_demo.media.workers import FilmWorkers

MPEG4 = FilmCodec("mp4v", "mp4")
MOTION_JPEG = FilmCodec("MJPG", "avi")
RATE = 10
FRAMES = 40


def picture(
    number: int, background: str = "white", size: tuple[int, int] = (64, 48)
) -> Image.Image:
    """A bar whose left edge is at one pixel a frame."""
    image = Image.new("RGB", size, background)
    ImageDraw.Draw(image).rectangle((number, 8, number + 8, 40), "red")
    return image


def bar(frame: FilmFrame) -> float:
    """Where the bar begins, in frames."""
    red = frame.image.getchannel("G").point(lambda value: 255 * (value < 128))
    box = red.getbbox()
    assert box
    return box[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def film_path(folder: Path) -> Path:
    path = folder / "bar.mp4"
    assert write_film(path, map(picture, range(FRAMES)), RATE, codec=MPEG4) == FRAMES
    return path


@pytest.fixture(params=["here", "in a worker"])
def reader(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "here":
        yield
        return
    workers = FilmWorkers()
    set_film_reader(workers)
    yield
    set_film_reader(None)
    workers.close()


@pytest.mark.services
@pytest.mark.usefixtures("reader")
def test_frames_are_evenly_spaced_and_have_the_times_of_the_film(film_path: Path) -> None:
    film = open_film(film_path)
    assert (film.size, film.rate, film.frame_count) == ((64, 48), RATE, FRAMES)
    assert film.seconds == pytest.approx(4)
    frames = list(sample_frames(film, count=8, prefer_scene_changes=False))
    assert [frame.seconds for frame in frames] == pytest.approx([0.2 + 0.5 * n for n in range(8)])
    for frame in frames:
        assert bar(frame) == pytest.approx(frame.seconds * RATE, abs=1)
        assert frame.index == pytest.approx(frame.seconds * RATE, abs=0.1)
    each_second = list(sample_frames(film, rate=1, prefer_scene_changes=False))
    assert [frame.seconds for frame in each_second] == pytest.approx([0, 1, 2, 3])
    assert bar(read_frame(film, 2.5)) == pytest.approx(25, abs=1)
    assert read_frame(film, 99).seconds == pytest.approx(3.9)


def test_no_more_frames_come_than_there_are(film_path: Path) -> None:
    frames = list(sample_frames(open_film(film_path), count=500))
    assert [frame.index for frame in frames] == list(range(FRAMES))


def test_a_frame_of_each_scene_is_taken(folder: Path) -> None:
    path = folder / "scenes.mp4"
    colours = ["white"] * 21 + ["black"] * 5 + ["yellow"] * 14
    write_film(path, map(picture, range(FRAMES), colours), RATE, codec=MPEG4)
    film = open_film(path)
    even = [frame.index for frame in sample_frames(film, count=3, prefer_scene_changes=False)]
    assert not {*even} & {*range(21, 26)}  # the short scene would be missed
    assert {*range(21, 26)} & {frame.index for frame in sample_frames(film, count=3)}


def test_frames_of_varying_length_keep_their_times(folder: Path) -> None:
    path = folder / "slow.gif"
    first, *others = (picture(number) for number in range(6))
    lengths = [100, 100, 1000, 100, 500, 100]  # ms
    first.save(path, save_all=True, append_images=others, duration=lengths)
    frames = list(sample_frames(open_film(path), rate=20, prefer_scene_changes=False))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.2, 1.2, 1.3, 1.8])
    assert [bar(frame) for frame in frames] == pytest.approx(range(6), abs=1)


def test_a_film_is_upright_where_its_metadata_turns_it(folder: Path, film_path: Path) -> None:
    content = bytearray(film_path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 4 + 36  # ISO/IEC 14496-12, 8.3.2
    one = 0x10000
    content[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 0x40000000)
    path = folder / "turned.mp4"
    path.write_bytes(content)
    film = open_film(path)
    frame = read_frame(film, 0)
    assert film.size == frame.image.size == (48, 64)


@pytest.mark.parametrize("claimed", [0, 3, 1_000_000])
def test_a_wrong_number_of_frames_is_not_believed(folder: Path, claimed: int) -> None:
    path = folder / f"lying-{claimed}.avi"
    write_film(path, map(picture, range(FRAMES)), RATE, codec=MOTION_JPEG)
    content = bytearray(path.read_bytes())
    # AVIMAINHEADER.dwTotalFrames and AVISTREAMHEADER.dwLength
    for at in (content.index(b"avih") + 8 + 16, content.index(b"strh") + 8 + 32):
        content[at : at + 4] = struct.pack("<I", claimed)
    path.write_bytes(content)
    film = open_film(path)
    assert film.seconds == pytest.approx(4, abs=0.15)
    assert film.frame_count == pytest.approx(FRAMES, abs=1)
    assert len(list(sample_frames(film, count=8))) == 8


def test_large_frames_are_scaled_while_they_are_read(film_path: Path) -> None:
    (frame,) = sample_frames(open_film(film_path), count=1, max_pixels=300)
    assert frame.image.size == (20, 15)


@pytest.mark.thorough
def test_8k_is_read(folder: Path) -> None:
    path = folder / "8k.mp4"
    write_film(path, [picture(9 * n, size=(7680, 4320)) for n in range(3)], RATE, codec=MPEG4)
    film = open_film(path)
    assert film.size == (7680, 4320)
    assert [frame.image.size for frame in sample_frames(film, count=2)] == [(1920, 1080)] * 2


HOSTILE = {
    "text": (b"This is a text, whatever it is called. " * 20, "not a supported video"),
    "nothing": (b"", "not a supported video"),
    "a list of files": (b"ffconcat version 1.0\nfile bar.mp4\n", "not a supported video"),
    "a list of addresses": (
        b"#EXTM3U\n#EXTINF:2,\nbar.mp4\n#EXT-X-ENDLIST\n",
        "not a supported video",
    ),
    "a photo of a phone": (b"\0\0\0\x18ftypheic" + bytes(300), "not a supported video"),
    "a picture in AVIF": (b"\0\0\0\x1cftypavif" + bytes(300), "not a supported video"),
    "a head alone": (b"\0\0\0\x18ftypisom" + bytes(300), "no frames"),
}


@pytest.mark.parametrize("content, words", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_film_is_refused_whatever_its_name(
    folder: Path, content: bytes, words: str
) -> None:
    path = folder / "hostile.mp4"
    path.write_bytes(content)
    with pytest.raises(FilmError, match=words):
        open_film(path)


def test_sound_alone_is_refused(folder: Path, film_path: Path) -> None:
    content = film_path.read_bytes().replace(b"vide", b"soun").replace(b"mp4v\0\0", b"mp4a\0\0")
    path = folder / "sound.mp4"
    path.write_bytes(content)
    with pytest.raises(FilmError, match="only sound"):
        open_film(path)


def test_a_file_that_is_gone_or_too_large_is_refused(film_path: Path) -> None:
    with pytest.raises(FilmError, match="No such file"):
        open_film(film_path.with_name("gone.mp4"))
    with pytest.raises(FilmError, match="limit is 0 MB"):
        open_film(film_path, max_bytes=100)


@pytest.mark.services
def test_a_film_that_takes_too_long_is_given_up(film_path: Path) -> None:
    workers = FilmWorkers(workers=1, limit_s=0.001)
    with pytest.raises(FilmError, match="takes too long"):
        workers.examine(film_path)
    patient = FilmWorkers(workers=1)
    assert patient.examine(film_path).frame_count == FRAMES
    patient.close()


@pytest.mark.services
def test_reading_can_end_early_and_the_next_film_is_read(film_path: Path) -> None:
    workers = FilmWorkers(workers=1)
    set_film_reader(workers)
    film = open_film(film_path)
    for _ in range(2):
        frames = sample_frames(film, count=4)
        next(frames)
        frames.close()
    set_film_reader(None)
    workers.close()
