"""A conversation as JSON.

The format is our own, and its first keys say what it is:

    {"format": "vlm-demo conversation", "version": 1,
     "examples": [TURN, ...], "turns": [TURN, ...], "files": {SHA-256: base64, ...}}

A TURN holds `question`, `pictures` ({"name", "sha256"} each), `regions`, `model`, `note`, `reply`
(null where it was never answered), and the pictures that the model was shown (`seen`). Places are
{"box": [x1, y1, x2, y2]}, {"point": [x, y]} or {"polygon": [[x, y], ...]}, as fractions of the
picture. A picture that comes twice is kept once.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from vlm_demo.conversations.saved import FORMAT, VERSION, SavedConversation, SavedPicture, SavedTurn
from vlm_demo.markup.region_json import region_data
from vlm_demo.values import Mention, ParsedPlace, Reply


def to_json(conversation: SavedConversation) -> str:
    """Write a conversation so that `from_json` gives it back as it is."""
    files = {
        key: base64.b64encode(picture.content).decode("ascii")
        for key, picture in conversation.pictures.items()
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "examples": [_turn(turn) for turn in conversation.examples],
        "turns": [_turn(turn) for turn in conversation.turns],
        "files": files,
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def _turn(turn: SavedTurn) -> dict[str, Any]:
    return {
        "question": turn.question,
        "pictures": [_picture(picture) for picture in turn.pictures],
        "regions": [region_data(region) for region in turn.regions],
        "model": turn.model,
        "note": turn.note,
        "reply": _reply(turn.reply) if turn.reply else None,
        "seen": [_picture(picture) for picture in turn.seen],
    }


def _picture(picture: SavedPicture) -> dict[str, str]:
    return {"name": picture.name, "sha256": picture.key}


def _reply(reply: Reply) -> dict[str, Any]:
    pace = reply.timing
    return {
        "raw": reply.raw,
        "text": reply.text,
        "thought": reply.reasoning,
        "note": reply.note,
        "state": reply.state.value,
        "mentions": [_mention(mention) for mention in reply.mentions],
        "marks": [_mark(mark) for mark in reply.parsed_places],
        "pace": pace
        and {"first_s": pace.first_token_s, "seconds": pace.seconds, "tokens": pace.tokens},
    }


def _mention(mention: Mention) -> dict[str, Any]:
    return {
        "phrase": mention.phrase,
        "span": mention.span,
        "regions": [region_data(region) for region in mention.regions],
        "image_index": mention.image_index,
        "confidence": mention.confidence,
    }


def _mark(mark: ParsedPlace) -> dict[str, Any]:
    return {
        "span": mark.span,
        "numbers": mark.numbers,
        "region": region_data(mark.region),
        "confidence": mark.confidence,
    }
