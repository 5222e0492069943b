"""Pictures in data URIs, checked as all pictures are. No address is ever fetched.

Source of the form: https://www.rfc-editor.org/rfc/rfc2397.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from PIL.Image import Image

from vlm_demo.api.failures import ApiError, refuse_value
from vlm_demo.errors import ImageError
from vlm_demo.images import open_image

MAX_IMAGES = 50
"""Largest number of pictures in one request."""

MAX_PIXELS_FACTOR = 2
"""All pictures of a request together may have as many pixels as so many of the largest."""


class ImageReader:
    """Opens the pictures of one request, which share a limit of pixels."""

    def __init__(self, *, max_bytes: int, max_pixels: int) -> None:
        """Take the limits for one picture: the bytes of its file, and width times height."""
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._room = MAX_PIXELS_FACTOR * max_pixels
        self._count = 0

    def read(self, address: str) -> Image:
        """Open the picture in a data URI.

        Raises:
            ApiError: it is another address, or there are too many pictures.
            ImageError: it is no picture that can be read.
        """
        self._count += 1
        if self._count > MAX_IMAGES:
            raise _refuse(f"At most {MAX_IMAGES} pictures are taken in one request.")
        content = self._decode(address)
        image = open_image(content, max_bytes=self._max_bytes, max_pixels=self._max_pixels)
        self._room -= image.width * image.height
        if self._room < 0:
            raise ImageError(
                "The pictures of this request are too large together: at most "
                f"{MAX_PIXELS_FACTOR * self._max_pixels / 1e6:.0f} megapixels are taken."
            )
        return image

    def _decode(self, address: str) -> bytes:
        head, comma, data = address.partition(",")
        scheme, colon, kind = head.partition(":")
        if scheme.lower() != "data" or not colon:
            raise _refuse(
                "Pictures are taken in the request itself, as data:image/png;base64,... . This "
                "server fetches no addresses."
            )
        if not comma:
            raise _refuse("This data URI has no comma, behind which the picture would be.")
        if not kind.lower().endswith(";base64"):
            return unquote_to_bytes(data)
        if len(data) > self._max_bytes * 4 / 3 + 4:
            raise ImageError(
                f"This picture is too large; at most {self._max_bytes / 1e6:.0f} MB are taken."
            )
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refuse("What this data URI holds is not base64.") from error


def _refuse(message: str) -> ApiError:
    return refuse_value(message, "messages", "invalid_image_url")
