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

from vlm_demo.errors import ForgottenImageError, ImageError
from vlm_demo.images.opening import count_frames, open_image
from vlm_demo.settings import Settings
from vlm_demo.ui.components.fetching import fetch_picture
from vlm_demo.ui.components.uploaded_images import (
    UploadedImage,
    accept_image,
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
    frames: int  # of an animation, or pages of a TIFF; the picture is the first one


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
        self._images: OrderedDict[str, tuple[str, UploadedImage]] = OrderedDict()
        self._lock = Lock()

    def add_upload(self, path: object, name: str, owner: str) -> ImageInfo:
        """Check a file that a browser says it has uploaded, and keep it.

        Raises:
            ImageError: it did not arrive, or is not a picture that can be read.
        """
        source = find_file(path, owner)
        if source is None:
            raise ImageError("This picture did not arrive. Please add it again.")
        return self.add_file(source, name or source.name, owner)

    def add_file(self, source: Path, name: str, owner: str) -> ImageInfo:
        """Check a file and keep it.

        Raises:
            ImageError: it is not a picture that can be read.
        """
        image = accept_image(source, self._settings, name, owner=owner)
        image_id = secrets.token_urlsafe(ID_BYTES)
        with self._lock:
            self._images[image_id] = owner, image
            while len(self._images) > self._most:
                self._images.popitem(last=False)
        width, height = image.size
        return {
            "id": image_id,
            "url": image.url,
            "name": image.name,
            "width": width,
            "height": height,
            "frames": count_frames(source),
        }

    def add_frame(self, image_id: str, frame: int, owner: str) -> ImageInfo:
        """Keep another frame of an animation, or page of a TIFF, as a picture of its own.

        Args:
            image_id: the picture.
            frame: which one, from 0.
            owner: the visitor.

        Raises:
            ForgottenImageError: the visitor has no such picture.
            ImageError: it has no such frame, or that cannot be read.
        """
        image = self.find(image_id, owner)
        count = count_frames(image.source)
        if not 0 <= frame < count:
            raise ImageError("This picture has {count} frames.", count=count)
        limits = {
            "max_bytes": self._settings.max_upload_bytes,
            "max_pixels": self._settings.max_pixels,
        }
        pixels = open_image(image.source, frame=frame, **limits)
        file = make_folder(owner) / "frame.png"
        pixels.save(file, "PNG", compress_level=1)
        return self.add_file(file, f"{image.name} [{frame + 1}]", owner)

    def add_address(self, address: str, owner: str) -> ImageInfo:
        """Fetch a picture from the web and keep it.

        Raises:
            ImageError: pictures may not be fetched here, or this one cannot be.
        """
        if not (self._settings.is_private() or self._settings.allow_addresses):
            raise ImageError("This page does not fetch pictures. Save it and add the file.")
        file = make_folder(owner) / "fetched"
        fetch_picture(address, file, max_bytes=self._settings.max_upload_bytes)
        name = PurePosixPath(urlsplit(address).path).name or "picture"
        return self.add_file(file, name[:MAX_NAME], owner)

    def find(self, image_id: str, owner: str) -> UploadedImage:
        """Return a picture of a visitor.

        Raises:
            ForgottenImageError: the visitor has no such picture, or its file is gone.
        """
        with self._lock:
            kept_owner, image = self._images.get(image_id, ("", None))
            if image is None or kept_owner != owner or not image.source.is_file():
                raise ForgottenImageError(image_id=image_id)
            self._images.move_to_end(image_id)
            return image

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
