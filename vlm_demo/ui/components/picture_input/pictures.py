"""Pictures on the page: what came in, and the copy that the browser is shown.

A conversation keeps paths, never pixels: a session then costs bytes, not megabytes, and a streamed
answer does not encode its pictures again with every piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4
from weakref import WeakValueDictionary

from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL.Image import Image

from vlm_demo.errors import ImageError
from vlm_demo.images import open_image
from vlm_demo.settings import Settings
from vlm_demo.values import Size

LARGEST_SHOWN = 2048  # pixels of the longer side of the copy that goes to the browser

QUALITY = 95
"""Of a full-size copy, as JPEG: nothing is seen of it, and it is there in a tenth of a second."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Picture:
    """A checked picture: the file that came in, and a small clean copy to show."""

    source: Path
    shown: Path  # upright, without metadata, at most LARGEST_SHOWN pixels a side
    size: Size  # of the source, upright
    name: str  # as the user calls it; for alternative texts and downloads

    def open(self) -> Image:
        """Open the source in full size.

        Raises:
            ImageError: the file has been cleaned away meanwhile.
        """
        if not self.source.is_file():
            raise ImageError("This picture is no longer here. Please add it again.")
        # It passed the limits when it came in.
        width, height = self.size
        most = self.source.stat().st_size
        return open_image(self.source, max_bytes=most, max_pixels=width * height)

    @property
    def url(self) -> str:
        """Address of the copy, relative to the page, so that it holds behind any proxy."""
        return file_url(self.shown)

    @property
    def fingerprint(self) -> str:
        """Tells pictures apart by what is seen on them, and gives nothing away about the others."""
        return self.shown.parent.name  # where `keep` puts it: a hash of the copy's bytes


_here: WeakValueDictionary[str, Picture] = WeakValueDictionary()
"""By fingerprint, as long as somebody's page holds them."""


def take(source: Path, settings: Settings, name: str = "") -> Picture:
    """Check a picture, against the limits of the settings too, and make the copy that is shown.

    Raises:
        ImageError: the file is not a picture that can be read.
    """
    image = open_image(source, max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    copy = image.copy()
    copy.thumbnail((LARGEST_SHOWN, LARGEST_SHOWN))
    picture = Picture(source, keep(copy), image.size, name or source.name)
    _here[picture.fingerprint] = picture
    return picture


def full_copy(fingerprint: str) -> str | None:
    """Make the copy of a picture that is shown from close by; None: there is no such picture.

    It is upright and without metadata, like the small one, and has all pixels. Whoever knows a
    fingerprint has been shown the picture.
    """
    picture = _here.get(fingerprint) if isinstance(fingerprint, str) else None
    if picture is None or not picture.source.is_file():
        return None
    copy = picture.shown.with_name("full.jpg")
    if not copy.is_file():
        half = copy.with_name(f"{uuid4().hex}.part")  # two who ask at once do not mix
        picture.open().save(half, "JPEG", quality=QUALITY, subsampling=0)
        half.replace(copy)
    return file_url(copy)


def take_upload(path: str, settings: Settings) -> Picture:
    """Check a picture that a browser says it has uploaded.

    Raises:
        ImageError: it is not a picture, or not a file that was uploaded.
    """
    source = uploaded(path)
    if source is None:
        raise ImageError("This picture did not arrive. Please add it again.")
    return take(source, settings)


def uploaded(path: object) -> Path | None:
    """Return the file of an upload; None where there is no such file.

    Anybody can send any path; only what went through the upload is opened.
    """
    if not isinstance(path, str):
        return None
    source, folder = Path(path).resolve(), Path(get_upload_folder()).resolve()
    return source if source.is_relative_to(folder) and source.is_file() else None


def keep(image: Image, name: str = "picture") -> Path:
    """Write a picture where the page may serve it from, named by its content."""
    image_format = "png" if max(image.size) <= 1024 else "webp"
    return Path(save_pil_to_cache(image, get_upload_folder(), name, image_format))


def file_url(path: Path) -> str:
    """Address of a file that the page may serve, relative to the page."""
    return f"gradio_api/file={quote(path.as_posix())}"
