"""The job of a batch: what it asks about every picture."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.media.framed_files import FrameChoice
from vlm_demo.values import Box, Request, Sampling, Task

HEADER_KEY = "vlm_demo_batch"
"""First key of a journal's first line; its value is the version of the format."""

VERSION = 1
"""Version of the format of journals."""

WHOLE_IMAGE = Box(0, 0, 1, 1)
"""The region that is described where none is given."""


def parse_region(text: str) -> Box | None:
    """Read "x1, y1, x2, y2", fractions of each picture; None: there is no text.

    Raises:
        InputError: it is not a region.
    """
    if not text.strip():
        return None
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError:
        x1 = math.nan
    if math.isnan(x1) or not all(0 <= number <= 1 for number in (x1, y1, x2, y2)):
        raise InputError(
            "A region is four numbers x1, y1, x2, y2 from 0 to 1: fractions of each image."
        )
    region = Box.normalize(x1, y1, x2, y2, by=(1, 1))
    if not region.area:
        raise InputError("This region has no area. Give two different corners.")
    return region


@dataclass(frozen=True, slots=True)
class BatchJob:
    """The same request about every picture."""

    task: Task
    words: str
    model: str  # its name in the menu
    sampling: Sampling | None = None  # None: the family's own
    region: Box | None = None  # for a task about a region: in each picture; None: all of it
    outlines: bool = False  # whether what is found is outlined
    framing: FrameChoice = field(
        default_factory=FrameChoice
    )  # what is taken of films and documents

    def request_for(self, image: Image.Image) -> Request:
        """Return the request about one picture."""
        regions = (self.region or WHOLE_IMAGE,) if self.task is Task.DESCRIBE_REGION else ()
        return Request(self.task, self.words, (image,), regions, sampling=self.sampling)

    def check(self, backend: Backend) -> None:
        """Refuse what the model cannot be asked, before any picture is opened.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or the words are missing; or no
                model outlines, where that is wanted.
        """
        if self.outlines:
            backend.outliner.find_model()
        backend.check(self.model, self.request_for(Image.new("RGB", (8, 8))))

    def to_header(self, backend: Backend, source: str) -> dict[str, Any]:
        """Return the first line of a journal; `source` is the name of the pictures for people."""
        spec = backend.spec(self.model)
        region = self.region
        return {
            HEADER_KEY: VERSION,
            "task": str(self.task),
            "words": self.words,
            "model": spec.name,
            "checkpoint": spec.checkpoint,
            "revision": spec.revision,
            "sampling": (self.sampling or get_family(spec.family).sampling).to_data(),
            "region": [region.x1, region.y1, region.x2, region.y2] if region else None,
            "source": source,
            # Journals before them say nothing of these.
            **({"outlines": True} if self.outlines else {}),
            **({"framing": asdict(self.framing)} if self.framing != FrameChoice() else {}),
        }
