"""Links that ask again: what was asked, of which model and how, and about which picture.

A link holds no picture, only its SHA-256, so nobody sees a picture through it: a picture comes back
where it is one of the examples, or where the person who opens the link has the same file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import from_json

from vlm_demo.errors import ImageError, InputError
from vlm_demo.markup.region_json import MarkedRegions
from vlm_demo.masks import join_rings
from vlm_demo.values import Box, Point, Polygon, Region, RegionForm, Request, Sampling, Size, Task

QUERY_PARAMETER = "ask"
"""Name of the parameter of the page's address that holds a link's code."""

VERSION = 1
"""Version of the format, which every link names."""

MAX_CHARACTERS = 6000
"""Largest length of a link's code: browsers, proxies and messengers cut off longer addresses."""

MAX_BYTES = 50_000
"""Largest number of bytes that a link's code may unpack to."""

MAX_CHOICES = 100
"""Largest number of possible answers that a link may name."""

DECIMALS = 5
"""Decimals of a coordinate, which is a fraction of the picture."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # line breaks and tabs may stay


@dataclass(frozen=True, slots=True)
class Permalink:
    """A request without its picture."""

    tab: str
    model: str
    revision: str  # of the model; "": not known
    request: Request
    sha256: str = ""  # of the picture's file, hexadecimal; "": there is no picture
    size: Size = (0, 0)  # of the picture
    earlier_turns: int = 0  # of the conversation before it, which are not part of the link


def link_request(
    tab: str, model: str, revision: str, request: Request, image: Path | None, size: Size = (0, 0)
) -> Permalink:
    """Return the link to a request about the picture in a file.

    Raises:
        ImageError: the picture is no longer there.
    """
    earlier_turns = sum(message.role == "user" for message in request.history)
    sha256 = sha256_of(image) if image else ""
    return Permalink(
        tab, model, revision, request, sha256, size if image else (0, 0), earlier_turns
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a picture's file, hexadecimal.

    Raises:
        ImageError: the file is no longer there.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError("This image is no longer here. Add it again.") from error


def encode_link(link: Permalink) -> str:
    """Return a link's code, its part of the address.

    Raises:
        InputError: it would be too long.
    """
    request, sampling = link.request, link.request.sampling
    content: dict[str, Any] = {
        "v": VERSION,
        "tab": link.tab,
        "model": link.model,
        "revision": link.revision,
        "task": request.task.value,
        "text": request.text,
        "regions": [_flatten(region) for region in request.regions],
        "form": request.region_form.value,
        "choices": list(request.choices),
        "pattern": request.pattern,
        "schema": request.schema,
        "sampling": sampling.to_data() if sampling else {},
        "sha256": link.sha256,
        "size": list(link.size),
        "earlier": link.earlier_turns,
    }
    needed = {name: value for name, value in content.items() if value not in ("", [], {}, 0)}
    packed = zlib.compress(json.dumps(needed, separators=(",", ":")).encode(), 9)
    code = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(code) > MAX_CHARACTERS:
        raise InputError("This request is too long for a link. Shorten its text.")
    return code


def decode_link(code: str) -> Permalink:
    """Read a link's code; anything may stand there.

    Raises:
        InputError: it is not one of ours, is damaged, or asks for what cannot be asked.
    """
    content = _unpack(code)
    if content.get("v") != VERSION:
        raise InputError("This link was made by another version of the page. Ask for a new one.")
    try:
        return _LinkModel.model_validate(content).to_link()
    except ValidationError as error:
        raise InputError("This link cannot be read: a part of it is not valid.") from error


def _unpack(code: str) -> dict[str, Any]:
    """Unpack a link's code, and never more than is allowed."""
    damaged = InputError("This link is damaged: perhaps a part of it was not copied.")
    if len(code) > MAX_CHARACTERS:
        raise InputError("This link is too long to come from this page.")
    try:
        packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        content = from_json(unpacking.decompress(packed, MAX_BYTES))
    except (ValueError, zlib.error) as error:
        raise damaged from error
    if not isinstance(content, dict) or not unpacking.eof:
        raise damaged
    return content


# Regions: four numbers are a box, two a point, six or more a polygon


def _flatten(region: Region) -> list[float]:
    match region:
        case Box():
            numbers = [region.x1, region.y1, region.x2, region.y2]
        case Point():
            numbers = [region.x, region.y]
        case Polygon():
            corners = join_rings(region, (1, 1))  # a link holds one ring
            numbers = [value for corner in corners for value in corner]
    return [round(number, DECIMALS) for number in numbers]


def _unflatten(value: object) -> object:
    """Turn the numbers of a region into its usual JSON; what they are is checked there."""
    if not isinstance(value, list) or len(value) % 2:
        raise ValueError("a region is not an even number of numbers")
    match len(value):
        case 2:
            return {"point": value}
        case 4:
            return {"box": value}
    return {"polygon": list(zip(value[::2], value[1::2], strict=True))}


def _unflatten_all(value: object) -> object:
    return [_unflatten(region) for region in value] if isinstance(value, list) else value


# What a link may hold


def _check_plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("there are control characters in it")
    return text


_Text = Annotated[str, Field(strict=True), AfterValidator(_check_plain)]
_Count = Annotated[int, Field(strict=True, ge=0, le=1 << 31)]


class _SamplingModel(BaseModel):
    max_new_tokens: int = Field(strict=True, ge=0, le=1 << 20)
    temperature: float = Field(strict=True, ge=0, le=2)
    top_p: float = Field(strict=True, ge=0, le=1)
    top_k: _Count
    repetition_penalty: float = Field(strict=True, ge=0.1, le=10)
    seed: int | None = Field(None, strict=True, ge=0, lt=1 << 63)
    thinking: bool | None = Field(None, strict=True)

    def to_sampling(self) -> Sampling:
        fields = self.model_dump()
        return Sampling(**fields | {"max_new_tokens": max(1, self.max_new_tokens)})


class _LinkModel(BaseModel):
    v: Literal[1]
    tab: _Text
    model: _Text
    revision: _Text = ""
    task: Task
    text: _Text = ""
    regions: Annotated[MarkedRegions, BeforeValidator(_unflatten_all)] = []
    form: RegionForm = RegionForm.AUTO
    choices: list[_Text] = Field([], max_length=MAX_CHOICES)
    pattern: _Text = ""
    json_schema: _Text = Field("", alias="schema")
    sampling: _SamplingModel | None = None
    sha256: str = Field("", strict=True, pattern="^([0-9a-f]{64})?$")
    size: tuple[_Count, _Count] = (0, 0)
    earlier: _Count = 0

    def to_link(self) -> Permalink:
        request = Request(
            self.task,
            self.text,
            regions=tuple(region.to_region() for region in self.regions),
            region_form=self.form,
            choices=tuple(self.choices),
            pattern=self.pattern,
            schema=self.json_schema,
            sampling=self.sampling.to_sampling() if self.sampling else None,
        )
        return Permalink(
            self.tab, self.model, self.revision, request, self.sha256, self.size, self.earlier
        )
