"""Decodes data URIs: files in the text of an address (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from vlm_demo.errors import ImageError


def is_data_uri(address: str) -> bool:
    """Whether an address holds a file instead of leading to one."""
    return address[:5].lower() == "data:"


def decode_data_uri(address: str, *, max_bytes: int) -> bytes:
    """Return the file in a data URI; what kind of file it is said to be does not matter.

    Raises:
        ImageError: it is damaged, or the file has more than `max_bytes`.
    """
    head, comma, data = address.partition(",")
    if not comma:
        raise ImageError("This data URI has no comma, after which the image would be.")
    if len(data) > max_bytes * 4 / 3 + 4:
        raise ImageError(
            "This file is too large; at most {max_bytes} MB are taken.",
            max_bytes=f"{max_bytes / 1e6:.0f}",
        )
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("What this data URI holds is not base64.") from error
