"""What a batch asks, and what it gets for each picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.rendering.export.plain import to_answer
from vlm_demo.values import (
    Box,
    Mention,
    Point,
    Polygon,
    Region,
    Reply,
    ReplyState,
    Request,
    Sampling,
    Size,
    Task,
)

VERSION = 1
"""Of the journal's form; it is the value of the first field of its first line."""

MARK = "vlm_demo_batch"
"""Name of that field."""

WHOLE = Box(0, 0, 1, 1)


def read_region(text: str) -> Box | None:
    """Read "x1, y1, x2, y2", fractions of each picture; None where there is no text.

    Raises:
        InputError: it is no region.
    """
    if not text.strip():
        return None
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError:
        x1 = math.nan
    if math.isnan(x1) or not all(0 <= number <= 1 for number in (x1, y1, x2, y2)):
        raise InputError(
            "A region is four numbers x1, y1, x2, y2 from 0 to 1: fractions of each picture."
        )
    region = Box.normalize(x1, y1, x2, y2, by=(1, 1))
    if not region.area:
        raise InputError("This region covers nothing. Please give two different corners.")
    return region


@dataclass(frozen=True, slots=True)
class Job:
    """The same request about every picture."""

    task: Task
    words: str
    model: str  # its name on the menu
    sampling: Sampling | None = None  # None: the family's own
    region: Box | None = None  # for a task about a region, the same part of each; None: all of it

    def request(self, image: Image.Image) -> Request:
        """Return what is asked about one picture."""
        regions = (self.region or WHOLE,) if self.task is Task.DESCRIBE_REGION else ()
        return Request(self.task, self.words, (image,), regions, sampling=self.sampling)

    def check(self, backend: Backend) -> None:
        """Refuse what the model cannot be asked, before any picture is opened.

        Raises:
            VlmDemoError: the model is unknown, cannot do the task, or the words are missing.
        """
        backend.check(self.model, self.request(Image.new("RGB", (8, 8))))

    def header(self, backend: Backend, source: str) -> dict[str, Any]:
        """Return the job as the first line of a journal; `source` is what people call it."""
        spec = backend.spec(self.model)
        region = self.region
        return {
            MARK: VERSION,
            "task": str(self.task),
            "words": self.words,
            "model": spec.name,
            "checkpoint": spec.checkpoint,
            "revision": spec.revision,
            "sampling": asdict(self.sampling or get_family(spec.family).sampling),
            "region": [region.x1, region.y1, region.x2, region.y2] if region else None,
            "source": source,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one picture."""

    name: str
    sha256: str  # of the file, in hexadecimal; "": it could not be read
    size: Size = (0, 0)  # upright; (0, 0): it could not be opened
    raw: str = ""
    text: str = ""
    items: tuple[Mapping[str, Any], ...] = ()  # phrases, their places in pixels, span in the text
    state: str = ReplyState.NONE
    pace: Mapping[str, float] = field(default_factory=dict, compare=False)
    error: str = ""  # in words; "": there is an answer
    again: bool = False  # the model failed, not the picture: worth another try

    @classmethod
    def of(cls, name: str, sha256: str, size: Size, reply: Reply) -> Result:
        """Keep a complete reply about a picture of `size`."""
        items = zip(to_answer(reply, size)["items"], reply.mentions, strict=True)
        return cls(
            name,
            sha256,
            size,
            reply.raw,
            reply.text,
            tuple({**item, "span": list(mention.span)} for item, mention in items),
            reply.state,
            asdict(reply.timing) if reply.timing else {},
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The line of a journal."""
        if self.error:
            failed = {"name": self.name, "sha256": self.sha256, "error": self.error}
            return failed | ({"again": True} if self.again else {})
        return {
            "name": self.name,
            "sha256": self.sha256,
            "size": list(self.size),
            "raw": self.raw,
            "text": self.text,
            "items": list(self.items),
            "state": str(self.state),
            "pace": dict(self.pace),
        }

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Result:
        """Read the line of a journal.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        if "error" in fields:
            return cls(
                str(fields["name"]),
                str(fields["sha256"]),
                error=str(fields["error"]),
                again=bool(fields.get("again")),
            )
        width, height = fields["size"]
        result = cls(
            str(fields["name"]),
            str(fields["sha256"]),
            (int(width), int(height)),
            str(fields["raw"]),
            str(fields["text"]),
            tuple(fields["items"]),
            ReplyState(fields["state"]),
            dict(fields["pace"]),
        )
        _ = result.reply  # its places can be read
        return result

    @property
    def reply(self) -> Reply:
        """The answer with its places as fractions, as the rest of the program knows it."""
        mentions = tuple(_mention(item, self.size) for item in self.items)
        return Reply(self.raw, self.text, mentions, ReplyState(self.state))

    @property
    def places(self) -> int:
        """How many places the answer holds."""
        return sum(len(mention.regions) for mention in self.reply.mentions)


def _mention(item: Mapping[str, Any], size: Size) -> Mention:
    start, end = item["span"]
    regions: list[Region] = [Box.normalize(*box, by=size) for box in item["boxes_xyxy_px"]]
    regions += [Point.normalize(*point, by=size) for point in item["points_px"]]
    regions += [
        Polygon(tuple(Point.normalize(*corner, by=size) for corner in polygon))
        for polygon in item["polygons_px"]
    ]
    return Mention(
        str(item["phrase"]), (start, end), tuple(regions), confidence=item.get("confidence")
    )
