"""Links that ask again: what was asked, of whom and how, and which picture it was about.

A link holds no picture, only its SHA-256, so nobody sees a picture through it: a picture comes back
where it is one of the examples, or where the person who opens the link has the same file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from vlm_demo.errors import ImageError, InputError
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.values import Box, Point, Polygon, Region, RegionForm, Request, Sampling, Size, Task

PARAMETER = "ask"
"""Of the page's address."""

VERSION = 1

LONGEST = 6000
"""Characters of a link's own part: browsers, proxies and messengers cut off longer addresses."""

MOST_BYTES = 50_000  # that a link may unpack to
MOST_REGIONS = 300
MOST_CHOICES = 100
DECIMALS = 5  # of a coordinate as a fraction

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HASH = re.compile("[0-9a-f]{64}|")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """A request without its picture."""

    tab: str
    model: str
    revision: str  # of the model; "": nobody knows
    request: Request
    sha256: str = ""  # of the picture's file, hexadecimal; "": there is no picture
    size: Size = (0, 0)  # of the picture
    earlier: int = 0  # turns of the conversation before it, which are not part of the link


def written(link: Link) -> str:
    """Return a link's own part of the address.

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
        "regions": [_numbers(region) for region in request.regions],
        "form": request.region_form.value,
        "choices": list(request.choices),
        "pattern": request.pattern,
        "schema": request.schema,
        "sampling": asdict(sampling) if sampling else {},
        "sha256": link.sha256,
        "size": list(link.size),
        "earlier": link.earlier,
    }
    needed = {name: value for name, value in content.items() if value not in ("", [], {}, 0)}
    packed = zlib.compress(json.dumps(needed, separators=(",", ":")).encode(), 9)
    code = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(code) > LONGEST:
        raise InputError("This request is too long for a link. Please shorten its words.")
    return code


def read(code: str) -> Link:
    """Read a link's own part of the address; anything may stand there.

    Raises:
        InputError: it is not one of ours, is damaged, or asks for what cannot be asked.
    """
    content = _unpacked(code)
    if content.get("v") != VERSION:
        raise InputError("This link is of another version of the page. Please ask for a new one.")
    try:
        return _read(content)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("This link cannot be read: something in it is not as it must be.") from (
            error
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        ImageError: the file is no longer there.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError("This picture is no longer here. Please add it again.") from error


def linked(tab: str, model: str, revision: str, request: Request, picture: Picture | None) -> Link:
    """Return the link to a request about a picture.

    Raises:
        ImageError: the picture is no longer there.
    """
    return Link(
        tab,
        model,
        revision,
        request,
        sha256_of(picture.source) if picture else "",
        picture.size if picture else (0, 0),
        sum(message.role == "user" for message in request.history),
    )


def _unpacked(code: str) -> Mapping[str, Any]:
    """Unpack what is in a link, and never more than is allowed."""
    damaged = InputError("This link is damaged: perhaps a part of it was not copied.")
    if len(code) > LONGEST:
        raise InputError("This link is too long to be one of this page.")
    try:
        packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        content = json.loads(unpacking.decompress(packed, MOST_BYTES))
    except (ValueError, zlib.error, RecursionError) as error:
        raise damaged from error
    if not isinstance(content, dict) or not unpacking.eof:
        raise damaged
    return content


def _read(content: Mapping[str, Any]) -> Link:
    """Read what was unpacked.

    Raises:
        ValueError, TypeError, KeyError: something is missing, or of another kind.
    """
    choices = _listed(content, "choices", MOST_CHOICES, _plain)
    request = Request(
        Task(content["task"]),
        _plain(content.get("text", "")),
        regions=_listed(content, "regions", MOST_REGIONS, _region),
        region_form=RegionForm(content.get("form", RegionForm.AUTO)),
        choices=choices,
        pattern=_plain(content.get("pattern", "")),
        schema=_plain(content.get("schema", "")),
        sampling=_sampling(content.get("sampling", {})),
    )
    width, height = _listed(content, "size", 2, _whole) or (0, 0)
    sha256 = _plain(content.get("sha256", ""))
    if not _HASH.fullmatch(sha256):
        raise ValueError("not a hash")
    return Link(
        _plain(content["tab"]),
        _plain(content["model"]),
        _plain(content.get("revision", "")),
        request,
        sha256,
        (width, height),
        _whole(content.get("earlier", 0)),
    )


def _listed(
    content: Mapping[str, Any], name: str, most: int, read_one: Callable[[object], T]
) -> tuple[T, ...]:
    values = content.get(name, [])
    if not isinstance(values, list) or len(values) > most:
        raise ValueError(f"not a list of at most {most}")
    return tuple(read_one(value) for value in values)


def _plain(value: object) -> str:
    """Read words; line breaks and tabs are no control characters here."""
    if not isinstance(value, str) or _CONTROL.search(value):
        raise ValueError("not plain words")
    return value


def _whole(value: object, most: int = 1 << 31) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("not a whole number")
    return value


def _between(value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError("not a number in its range")
    return float(value)


def _sampling(value: object) -> Sampling | None:
    if value == {}:
        return None
    if not isinstance(value, dict):
        raise TypeError("not how tokens are drawn")
    seed = value.get("seed")
    return Sampling(
        max_new_tokens=max(1, _whole(value["max_new_tokens"], 1 << 20)),
        temperature=_between(value["temperature"], 0, 2),
        top_p=_between(value["top_p"], 0, 1),
        top_k=_whole(value["top_k"]),
        repetition_penalty=_between(value["repetition_penalty"], 0.1, 10),
        seed=None if seed is None else _whole(seed, (1 << 63) - 1),
    )


def _numbers(region: Region) -> list[float]:
    """Write a place as its numbers: four of a box, two of a point, six or more of an outline."""
    match region:
        case Box():
            numbers = [region.x1, region.y1, region.x2, region.y2]
        case Point():
            numbers = [region.x, region.y]
        case Polygon():
            numbers = [value for point in region.points for value in (point.x, point.y)]
    return [round(number, DECIMALS) for number in numbers]


def _region(value: object) -> Region:
    if not isinstance(value, list) or not 2 <= len(value) <= 2 * MOST_REGIONS or len(value) % 2:
        raise ValueError("not a place")
    numbers = [_between(number, 0, 1) for number in value]
    if len(numbers) == 2:
        return Point(*numbers)
    if len(numbers) == 4:
        x1, y1, x2, y2 = numbers
        return Box.normalize(x1, y1, x2, y2, by=(1, 1))
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return Polygon(tuple(Point(x, y) for x, y in pairs))
