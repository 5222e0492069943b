"""Reads the text in a picture, where the optional package rapidocr is installed.

RapidOCR (Apache-2.0, https://github.com/RapidAI/RapidOCR) brings the models of PP-OCRv6 with it and
needs no network.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from threading import Lock
from typing import Any

import numpy as np
from PIL.Image import Image

from vlm_demo.errors import EngineError
from vlm_demo.values import TextChunk

INSTALL_COMMAND = 'pip install "rapidocr>=3.10,<3.11" onnxruntime'
"""Installs what the extra `ocr` of this program names."""

_TAG = re.compile(r"<(?=/?(?:ref|quad|box)>)")
"""Begin of a tag of the family's markup, which text in a picture may hold as well."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text in a picture."""

    text: str
    score: float
    """How sure the reader is, 0 to 1."""

    corners: tuple[float, ...]
    """x and y of the upper left corner and then clockwise, as fractions of the picture."""


class TextReader:
    """Reads text; its nets are loaded when they are needed first. Safe in every thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rapidocr: Any = None

    def read(self, image: Image) -> tuple[TextLine, ...]:
        """Return the lines of an RGB image, from top to bottom.

        Raises:
            EngineError: rapidocr is not installed.
        """
        pixels = np.ascontiguousarray(np.asarray(image)[..., ::-1])  # as OpenCV has them
        with self._lock:
            self._rapidocr = self._rapidocr or _load()
            result = self._rapidocr(pixels)
        if result.txts is None or result.boxes is None:
            return ()
        size = np.array(image.size)
        quads = [np.clip(np.asarray(quad) / size, 0, 1).ravel().tolist() for quad in result.boxes]
        return tuple(
            TextLine(text, float(score), tuple(corners))
            for text, score, corners in zip(result.txts, result.scores, quads, strict=True)
            if text.strip()
        )


def write_lines(lines: tuple[TextLine, ...]) -> Iterator[TextChunk]:
    """Yield lines in the family's markup, a chunk a place."""
    for index, line in enumerate(lines):
        text = _TAG.sub("\N{FULLWIDTH LESS-THAN SIGN}", " ".join(line.text.split()))
        corners = [round(1000 * value) for value in line.corners]
        yield TextChunk("\n" * bool(index) + f"<ref>{text}</ref><quad>[")
        yield TextChunk(str(corners), logprobs=(math.log(max(line.score, 1e-6)),))
        yield TextChunk("]</quad>")


def _load() -> Any:
    try:
        return import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})
    except ImportError as error:
        raise EngineError(
            "Reading text needs another package. Install it and restart: {command}",
            command=INSTALL_COMMAND,
        ) from error
