"""The font of labels and numbers that are drawn into pictures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).parents[2] / "assets" / "fonts" / "MPLUS1-Bold.subset.otf"
"""File of the font, which has Latin and Japanese letters."""


@lru_cache(maxsize=16)
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font with letters of `size` pixels."""
    return ImageFont.truetype(str(FONT), size)
