"""The canvas beside the chat, and the strip of thumbnails above it."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import Enum, auto
from typing import Any

import gradio as gr

from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.conversation import ChatTurn, Conversation
from vlm_demo.ui.chat.sidebar_state import (
    ChatSidebarState,
    find_image,
    is_same_image,
    list_images,
)
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import encode_value
from vlm_demo.values import Mention, Region, Reply

CANVAS_ID = "chat-canvas"

REGION_COLOUR = "#f8fafc"
"""Colour of the regions that a question was about: unlike that of any region of an answer."""

Confidences = tuple[float | None, ...]
"""The confidence of each region of a mention."""

_SCRIPT = browser_files.read("chat/chat.js")

_TEMPLATE = """
<div class="thumbnail-strip">
  <button type="button" class="fold" aria-expanded="true" aria-controls="chat-canvas"></button>
  <div class="thumbs" role="group" hidden></div>
  <p class="caption" role="status"></p>
</div>
"""


class RegionUpdate(Enum):
    """What becomes of the regions on the canvas, which drops them with their picture."""

    KEEP = auto()
    REPLACE = auto()  # by those of the sidebar's state
    CLEAR = auto()


def build_thumbnail_strip() -> gr.HTML:
    """Lay out what stands above the canvas: the pictures to choose from, and what is shown.

    Events: `select` (data: `turn`, and `mention` or `picture`), and `like` (data: `turn`) where an
    answer is to become an example. Its script links the chat with the canvas.
    """
    return build_html_component(None, _TEMPLATE, _SCRIPT, "chat-thumbnails")


def chat_canvas_value(
    conversation: Conversation,
    state: ChatSidebarState,
    update: RegionUpdate = RegionUpdate.KEEP,
) -> str:
    """Value of the canvas: the regions of a turn on one of its pictures, and the thumbnails.

    Regions that the question was about come first, and keep their numbers while an answer grows.

    Args:
        conversation: all turns.
        state: what the sidebar shows.
        update: what becomes of the regions that a person marks there.
    """
    image = state.image
    marked: tuple[Region, ...] | None = None
    if update is RegionUpdate.CLEAR:
        marked = ()
    elif update is RegionUpdate.REPLACE and is_same_image(image, state.regions_image):
        marked = state.regions
    asked: list[Mention] = []
    mentions: list[Mention] = []
    confidences: list[Confidences] = []
    if image and state.turn is not None and state.turn < len(conversation):
        turn = conversation[state.turn]
        asked = _question_mentions(image, turn)
        mentions, confidences = _answer_mentions(image, turn)
    confidences = [*((None,) * len(mention.regions) for mention in asked), *confidences]
    content = json.loads(canvas_value(image, [*asked, *mentions], confidences, regions=marked))
    for index, mention in enumerate(content["mentions"], -len(asked)):
        style = (colour_of(index), dash_of(index)) if index >= 0 else (REGION_COLOUR, ())
        mention["colour"], mention["dash"] = style
    return encode_value(content | {"thumbnails": _thumbnails_content(conversation, state)})


def _question_mentions(image: UploadedImage, turn: ChatTurn) -> list[Mention]:
    """Return the regions of a question as mentions, without those on another picture."""
    is_here = is_same_image(turn.newest_image, image)
    return [
        Mention(f"[{number}]", (0, 0), (region,) if is_here else ())
        for number, region in enumerate(turn.regions, 1)
    ]


def _answer_mentions(
    image: UploadedImage, turn: ChatTurn
) -> tuple[list[Mention], list[Confidences]]:
    """Return the mentions of an answer, without the regions on another picture; confidences."""
    reply = turn.reply or Reply("", "")
    mentions, confidences = [], []
    for mention, known in zip(reply.mentions, region_confidences(reply), strict=True):
        is_here = is_same_image(turn.image_at(mention.image_index), image)
        mentions.append(mention if is_here else replace(mention, regions=()))
        confidences.append(known if is_here else ())
    return mentions, confidences


def _thumbnails_content(conversation: Conversation, state: ChatSidebarState) -> dict[str, Any]:
    """Return what the strip shows: thumbnails, the one on the canvas, and whose regions."""
    images = list_images(conversation, state)
    goes_next = (state.next_image, state.attached_image)
    return {
        "pictures": [{"url": image.url, "name": image.name} for image in images],
        "picture": find_image(images, state.image),
        "turn": state.turn,
        "goesNext": any(is_same_image(state.image, image) for image in goes_next),
        "markedOn": find_image(images, state.regions_image),
        "asked": [len(turn.regions) for turn in conversation],
        "notice": state.notice,
    }
