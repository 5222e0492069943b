"""A conversation as Markdown for people to read."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePath

from vlm_demo.conversations.saved_conversation import SavedConversation, SavedImage, SavedTurn
from vlm_demo.prompting.stop_notes import stop_note
from vlm_demo.values import Box, Mention, Point, Region, Timing, bounding_box

_NOT_IN_FILE_NAMES = re.compile(r"[^\w.-]+")


def to_markdown(conversation: SavedConversation, *, with_images: bool) -> str:
    """Return a conversation; pictures are links to the files of `to_zip`, or only names."""
    names = _file_names(conversation) if with_images else {}
    blocks = ["# Conversation"]
    for kind, turns in (("Example", conversation.examples), ("Turn", conversation.turns)):
        for number, turn in enumerate(turns, 1):
            blocks += [f"## {kind} {number}", *_blocks(turn, names)]
    return "\n\n".join(blocks) + "\n"


def to_zip(conversation: SavedConversation) -> bytes:
    """Return a ZIP with a conversation as `conversation.md`, and a folder with its pictures."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:  # pictures are compressed already
        archive.writestr("conversation.md", to_markdown(conversation, with_images=True))
        for key, name in _file_names(conversation).items():
            archive.writestr(name, conversation.images[key].content)
    return content.getvalue()


def _blocks(turn: SavedTurn, names: dict[str, str]) -> Iterator[str]:
    for picture in turn.images:
        alt = re.sub(r"[\[\]\\]", "", picture.name)
        yield f"![{alt}]({names[picture.key]})" if names else f"*Image: {alt}*"
    yield f"**Question**\n\n{turn.question}"
    if turn.regions:
        yield "\n".join(
            f"- [{number}] {_describe_region(region)}"
            for number, region in enumerate(turn.regions, 1)
        )
    if turn.reply is None:
        return
    yield " · ".join((f"**{turn.model or 'Answer'}**", *_describe_timing(turn.reply.timing)))
    yield turn.reply.text
    if note := stop_note(turn.reply):
        yield f"*{note}*"
    mentions = [mention for mention in turn.reply.mentions if mention.regions]
    if mentions:
        yield "\n".join(map(_list_item, mentions))


def _list_item(mention: Mention) -> str:
    return f"- {mention.phrase or 'unnamed'}: {'; '.join(map(_describe_region, mention.regions))}"


def _describe_region(region: Region) -> str:
    """Describe a region in percent of the picture's width and height."""
    match region:
        case Point(x, y):
            return f"point {x:.1%} {y:.1%}"
        case Box(x1, y1, x2, y2):
            return f"box {x1:.1%} {y1:.1%} to {x2:.1%} {y2:.1%}"
        case _:
            return f"outline within {_describe_region(bounding_box(region))}"


def _describe_timing(timing: Timing | None) -> Iterator[str]:
    if timing is None:
        return
    yield f"{timing.seconds:.1f} s"
    if timing.tokens:
        yield f"{timing.tokens} tokens"
    if timing.tokens_per_s:
        yield f"{timing.tokens_per_s:.0f} tokens per second"


def _file_names(conversation: SavedConversation) -> dict[str, str]:
    """Return the file name of each picture by its key; numbered, since names may be equal."""
    return {
        key: f"pictures/{number}-{_file_name(picture)}"
        for number, (key, picture) in enumerate(conversation.images.items(), 1)
    }


def _file_name(picture: SavedImage) -> str:
    path = PurePath(picture.name.replace("\\", "/"))
    return _NOT_IN_FILE_NAMES.sub("-", path.name)[-60:].strip("-.") or "picture"
