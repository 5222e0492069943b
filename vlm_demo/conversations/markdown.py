"""A conversation as Markdown, for people."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePath

from vlm_demo.conversations.saved import SavedConversation, SavedPicture, SavedTurn
from vlm_demo.values import Box, Mention, Point, Region, Timing, bounding_box

_NO_FILE_NAME = re.compile(r"[^\w.-]+")


def to_markdown(conversation: SavedConversation, *, with_pictures: bool) -> str:
    """Write a conversation; pictures are links to the files of `to_zip`, or only names."""
    names = _file_names(conversation) if with_pictures else {}
    blocks = ["# Conversation"]
    for kind, turns in (("Example", conversation.examples), ("Turn", conversation.turns)):
        for number, turn in enumerate(turns, 1):
            blocks += [f"## {kind} {number}", *_blocks(turn, names)]
    return "\n\n".join(blocks) + "\n"


def to_zip(conversation: SavedConversation) -> bytes:
    """Write a conversation as `conversation.md`, with its pictures in a folder beside it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:  # not packed: pictures are already
        archive.writestr("conversation.md", to_markdown(conversation, with_pictures=True))
        for key, name in _file_names(conversation).items():
            archive.writestr(name, conversation.pictures[key].content)
    return written.getvalue()


def _blocks(turn: SavedTurn, names: dict[str, str]) -> Iterator[str]:
    for picture in turn.pictures:
        alt = re.sub(r"[\[\]\\]", "", picture.name)
        yield f"![{alt}]({names[picture.key]})" if names else f"*Picture: {alt}*"
    yield f"**Question**\n\n{turn.question}"
    if turn.regions:
        yield "\n".join(
            f"- [{number}] {_place(region)}" for number, region in enumerate(turn.regions, 1)
        )
    if turn.reply is None:
        return
    yield " · ".join((f"**{turn.model or 'Answer'}**", *_pace(turn.reply.timing)))
    yield turn.reply.text
    placed = [mention for mention in turn.reply.mentions if mention.regions]
    if placed:
        yield "\n".join(map(_listed, placed))


def _listed(mention: Mention) -> str:
    return f"- {mention.phrase or 'unnamed'}: {'; '.join(map(_place, mention.regions))}"


def _place(region: Region) -> str:
    """Name a place in percents of the picture's width and height."""
    match region:
        case Point(x, y):
            return f"point {x:.1%} {y:.1%}"
        case Box(x1, y1, x2, y2):
            return f"box {x1:.1%} {y1:.1%} to {x2:.1%} {y2:.1%}"
        case _:
            return f"outline within {_place(bounding_box(region))}"


def _pace(pace: Timing | None) -> Iterator[str]:
    if pace is None:
        return
    yield f"{pace.seconds:.1f} s"
    if pace.tokens:
        yield f"{pace.tokens} tokens"
    if pace.tokens_per_s:
        yield f"{pace.tokens_per_s:.0f} tokens per second"


def _file_names(conversation: SavedConversation) -> dict[str, str]:
    """Name the file of each picture, by its key: numbered, since names may be the same."""
    return {
        key: f"pictures/{number}-{_file_name(picture)}"
        for number, (key, picture) in enumerate(conversation.pictures.items(), 1)
    }


def _file_name(picture: SavedPicture) -> str:
    path = PurePath(picture.name.replace("\\", "/"))
    return _NO_FILE_NAME.sub("-", path.name)[-60:].strip("-.") or "picture"
