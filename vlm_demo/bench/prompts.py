"""Pictures and questions of the benchmark, drawn from a seed; no two are the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from vlm_demo.values import Size

SENTENCES = (
    "a photo of a cat sitting on a red sofa near the window with two dogs in front of it",
    "what is to the left of the large blue car and who is standing behind the old green tree",
    "how many people can be seen in this picture and which of them has something in his hand",
    "please describe the colour of the sky and everything else that is shown above the houses",
    "is there any text on the signs along this street or on the side of that yellow bus",
    "tell me more about the small round table between those chairs and about what lies on it",
)
"""English that the models' tokenizers know: one token a word."""

_WORDS = tuple(dict.fromkeys(word for sentence in SENTENCES for word in sentence.split()))


def pictures(seed: int, size: Size) -> Iterator[Image.Image]:
    """Draw pictures without end: broad patches of colour with noise over them."""
    generator = np.random.default_rng(seed)
    width, height = size
    while True:
        patches = generator.integers(0, 200, (6, 8, 3), dtype=np.uint8)
        broad = np.asarray(Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC))
        noise = generator.integers(0, 50, (height, width, 3), dtype=np.uint8)
        yield Image.fromarray(broad + np.minimum(noise, 255 - broad))


def questions(seed: int, words: int) -> Iterator[str]:
    """Write questions without end, of so many words each."""
    chosen = random.Random(seed)
    while True:
        yield " ".join(chosen.choices(_WORDS, k=words))
