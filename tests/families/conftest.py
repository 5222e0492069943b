"""What the tests of families share."""

import pytest
from PIL import Image


@pytest.fixture
def image() -> Image.Image:
    """A white image, 640 x 480."""
    return Image.new("RGB", (640, 480), "white")
