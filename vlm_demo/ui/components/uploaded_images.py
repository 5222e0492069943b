"""Uploaded pictures, the copies that the browser is shown, and files that the page may serve.

A conversation keeps paths, never pixels: a session then costs bytes, not megabytes, and a streamed
answer does not encode its pictures again with every chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4
from weakref import WeakValueDictionary

from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL.Image import Image

from vlm_demo.errors import FileError, ImageError
from vlm_demo.images.opening import open_image
from vlm_demo.settings import Settings
from vlm_demo.ui.files.folders import find_file, make_folder
from vlm_demo.values import Size

MAX_DISPLAY_SIDE = 2048
"""Longest side, in pixels, of the copy that goes to the browser."""

JPEG_QUALITY = 95
"""JPEG quality of a copy in full resolution: it looks the same, and takes a tenth of a second."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class UploadedImage:
    """A checked picture: the uploaded file, and a small clean copy to show."""

    source: Path
    display_copy: Path  # upright, without metadata, at most MAX_DISPLAY_SIDE pixels a side
    size: Size  # of the source, upright
    name: str  # as the user calls it; for alternative texts and downloads

    def open(self) -> Image:
        """Open the source in full size.

        Raises:
            ImageError: the file has been cleaned away meanwhile.
        """
        if not self.source.is_file():
            raise ImageError("This image is no longer here. Add it again.")
        # It passed the limits when it came in.
        width, height = self.size
        most = self.source.stat().st_size
        return open_image(self.source, max_bytes=most, max_pixels=width * height)

    @property
    def url(self) -> str:
        """Address of the copy, relative to the page, so that it works behind any proxy."""
        return file_url(self.display_copy)

    @property
    def fingerprint(self) -> str:
        """The name by which the browser calls the picture; of one of a visitor, it is random."""
        return self.display_copy.parent.name  # where `store_image` puts it


_open_images: WeakValueDictionary[str, UploadedImage] = WeakValueDictionary()
"""The pictures that somebody's page holds, by fingerprint."""


def accept_image(
    source: Path, settings: Settings, name: str = "", *, owner: str = ""
) -> UploadedImage:
    """Check a picture, also against the limits of the settings, and make the copy that is shown.

    Args:
        source: the file.
        settings: limits for pictures.
        name: what people call it; "": as the file.
        owner: the visitor whose picture it is; "": it is everybody's, such as an example.

    Raises:
        ImageError: the file is not a picture that can be read.
    """
    pixels = open_image(source, max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    return _keep_image(source, pixels, name or source.name, owner)


def accept_drawn(pixels: Image, name: str, *, owner: str) -> UploadedImage:
    """Keep a picture that was drawn here, such as a page of a document.

    Raises:
        FileError: it cannot be written.
    """
    file = make_folder(owner) / "drawn.png"
    _save(pixels, file, format="PNG", compress_level=1)
    return _keep_image(file, pixels, name, owner)


def _keep_image(source: Path, pixels: Image, name: str, owner: str) -> UploadedImage:
    copy = pixels.copy()
    copy.thumbnail((MAX_DISPLAY_SIDE, MAX_DISPLAY_SIDE))
    image = UploadedImage(source, store_image(copy, owner=owner), pixels.size, name)
    _open_images[image.fingerprint] = image
    return image


def full_resolution_url(fingerprint: str) -> str | None:
    """Return the address of a copy in full resolution; None: there is no such picture.

    It is upright and without metadata, like the small one. Only those who have been shown a
    picture know its fingerprint.
    """
    image = _open_images.get(fingerprint) if isinstance(fingerprint, str) else None
    if image is None or not image.source.is_file():
        return None
    copy = image.display_copy.with_name("full.jpg")
    if not copy.is_file():
        part = copy.with_name(f"{uuid4().hex}.part")  # two who ask at once do not mix
        image.open().save(part, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        part.replace(copy)
    return file_url(copy)


def accept_upload(path: object, settings: Settings, owner: str) -> UploadedImage:
    """Check a picture that a visitor says to have uploaded.

    Raises:
        ImageError: it is not a picture, or not a file that was uploaded.
    """
    source = find_file(path, owner)
    if source is None:
        raise ImageError("This image did not arrive. Add it again.")
    return accept_image(source, settings, owner=owner)


def store_image(image: Image, name: str = "picture", *, owner: str = "") -> Path:
    """Write a picture to a file that the page may serve, to everybody or to one visitor.

    That of a visitor is in a folder that nobody can guess, any other in one named by its content.

    Raises:
        FileError: it cannot be written.
    """
    image_format = "png" if max(image.size) <= 1024 else "webp"
    if not owner:
        return Path(save_pil_to_cache(image, get_upload_folder(), name, image_format))
    file = make_folder(owner) / f"{name}.{image_format}"
    _save(image, file)
    return file


def _save(image: Image, file: Path, **options: Any) -> None:
    try:
        image.save(file, **options)
    except OSError as error:
        raise FileError(
            "No file can be written here: {reason}.", reason=error.strerror or error
        ) from error


def file_url(path: Path) -> str:
    """Return the address of a file that the page may serve, relative to the page."""
    return f"gradio_api/file={quote(path.as_posix())}"
