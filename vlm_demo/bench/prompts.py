"""Pictures and questions of the benchmark, drawn from a seed, and the prompts of requests."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from vlm_demo.families import get_family
from vlm_demo.values import Prompt, Request, Size

SENTENCES = (
    "a photo of a cat sitting on a red sofa near the window with two dogs in front of it",
    "what is to the left of the large blue car and who is standing behind the old green tree",
    "how many people can be seen in this picture and which of them has something in his hand",
    "please describe the colour of the sky and everything else that is shown above the houses",
    "is there any text on the signs along this street or on the side of that yellow bus",
    "tell me more about the small round table between those chairs and about what lies on it",
)
"""English sentences whose words are one token each in the tokenizers of the models."""

_WORDS = tuple(dict.fromkeys(word for sentence in SENTENCES for word in sentence.split()))


def draw_images(seed: int, size: Size) -> Iterator[Image.Image]:
    """Draw pictures without end, no two the same: broad patches of colour under noise."""
    generator = np.random.default_rng(seed)
    width, height = size
    while True:
        patches = generator.integers(0, 200, (6, 8, 3), dtype=np.uint8)
        broad = np.asarray(Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC))
        noise = generator.integers(0, 50, (height, width, 3), dtype=np.uint8)
        yield Image.fromarray(broad + np.minimum(noise, 255 - broad))


def draw_questions(seed: int, words: int) -> Iterator[str]:
    """Write questions without end, no two the same, of `words` words each."""
    rng = random.Random(seed)
    while True:
        yield " ".join(rng.choices(_WORDS, k=words))


def write_prompt(family: str, request: Request) -> Prompt:
    """Return the prompt that the program writes for a request, for other ways to run the model."""
    return get_family(family).prompt(request)
