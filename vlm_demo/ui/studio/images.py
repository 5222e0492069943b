"""The pictures of Studio: each has a name that nobody can guess, and belongs to one visitor."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TypedDict
from urllib.parse import urlsplit

from PIL.Image import Image

from vlm_demo.errors import ForgottenImageError, ImageError, InputError
from vlm_demo.images.frames import MAX_THUMBNAIL_SIDE, MAX_THUMBNAILS
from vlm_demo.images.pdf_pages import is_pdf_file
from vlm_demo.media.documents import open_document
from vlm_demo.media.film import Film
from vlm_demo.media.film_strip import FilmStrip
from vlm_demo.media.framed_files import FramedFile, open_framed_file
from vlm_demo.settings import Settings
from vlm_demo.ui.components.fetching import fetch_picture
from vlm_demo.ui.components.uploaded_images import (
    UploadedImage,
    accept_drawn,
    accept_image,
    file_url,
    full_resolution_url,
)
from vlm_demo.ui.files.folders import find_file, make_folder
from vlm_demo.ui.studio.answering.protocol import MAX_NAME

MAX_IMAGES = 20_000
"""Number of pictures beyond which the one that was used longest ago is forgotten."""

ID_BYTES = 16
"""Length of a picture's name, in random bytes."""


class ImageInfo(TypedDict):
    """What a browser is told about a picture."""

    id: str
    url: str  # of a small copy, relative to the page
    name: str
    width: int  # of the whole picture, upright
    height: int
    frames: int  # of an animation, or pages of a document; the picture is the first one
    kind: str  # picture, document, animation or film
    times: Sequence[float]  # seconds at which each frame of an animation begins; or none


class ImageStore:
    """The pictures that browsers have sent, by the names that they were given.

    A browser that names one of another visitor learns nothing: it is told the same as for a picture
    that never existed. After a restart the store is empty; browsers then send their pictures again.
    """

    def __init__(self, settings: Settings, *, most: int = MAX_IMAGES) -> None:
        """Build an empty store.

        Args:
            settings: limits for pictures.
            most: number of pictures beyond which the oldest is forgotten.
        """
        self._settings = settings
        self._most = most
        self._images: OrderedDict[str, tuple[str, UploadedImage, FramedFile | None]] = OrderedDict()
        self._lock = Lock()

    def add_upload(self, path: object, name: str, owner: str) -> ImageInfo:
        """Check a file that a browser says it has uploaded, and keep it.

        Raises:
            ImageError: it did not arrive, or is not a picture that can be read.
        """
        source = find_file(path, owner)
        if source is None:
            raise ImageError("This image did not arrive. Add it again.")
        return self.add_file(source, name or source.name, owner)

    def add_file(self, source: Path, name: str, owner: str) -> ImageInfo:
        """Check a file and keep it.

        Raises:
            ImageError: it is not a picture that can be read.
        """
        document = self._open_document(source)
        if isinstance(document, FilmStrip) or is_pdf_file(source):
            image = accept_drawn(document.page(0), name, owner=owner)
        else:
            image = accept_image(source, self._settings, name, owner=owner)
        return self._keep(image, owner, document)

    def add_frame(self, image_id: str, frame: int, owner: str) -> ImageInfo:
        """Keep another frame of an animation, or page of a document, as a picture of its own.

        Args:
            image_id: the picture.
            frame: which one, from 0.
            owner: the visitor.

        Raises:
            ForgottenImageError: the visitor has no such picture.
            DocumentError: it has no such frame.
            ImageError: that cannot be read.
        """
        name = self.find(image_id, owner).name
        document = self._find_document(image_id, owner)
        word = "page" if document.kind == "document" else "frame"
        own_name = f"{PurePosixPath(name).stem}-{word}-{frame + 1}.png"
        return self._keep(accept_drawn(document.page(frame), own_name, owner=owner), owner, None)

    def draw_thumbnails(self, image_id: str, frames: Sequence[int], owner: str) -> list[str]:
        """Draw frames of an animation, or pages of a document, small; return their addresses.

        A frame that is damaged has "" in the place of an address.

        Raises:
            ForgottenImageError: the visitor has no such picture.
            DocumentError: it has no such frame.
            ImageError: it cannot be read.
        """
        document = self._find_document(image_id, owner)
        wanted = list(frames)[:MAX_THUMBNAILS]
        folder = make_folder(owner)
        urls = []
        for frame, content in zip(
            wanted, document.draw_thumbnails(wanted, MAX_THUMBNAIL_SIDE), strict=True
        ):
            file = folder / f"{frame}.jpg"
            file.write_bytes(content)
            urls.append(file_url(file) if content else "")
        return urls

    def find_film(self, image_id: str, owner: str) -> Film:
        """Return a film of a visitor.

        Raises:
            ForgottenImageError: the visitor has no such picture, or its file is gone.
            InputError: it is no film.
        """
        document = self._find_document(image_id, owner)
        if not isinstance(document, FilmStrip):
            raise InputError("This is an image. Add a video to find things through it.")
        return document.film

    def _open_document(self, source: Path) -> FramedFile:
        settings = self._settings
        most, pixels = settings.max_upload_bytes, settings.max_pixels
        file = open_framed_file(
            source, max_bytes=most, max_film_bytes=settings.film_bytes, max_pixels=pixels
        )
        return file or open_document(source, max_bytes=most, max_pixels=pixels)

    def _keep(self, image: UploadedImage, owner: str, document: FramedFile | None) -> ImageInfo:
        image_id = secrets.token_urlsafe(ID_BYTES)
        with self._lock:
            self._images[image_id] = owner, image, document
            while len(self._images) > self._most:
                self._images.popitem(last=False)
        width, height = image.size
        return {
            "id": image_id,
            "url": image.url,
            "name": image.name,
            "width": width,
            "height": height,
            "frames": document.pages if document else 1,
            "kind": document.kind if document else "picture",
            "times": document.frames.times if document else (),
        }

    def add_address(self, address: str, owner: str) -> ImageInfo:
        """Fetch a picture from the web and keep it.

        Raises:
            ImageError: pictures may not be fetched here, or this one cannot be.
        """
        if not (self._settings.is_private() or self._settings.allow_addresses):
            raise ImageError("This page does not download images. Save it and add the file.")
        file = make_folder(owner) / "fetched"
        fetch_picture(address, file, max_bytes=self._settings.max_upload_bytes)
        name = PurePosixPath(urlsplit(address).path).name or "picture"
        return self.add_file(file, name[:MAX_NAME], owner)

    def find(self, image_id: str, owner: str) -> UploadedImage:
        """Return a picture of a visitor.

        Raises:
            ForgottenImageError: the visitor has no such picture, or its file is gone.
        """
        return self._find(image_id, owner)[0]

    def _find_document(self, image_id: str, owner: str) -> FramedFile:
        """Return the file in which a picture is a frame or page.

        Raises:
            ForgottenImageError: the visitor has no such picture, or its file is gone.
        """
        _, document = self._find(image_id, owner)
        if document is None or not document.path.is_file():
            raise ForgottenImageError(image_id=image_id)
        return document

    def _find(self, image_id: str, owner: str) -> tuple[UploadedImage, FramedFile | None]:
        with self._lock:
            kept_owner, image, document = self._images.get(image_id, ("", None, None))
            if image is None or kept_owner != owner or not image.source.is_file():
                raise ForgottenImageError(image_id=image_id)
            self._images.move_to_end(image_id)
            return image, document

    def open_all(self, image_ids: Sequence[str], owner: str) -> tuple[Image, ...]:
        """Open pictures of a visitor in full size.

        Raises:
            ForgottenImageError: one of them is not there.
        """
        return tuple(self.find(image_id, owner).open() for image_id in image_ids)

    def full_url(self, image_id: str, owner: str) -> str:
        """Return the address of a picture in full resolution, relative to the page.

        Raises:
            ForgottenImageError: the visitor has no such picture.
        """
        url = full_resolution_url(self.find(image_id, owner).fingerprint)
        if url is None:
            raise ForgottenImageError(image_id=image_id)
        return url
