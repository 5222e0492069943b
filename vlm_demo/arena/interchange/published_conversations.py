"""The conversations in published votes: messages whose content is a list of parts.

Source: https://huggingface.co/datasets/lmarena-ai/arena-human-preference-140k
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vlm_demo.arena.votes.vote import Contender, UserTurn

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_messages(turns: Sequence[UserTurn], side: Contender) -> list[dict[str, Any]]:
    """Return the conversation of one side as messages."""
    messages = []
    for turn, output in zip(turns, side.outputs, strict=False):
        question = [*map(_to_image_part, turn.images), {"type": "text", "text": turn.text}]
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": output}]})
    return messages


def read_outputs(messages: object) -> tuple[str, ...]:
    """Return what the model wrote in a conversation, one text per turn."""
    return tuple(
        _join_texts(message)
        for message in _keep_objects(messages)
        if message.get("role") == "assistant"
    )


def read_user_turns(messages_a: object, messages_b: object) -> tuple[UserTurn, ...]:
    """Return what both sides were asked; () unless all of it is there and the same."""
    try:
        turns_a, turns_b = _read_user_turns(messages_a), _read_user_turns(messages_b)
    except ValueError:  # a picture that is given by its address, or not at all
        return ()
    return turns_a if turns_a == turns_b else ()


def _to_image_part(png: bytes) -> dict[str, str]:
    return {
        "type": "image",
        "image": base64.b64encode(png).decode("ascii"),
        "mimeType": "image/png",
    }


def _read_user_turns(messages: object) -> tuple[UserTurn, ...]:
    return tuple(
        UserTurn(text=_join_texts(message), images=tuple(_read_images(message)))
        for message in _keep_objects(messages)
        if message.get("role") == "user"
    )


def _keep_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; anything else is left out, since it is no message or part."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _list_parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return _keep_objects(content)


def _join_texts(message: Mapping[str, Any]) -> str:
    texts = (part.get("text") for part in _list_parts(message) if part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _read_images(message: Mapping[str, Any]) -> Iterator[bytes]:
    for part in _list_parts(message):
        if part.get("type") == "text":
            continue
        image = base64.b64decode(str(part.get("image")), validate=True)
        if not image.startswith(_PNG_SIGNATURE):
            raise ValueError("not a PNG")
        yield image
