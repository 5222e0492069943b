"""Damaged pictures of twelve formats: each is opened or refused in words, within its time."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw
from support.mutants import MUTANTS, mutants, try_all

from vlm_demo.images.frames import list_frames
from vlm_demo.images.opening import open_image

pytestmark = [
    pytest.mark.timeout(0),
    # As the program does.
    pytest.mark.filterwarnings(r"ignore::UserWarning:PIL\."),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]


def picture(mode: str = "RGB", side: int = 96) -> Image.Image:
    image = Image.new("RGB", (side, side * 2 // 3), "white")
    ImageDraw.Draw(image).ellipse((8, 8, side // 2, side // 2), fill="red")
    return image.convert(mode)


def saved(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, form, **options)
    return buffer.getvalue()


def frames() -> dict[str, object]:
    return {"save_all": True, "append_images": [picture().rotate(90), picture().rotate(180)]}


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    return saved("JPEG", exif=exif)


FORMATS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved("PNG"),
    "palette PNG": lambda: saved("PNG", picture("P"), transparency=0),
    "16-bit PNG": lambda: saved("PNG", picture("L").convert("I;16")),
    "JPEG": with_exif,
    "progressive JPEG": lambda: saved("JPEG", progressive=True),
    "CMYK JPEG": lambda: saved("JPEG", picture("CMYK")),
    "WebP": lambda: saved("WEBP", **frames()),
    "GIF": lambda: saved("GIF", picture("P"), **frames()),
    "TIFF": lambda: saved("TIFF", compression="tiff_lzw", **frames()),
    "BMP": lambda: saved("BMP", picture("P")),
    "AVIF": lambda: saved("AVIF"),
    "HEIF": lambda: saved("HEIF"),
}


def read(content: bytes) -> None:
    image = open_image(content, max_pixels=4_000_000)
    assert image.mode == "RGB"


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_pictures_are_opened_or_refused(form: str) -> None:
    original = FORMATS[form]()
    read(original)
    try_all(read, mutants([original], MUTANTS // len(FORMATS) + 1))


def test_frames_of_damaged_pictures_are_counted(tmp_path) -> None:
    file = tmp_path / "picture"

    def count(content: bytes) -> None:
        file.write_bytes(content)
        assert list_frames(file.read_bytes()).count >= 1

    originals = [FORMATS[form]() for form in ("WebP", "GIF", "TIFF")]
    try_all(count, mutants(originals, MUTANTS // 10 + 1))
