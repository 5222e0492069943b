"""Pictures of every kind that people bring, and files that only claim to be pictures."""

import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlm_demo.errors import ImageError
from vlm_demo.images.opening import open_image

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def corner(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """White with a red upper left quarter."""
    image = Image.new("RGB", size, "white")
    image.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    return image


def near(pixel: Any, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 95}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("AVIF", {"quality": 95}),
        ("HEIF", {"quality": 95}),
    ],
)
def test_common_formats(format: str, options: dict[str, Any]) -> None:
    picture = open_image(encoded(corner(), format, **options))
    assert (picture.mode, picture.size) == ("RGB", (40, 20))
    assert near(picture.getpixel((4, 4)), RED)
    assert near(picture.getpixel((35, 15)), WHITE)


def test_paths_bytes_and_files_are_the_same_door(tmp_path: Path) -> None:
    content = encoded(corner(), "PNG")
    path = tmp_path / "picture.anything"
    path.write_bytes(content)
    with path.open("rb") as file:
        pictures = [open_image(path), open_image(content), open_image(file)]
    assert len({picture.tobytes() for picture in pictures}) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(orientation: int, format: str) -> None:
    upright = corner()
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(turned) if turned is not None else upright
    picture = open_image(encoded(stored, format, exif=exif.tobytes()))
    assert picture.size == (40, 20)
    assert near(picture.getpixel((4, 4)), RED, 40)
    assert near(picture.getpixel((35, 15)), WHITE, 40)


def test_no_metadata_survives() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    picture = open_image(encoded(corner(), "JPEG", exif=exif.tobytes(), comment=b"secret"))
    assert not picture.info
    assert not picture.getexif()
    for format in ("PNG", "JPEG", "WEBP"):
        assert b"where I live" not in encoded(picture, format)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_metadata_does_not_cost_the_picture() -> None:
    picture = open_image(encoded(corner(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff"))
    assert picture.size == (40, 20)


def test_transparency_becomes_white() -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 5, 10))
    half = Image.new("RGBA", (10, 10), (0, 0, 0, 128))
    for format in ("PNG", "WEBP", "TIFF"):
        picture = open_image(encoded(clear, format))
        assert near(picture.getpixel((8, 5)), WHITE)
        assert near(picture.getpixel((2, 5)), RED)
    assert near(open_image(encoded(half, "PNG")).getpixel((5, 5)), (127, 127, 127))
    grey = Image.new("LA", (4, 4), (0, 0))
    assert open_image(encoded(grey, "PNG")).getpixel((1, 1)) == WHITE


def test_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (10, 10), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 5, 10))
    for format in ("PNG", "GIF"):
        picture = open_image(encoded(image, format, transparency=0))
        assert picture.getpixel((8, 5)) == WHITE
        assert picture.getpixel((2, 5)) == RED


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for format in ("GIF", "WEBP", "PNG", "TIFF"):
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert near(open_image(content).getpixel((4, 4)), RED)


def test_cmyk() -> None:
    for format in ("JPEG", "TIFF"):
        picture = open_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), format))
        assert picture.mode == "RGB"
        assert near(picture.getpixel((4, 4)), RED, 30)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LAB"])
def test_other_modes(mode: str) -> None:
    image = corner().convert("RGB")
    lab = Image.new("LAB", (40, 20), (255, 128, 128))
    image = lab if mode == "LAB" else image.convert(mode)
    picture = open_image(encoded(image, "TIFF" if mode == "LAB" else "PNG"))
    assert picture.mode == "RGB"
    assert near(picture.getpixel((35, 15)), WHITE, 20)


def test_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(1, 256)
    for format in ("PNG", "TIFF"):
        picture = open_image(encoded(Image.fromarray(ramp), format))
        values = [picture.getpixel((x, 0)) for x in range(256)]
        assert values == [pytest.approx((x, x, x), abs=1) for x in range(256)]


def test_dark_sixteen_bit_grey_stays_dark() -> None:
    dark = Image.fromarray(np.full((4, 4), 2_570, np.uint16))
    assert open_image(encoded(dark, "PNG")).getpixel((1, 1)) == (10, 10, 10)


def test_floating_point_grey_is_stretched() -> None:
    values = np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)
    picture = open_image(encoded(Image.fromarray(values), "TIFF"))
    assert [picture.getpixel((x, 0))[0] for x in range(4)] == [0, 128, 255, 0]


def png(width: int, height: int, bits: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG put together by hand, for what Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_sixteen_bit_colour() -> None:
    row = b"\x00" + struct.pack(">6H", 65_535, 0, 0, 65_535, 65_535, 65_535)
    picture = open_image(png(2, 1, 16, 2, row))
    assert [picture.getpixel((x, 0)) for x in range(2)] == [RED, WHITE]
    row = b"\x00" + struct.pack(">8H", 65_535, 0, 0, 65_535, 0, 0, 0, 0)
    picture = open_image(png(2, 1, 16, 6, row))
    assert [picture.getpixel((x, 0)) for x in range(2)] == [RED, WHITE]


@pytest.mark.parametrize("size", [(1, 1), (10_000, 50), (50, 10_000)])
def test_extreme_shapes_keep_their_size(size: tuple[int, int]) -> None:
    assert open_image(encoded(Image.new("RGB", size, "red"), "PNG")).size == size


# Refusals: each is one clear line


def refused(content: Any, **limits: int) -> str:
    with pytest.raises(ImageError) as caught:
        open_image(content, **limits)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"]


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_pictures(format: str) -> None:
    content = encoded(noise(), format)
    message = refused(content[: len(content) // 2])
    assert "damaged" in message or format == "AVIF"  # whose beginning alone is no picture


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format", FORMATS)
def test_damaged_pictures_are_read_or_refused_and_nothing_else(format: str) -> None:
    chance, whole = random.Random(3), encoded(noise().resize((16, 16)), format)
    for _ in range(120):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            open_image(bytes(content[: chance.randint(1, len(content))]))
        except ImageError:
            continue


def test_text_that_is_called_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("This is not a picture.")
    assert "not a supported image (PNG, JPEG" in refused(path)


def test_empty_files() -> None:
    assert "empty" in refused(b"")
    assert "empty" in refused(io.BytesIO())


@pytest.mark.parametrize(
    "text",
    [
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "\ufeff <?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg></svg>",
    ],
)
def test_svg(text: str) -> None:
    assert "SVG" in refused(text.encode())


def test_damaged_documents() -> None:
    assert "document is damaged" in refused(b"%PDF-1.7\n")


def test_formats_that_run_programs_are_not_opened() -> None:
    assert "not a supported image" in refused(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"
    )


def test_decompression_bombs_are_not_decoded() -> None:
    side = 30_000
    bomb = png(side, side, 1, 0, (b"\x00" + b"\x00" * (side // 8)) * 100)
    assert "limit is 40 megapixels" in refused(bomb)
    assert "limit is 40 megapixels" in refused(png(8_000, 8_000, 1, 0, b"\x00" * 100))


def test_the_limit_of_pixels_can_be_set() -> None:
    content = encoded(Image.new("RGB", (100, 100)), "PNG")
    assert "It has 100 x 100" in refused(content, max_pixels=9_999)
    assert open_image(content, max_pixels=10_000).size == (100, 100)


def test_large_files_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(200_000_000)

    def read_bytes(_: Path) -> bytes:
        raise AssertionError("it was read")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert "200 MB; the limit is 20 MB" in refused(path)


def test_an_endless_file_is_read_no_further_than_allowed() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size < 2_000
            return b"x" * size

    assert "limit is 0 MB" in refused(Endless(), max_bytes=1_000)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refused(tmp_path / "none.png")
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.services
@pytest.mark.parametrize("form", ["WEBP", "AVIF", "TIFF"])
def test_the_first_picture_of_a_process_may_be_of_any_format(tmp_path: Path, form: str) -> None:
    Image.new("RGB", (8, 5)).save(tmp_path / "picture", form)
    script = (
        "from pathlib import Path; from vlm_demo.images.opening import open_image; "
        f"print(open_image(Path({str(tmp_path / 'picture')!r})).size)"
    )

    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert shown.stdout.strip() == "(8, 5)", shown.stderr


def test_a_jpeg_that_repeats_a_scan_is_refused_before_it_is_decoded() -> None:
    jpeg = encoded(corner((64, 64)), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match=r"3,\d\d\d scans"):
        open_image(jpeg[:last] + jpeg[last:-2] * 3000 + b"\xff\xd9")
    assert open_image(jpeg).size == (64, 64)


def test_a_png_of_a_million_chunks_is_refused_before_it_is_decoded() -> None:
    png = encoded(corner(), "PNG")
    text = struct.pack(">I", 2) + b"tEXta\0" + struct.pack(">I", zlib.crc32(b"tEXta\0"))
    with pytest.raises(ImageError, match="more than 20,000 chunks"):
        open_image(png[:33] + text * 1_000_000 + png[33:])
    assert open_image(png[:33] + text * 100 + png[33:]).size == (40, 20)


def test_a_picture_of_one_column_is_not_taken_at_any_length() -> None:
    header = struct.pack(">IIBBBBB", 1, 40_000_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    png = encoded(corner(), "PNG")
    tall = png[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]
    with pytest.raises(ImageError, match="40,000,000 pixels; the limit is 100,000"):
        open_image(tall)
