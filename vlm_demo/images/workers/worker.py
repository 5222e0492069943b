"""The program of a worker that opens pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from vlm_demo.images.frames import answer_question
from vlm_demo.images.opening import open_content
from vlm_demo.images.workers.serving import serve_messages


def answer(asked: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """Open a picture, or answer another question about its file.

    Raises:
        ImageError: it cannot be read, or is too large.
    """
    source = Path(asked["path"]) if "path" in asked else content
    if asked["task"] != "open":
        return answer_question(asked, source)
    image = open_content(source, max_pixels=asked["max_pixels"], frame=asked["frame"])
    return {"size": image.size}, image.tobytes()


if __name__ == "__main__":
    serve_messages(answer)
    sys.exit(0)
