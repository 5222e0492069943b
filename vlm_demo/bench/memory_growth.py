"""Shows whether memory levels off: python -m vlm_demo.bench.memory_growth 5000.

The embedded model answers so many requests about random pictures, in this process and with what a
page does about memory; each line has the number of requests and the resident memory in megabytes.
The caches are small, so that they are full soon: what grows after that is a leak.
"""

from __future__ import annotations

import sys

import numpy as np
import psutil
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.engines.base import Serving
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.server.memory import MemoryTrimmer
from vlm_demo.values import Request, Sampling, Task

QUESTIONS = ("What is in this picture?", "Describe it.", "How many circles are there?")

MODEL = "embedded-llava15"

CACHE_BYTES = 100 << 20
"""Limit of the caches of pictures and prefixes."""


def main(count: int) -> None:
    """Answer so many requests, and print the memory at 20 moments."""
    backend = Backend(default_menu(), serving=Serving(cache=CacheBudget(CACHE_BYTES)))
    trimmer = MemoryTrimmer(interval_s=2)
    random = np.random.default_rng(0)
    process = psutil.Process()
    for number in range(count + 1):
        if number % max(count // 20, 1) == 0:
            print(f"{number}\t{process.memory_info().rss / 1e6:.0f}", flush=True)
        side = int(random.integers(100, 900))
        pixels = random.integers(0, 255, (side, side, 3), dtype=np.uint8)
        request = Request(
            Task.CHAT,
            images=(Image.fromarray(pixels),),
            text=QUESTIONS[number % len(QUESTIONS)],
            sampling=Sampling(max_new_tokens=16),
        )
        for _ in backend.answer(MODEL, request):
            pass
    trimmer.close()
    backend.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
