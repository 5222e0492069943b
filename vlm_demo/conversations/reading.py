"""A conversation read back from JSON (`writing` describes it). The file may come from anybody."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NoReturn, TypeVar

from vlm_demo.conversations.saved import FORMAT, VERSION, SavedConversation, SavedPicture, SavedTurn
from vlm_demo.errors import ConversationError
from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Point,
    Polygon,
    Region,
    Reply,
    ReplyState,
    Timing,
)

MOST_TURNS = 1_000
MOST_PICTURES = 100  # of one turn
MOST_PLACES = 10_000  # of one answer, and corners of one outline
MOST_CHARACTERS = 200_000  # of one text
LARGEST_NUMBER = 1e9

T = TypeVar("T")


def from_json(content: bytes) -> SavedConversation:
    """Read a conversation. Its pictures are not opened here: they may still be none.

    Raises:
        ConversationError: it is no such file, is damaged, or of another version.
    """
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ConversationError(
            "This file cannot be read to its end: it is cut off, damaged or not JSON. "
            "Please choose a conversation that was downloaded here."
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ConversationError(
            "This file holds no conversation. Please choose a JSON file that was downloaded here."
        )
    if found.get("version") != VERSION:
        raise ConversationError(
            f"This conversation is written in version {str(found.get('version'))[:20]} of the "
            f"format, and this program reads version {VERSION}."
        )
    try:
        files = {key: _content(key, file) for key, file in _record(found["files"]).items()}
        return SavedConversation(
            _each(found["turns"], lambda turn: _turn(turn, files), MOST_TURNS),
            _each(found["examples"], lambda turn: _turn(turn, files), MOST_TURNS),
        )
    except (KeyError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ConversationError(
            f"This conversation is damaged and was not opened: {reason}."
        ) from error


def _turn(value: Any, files: Mapping[str, bytes]) -> SavedTurn:
    turn = _record(value)
    reply = turn["reply"]
    return SavedTurn(
        _text(turn["question"]),
        _each(turn["pictures"], lambda picture: _picture(picture, files), MOST_PICTURES),
        _each(turn["regions"], _region),
        None if reply is None else _reply(reply),
        _text(turn["model"]),
        _text(turn["note"]),
        _each(turn["seen"], lambda picture: _picture(picture, files), MOST_PICTURES),
    )


def _picture(value: Any, files: Mapping[str, bytes]) -> SavedPicture:
    picture = _record(value)
    return SavedPicture(_text(picture["name"]), files[_text(picture["sha256"])])


def _reply(value: Any) -> Reply:
    reply = _record(value)
    raw, text = _text(reply["raw"]), _text(reply["text"])
    return Reply(
        raw,
        text,
        _each(reply["mentions"], lambda mention: _mention(mention, text)),
        ReplyState(_text(reply["state"])),
        _text(reply["thought"]),
        _each(reply["marks"], lambda mark: _mark(mark, raw)),
        _text(reply["note"]),
        timing=None if reply["pace"] is None else _pace(reply["pace"]),
    )


def _mention(value: Any, text: str) -> Mention:
    mention = _record(value)
    return Mention(
        _text(mention["phrase"]),
        _span(mention["span"], text),
        _each(mention["regions"], _region),
        _count(mention["image_index"]),
        _confidence(mention["confidence"]),
    )


def _mark(value: Any, raw: str) -> ParsedPlace:
    mark = _record(value)
    return ParsedPlace(
        _span(mark["span"], raw),
        _each(mark["numbers"], _number),
        _region(mark["region"]),
        _confidence(mark["confidence"]),
    )


def _pace(value: Any) -> Timing:
    pace = _record(value)
    return Timing(_number(pace["first_s"]), _number(pace["seconds"]), _count(pace["tokens"]))


def _region(value: Any) -> Region:
    match value:
        case {"box": [x1, y1, x2, y2], **others} if not others:
            left, top, right, bottom = map(_fraction, (x1, y1, x2, y2))
            if left <= right and top <= bottom:
                return Box(left, top, right, bottom)
        case {"point": [x, y], **others} if not others:
            return Point(_fraction(x), _fraction(y))
        case {"polygon": corners, **others} if not others:
            points = _each(corners, _point)
            if len(points) > 2:
                return Polygon(points)
    raise ValueError("a place cannot be read")


def _point(value: Any) -> Point:
    match value:
        case [x, y]:
            return Point(_fraction(x), _fraction(y))
    raise ValueError("a place cannot be read")


def _content(key: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("a picture is no text")
    content = base64.b64decode(value, validate=True)  # binascii.Error is a ValueError
    if sha256(content).hexdigest() != key:
        raise ValueError("a picture is not the one that was saved")
    return content


def _each(value: Any, read: Callable[[Any], T], most: int = MOST_PLACES) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise ValueError("a list is missing")
    if len(value) > most:
        raise ValueError(f"a list has {len(value):,} entries, and at most {most:,} are taken")
    return tuple(map(read, value))


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a part of it is not what it should be")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is missing")
    if len(value) > MOST_CHARACTERS:
        raise ValueError(f"a text has {len(value):,} characters")
    value.encode()  # a lone surrogate is a ValueError: no file or browser could take it
    return value


def _number(value: Any) -> float:
    # A bool is an int to Python, but no number to a person.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is missing")
    if not abs(value) <= LARGEST_NUMBER:
        raise ValueError("a number is too large")
    return value


def _count(value: Any) -> int:
    number = _number(value)
    if not isinstance(number, int) or number < 0:
        raise ValueError("a number is not a count")
    return number


def _fraction(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("a place lies outside its picture")
    return number


def _confidence(value: Any) -> float | None:
    return None if value is None else _fraction(value)


def _span(value: Any, text: str) -> tuple[int, int]:
    match _each(value, _count):
        case (start, end) if start <= end <= len(text):
            return start, end
    raise ValueError("a part of a text lies outside it")


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
