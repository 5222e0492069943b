"""Hashes that recognise words and pictures without keeping them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from PIL.Image import Image

from vlm_demo.values import Request


def hash_questions(requests: Iterable[Request]) -> str:
    """Return the hexadecimal SHA-256 of the task, words and regions of each turn.

    Case and white space do not count, so that trivial changes do not make a new question.
    """
    digest = hashlib.sha256()
    for request in requests:
        words = " ".join(request.text.split()).casefold()
        digest.update(repr((request.task.value, words, request.regions)).encode())
    return digest.hexdigest()


def hash_images(images: Iterable[Image]) -> str:
    """Return the hexadecimal SHA-256 of the pixels of images; "" if there are none."""
    digest, is_empty = hashlib.sha256(), True
    for image in images:
        is_empty = False
        digest.update(repr((image.mode, image.size)).encode())
        digest.update(image.tobytes())
    return "" if is_empty else digest.hexdigest()
