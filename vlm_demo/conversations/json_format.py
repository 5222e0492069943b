"""A conversation as JSON, and back. The file may come from anybody.

The format is our own, and its first keys say what it is:

    {"format": "vlm-demo conversation", "version": 1,
     "examples": [TURN, ...], "turns": [TURN, ...], "files": {SHA-256: base64, ...}}

A TURN holds `question`, `pictures` ({"name", "sha256"} each), `regions`, `model`, `note`, `reply`
(null where it was never answered), and the pictures that the model was shown (`seen`). Regions are
written as in `markup.region_json`. A picture that occurs twice is stored once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import from_json as parse_json

from vlm_demo.conversations.saved_conversation import (
    FORMAT,
    VERSION,
    SavedConversation,
    SavedImage,
    SavedTurn,
)
from vlm_demo.errors import ConversationError, describe_validation_error
from vlm_demo.markup.region_json import (
    MAX_ANSWER_REGIONS,
    MarkedRegions,
    RegionModel,
    region_to_json,
)
from vlm_demo.values import (
    Mention,
    ParsedPlace,
    Region,
    Reply,
    ReplyState,
    StopReason,
    Timing,
)

MAX_TURNS = 1_000
"""Largest number of turns, and of examples, in one file."""

MAX_IMAGES = 100
"""Largest number of pictures in one turn."""

MAX_CHARACTERS = 200_000
"""Largest number of characters in one text."""

_LARGEST = 1e9  # number that is believed


def to_json(conversation: SavedConversation) -> str:
    """Write a conversation so that `from_json` returns an equal one."""
    files = {
        key: base64.b64encode(picture.content).decode("ascii")
        for key, picture in conversation.images.items()
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "examples": [_turn_to_json(turn) for turn in conversation.examples],
        "turns": [_turn_to_json(turn) for turn in conversation.turns],
        "files": files,
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def from_json(content: bytes) -> SavedConversation:
    """Read a conversation. Its pictures are not opened here: they may turn out to be none.

    Raises:
        ConversationError: it is no such file, is damaged, or of another version.
    """
    try:
        found = parse_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise ConversationError(
            "This file cannot be read to its end: it is cut off, damaged or not JSON. Choose a "
            "conversation that was downloaded here."
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ConversationError(
            "This file is not a conversation. Choose a JSON file that was downloaded here."
        )
    if found.get("version") != VERSION:
        raise ConversationError(
            "This conversation is written in version {found} of the format, and this program "
            "reads version {version}.",
            found=str(found.get("version"))[:20],
            version=VERSION,
        )
    try:
        return _ConversationModel.model_validate(found).to_conversation()
    except ValidationError as error:
        raise ConversationError(
            "This conversation is damaged and was not opened: {reason}.",
            reason=describe_validation_error(error),
        ) from error


# Writing


def _turn_to_json(turn: SavedTurn) -> dict[str, Any]:
    return {
        "question": turn.question,
        "pictures": [_image_to_json(picture) for picture in turn.images],
        "regions": [region_to_json(region) for region in turn.regions],
        "model": turn.model,
        "note": str(turn.note),
        "reply": _reply_to_json(turn.reply) if turn.reply else None,
        "seen": [_image_to_json(picture) for picture in turn.seen],
    }


def _image_to_json(picture: SavedImage) -> dict[str, str]:
    return {"name": picture.name, "sha256": picture.key}


def _reply_to_json(reply: Reply) -> dict[str, Any]:
    timing = reply.timing
    return {
        "raw": reply.raw,
        "text": reply.text,
        "thought": reply.reasoning,
        "note": str(reply.note),
        "state": reply.state.value,
        "mentions": [_mention_to_json(mention) for mention in reply.mentions],
        "marks": [_place_to_json(place) for place in reply.parsed_places],
        **({"stop": reply.stop.value} if reply.stop else {}),
        **({"model": reply.model} if reply.model else {}),
        "pace": timing
        and {"first_s": timing.first_token_s, "seconds": timing.seconds, "tokens": timing.tokens},
    }


def _mention_to_json(mention: Mention) -> dict[str, Any]:
    return {
        "phrase": mention.phrase,
        "span": mention.span,
        "regions": [region_to_json(region) for region in mention.regions],
        "image_index": mention.image_index,
        "confidence": mention.confidence,
    }


def _place_to_json(place: ParsedPlace) -> dict[str, Any]:
    return {
        "span": place.span,
        "numbers": place.numbers,
        "region": region_to_json(place.region),
        "confidence": place.confidence,
    }


# Reading

_Text = Annotated[str, Field(strict=True, max_length=MAX_CHARACTERS)]
_Count = Annotated[int, Field(strict=True, ge=0, le=_LARGEST)]
_Number = Annotated[float, Field(strict=True, ge=-_LARGEST, le=_LARGEST)]
_Confidence = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] | None
_Regions = Annotated[list[RegionModel], Field(max_length=MAX_ANSWER_REGIONS)]
_Span = tuple[_Count, _Count]


def _decode(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("an image is not written as text")
    return base64.b64decode(value, validate=True)  # binascii.Error is a ValueError


class _ImageModel(BaseModel):
    name: _Text
    sha256: _Text


class _TimingModel(BaseModel):
    first_s: _Number
    seconds: _Number
    tokens: _Count


class _MentionModel(BaseModel):
    phrase: _Text
    span: _Span
    regions: _Regions
    image_index: _Count
    confidence: _Confidence

    def to_mention(self) -> Mention:
        return Mention(
            self.phrase,
            self.span,
            _to_regions(self.regions),
            self.image_index,
            self.confidence,
        )


class _PlaceModel(BaseModel):
    span: _Span
    numbers: Annotated[list[_Number], Field(max_length=MAX_ANSWER_REGIONS)]
    region: RegionModel
    confidence: _Confidence

    def to_place(self) -> ParsedPlace:
        return ParsedPlace(self.span, tuple(self.numbers), self.region.to_region(), self.confidence)


class _ReplyModel(BaseModel):
    raw: _Text
    text: _Text
    thought: _Text
    note: _Text
    state: ReplyState
    mentions: Annotated[list[_MentionModel], Field(max_length=MAX_ANSWER_REGIONS)]
    marks: Annotated[list[_PlaceModel], Field(max_length=MAX_ANSWER_REGIONS)]
    pace: _TimingModel | None
    stop: StopReason | None = None  # files of earlier versions do not say
    model: _Text = ""  # nor do they say who answered

    @model_validator(mode="after")
    def _check_spans(self) -> _ReplyModel:
        spans = [(one.span, self.text) for one in self.mentions]
        spans += [(one.span, self.raw) for one in self.marks]
        if not all(start <= end <= len(text) for (start, end), text in spans):
            raise ValueError("a span lies outside its text")
        return self

    def to_reply(self) -> Reply:
        pace = self.pace
        return Reply(
            self.raw,
            self.text,
            tuple(mention.to_mention() for mention in self.mentions),
            self.state,
            self.thought,
            tuple(place.to_place() for place in self.marks),
            self.note,
            stop=self.stop,
            model=self.model,
            timing=Timing(pace.first_s, pace.seconds, pace.tokens) if pace else None,
        )


class _TurnModel(BaseModel):
    question: _Text
    pictures: Annotated[list[_ImageModel], Field(max_length=MAX_IMAGES)]
    regions: MarkedRegions
    reply: _ReplyModel | None
    model: _Text
    note: _Text
    seen: Annotated[list[_ImageModel], Field(max_length=MAX_IMAGES)]

    def to_turn(self, files: Mapping[str, bytes]) -> SavedTurn:
        def open_all(pictures: Sequence[_ImageModel]) -> tuple[SavedImage, ...]:
            return tuple(SavedImage(one.name, files[one.sha256]) for one in pictures)

        return SavedTurn(
            self.question,
            open_all(self.pictures),
            _to_regions(self.regions),
            self.reply.to_reply() if self.reply else None,
            self.model,
            self.note,
            open_all(self.seen),
        )


class _ConversationModel(BaseModel):
    examples: Annotated[list[_TurnModel], Field(max_length=MAX_TURNS)]
    turns: Annotated[list[_TurnModel], Field(max_length=MAX_TURNS)]
    files: dict[str, Annotated[bytes, BeforeValidator(_decode)]]

    @model_validator(mode="after")
    def _check_files(self) -> _ConversationModel:
        for key, content in self.files.items():
            if sha256(content).hexdigest() != key:
                raise ValueError("an image is not the one that was saved")
        for turn in (*self.examples, *self.turns):
            for picture in (*turn.pictures, *turn.seen):
                if picture.sha256 not in self.files:
                    raise ValueError(f"the image {picture.name} is missing")
        return self

    def to_conversation(self) -> SavedConversation:
        return SavedConversation(
            tuple(turn.to_turn(self.files) for turn in self.turns),
            tuple(turn.to_turn(self.files) for turn in self.examples),
        )


def _to_regions(models: Sequence[RegionModel]) -> tuple[Region, ...]:
    return tuple(model.to_region() for model in models)
