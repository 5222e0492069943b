"""Pictures of a request, checked as all pictures are. No address is ever fetched."""

from __future__ import annotations

from PIL.Image import Image

from vlm_demo.api.failures import ApiError, refuse_value
from vlm_demo.errors import ImageError
from vlm_demo.images.data_uri import decode_data_uri, is_data_uri
from vlm_demo.images.opening import open_image

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
            raise _refuse(f"At most {MAX_IMAGES} images are taken in one request.")
        if not is_data_uri(address):
            raise _refuse(
                "Images are taken in the request itself, as data:image/png;base64,... . This "
                "server fetches no addresses."
            )
        content = decode_data_uri(address, max_bytes=self._max_bytes)
        image = open_image(content, max_bytes=self._max_bytes, max_pixels=self._max_pixels)
        self._room -= image.width * image.height
        if self._room < 0:
            raise ImageError(
                "The images of this request are too large together: at most {max_pixels_factor} "
                "megapixels are taken.",
                max_pixels_factor=f"{MAX_PIXELS_FACTOR * self._max_pixels / 1e6:.0f}",
            )
        return image


def _refuse(message: str) -> ApiError:
    return refuse_value(message, "messages", "invalid_image_url")
