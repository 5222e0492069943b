"""The picture beside the chat: which one it is, whose places are drawn on it, what is marked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import gradio as gr

from vlm_demo.errors import MissingTextError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.conversation import Conversation, Turn, all_pictures
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.html_values import Said, as_value
from vlm_demo.values import Mention, Region, Reply

BOARD = "chat-board"

REGION_COLOUR = "#f8fafc"
"""Of the regions that a question was about: unlike any place of an answer."""

REPLACED = Said("The regions are gone with the picture that they were on.")
ELSEWHERE = Said("The regions were on another picture, so they were left out.")

_SCRIPT = browser_files.read("chat/chat.js")

_TEMPLATE = """
<div class="shelf">
  <button type="button" class="fold" aria-expanded="true" aria-controls="chat-board"></button>
  <div class="thumbs" role="group" hidden></div>
  <p class="caption" role="status"></p>
</div>
"""


def build_shelf() -> gr.HTML:
    """Lay out what stands above the board: the pictures to choose from, and what is shown.

    Events: `select` (data: `turn`, and `mention` or `picture`), and `like` (data: `turn`) where an
    answer is to become an example. Its script links the chat with the board.
    """
    return gr.HTML(
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id="chat-shelf",
        apply_default_css=False,
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies beside the chat."""

    picture: Picture | None = None  # the one on the board
    turn: int | None = None  # whose places are drawn on it; None: nobody's
    coming: Picture | None = None  # came in at the board, and goes with the next message
    attached: Picture | None = None  # the newest one in the message box
    marked: tuple[Region, ...] = ()  # for the next message
    marked_on: Picture | None = None
    told: Said | None = None  # what became of regions

    def looking_at(self, conversation: Conversation, wish: object) -> Desk:
        """Show what was pointed at: a thumbnail, or a place that a turn is about.

        The wish is the browser's word: one that fits nothing changes nothing.
        """
        match wish:
            case {"picture": int(index)}:
                pictures = pictures_at_hand(conversation, self)
                if 0 <= index < len(pictures):
                    return self._at(conversation, pictures[index])
            case {"turn": int(at), "mention": int(index)} if 0 <= at < len(conversation):
                picture = place_on(conversation[at], index)
                return replace(self, picture=picture, turn=at) if picture else self
        return self

    def _at(self, conversation: Conversation, picture: Picture) -> Desk:
        """Show a picture, with the places of the newest answer about it."""
        turns = [i for i, turn in enumerate(conversation) if same(answered_about(turn), picture)]
        return replace(self, picture=picture, turn=turns[-1] if turns else None)

    def at_newest(self, conversation: Conversation) -> Desk:
        """Show the picture that goes with the next message, or what the newest answer is about."""
        if waiting := self.coming or self.attached:
            return replace(self, picture=waiting, turn=None)
        return self.following(conversation)

    def following(self, conversation: Conversation) -> Desk:
        """Show what the newest answer is about."""
        if not conversation:
            return replace(self, picture=None, turn=None)
        picture = answered_about(conversation[-1])
        return replace(self, picture=picture, turn=len(conversation) - 1)

    def with_coming(self, picture: Picture) -> Desk:
        """Take in a picture for the next message, in place of one that came before."""
        return replace(self._without(self.coming), picture=picture, turn=None, coming=picture)

    def with_attached(self, conversation: Conversation, picture: Picture | None) -> Desk:
        """Show the newest picture in the message box; None: there is none any more."""
        if picture is not None:
            gone = self.attached if not same(self.attached, picture) else None
            return replace(self._without(gone), picture=picture, turn=None, attached=picture)
        return replace(self._without(self.attached), attached=None).at_newest(conversation)

    def put_away(self, conversation: Conversation) -> Desk:
        """Take the picture off the board: one that was to come does not, others stay said."""
        if same(self.picture, self.coming):
            return replace(self._without(self.coming), coming=None).at_newest(conversation)
        return replace(self._without(self.picture), picture=None, turn=None)

    def with_marks(self, regions: tuple[Region, ...]) -> Desk:
        """Keep the regions that are marked on the picture."""
        on = self.picture if regions else None
        return replace(self, marked=regions, marked_on=on, told=None)

    def _without(self, gone: Picture | None) -> Desk:
        if self.marked and same(gone, self.marked_on):
            return replace(self, marked=(), marked_on=None, told=REPLACED)
        return replace(self, told=None)


def same(one: Picture | None, other: Picture | None) -> bool:
    """Tell whether two pictures are there and look the same."""
    return one is not None and other is not None and one.fingerprint == other.fingerprint


def answered_about(turn: Turn) -> Picture | None:
    """Return the picture that the places of an answer are on, or else the newest one."""
    mentions = turn.reply.mentions if turn.reply else ()
    index = next((m.image_index for m in mentions if m.regions), len(turn.seen))
    return turn.picture_of(index)


def place_on(turn: Turn, index: int) -> Picture | None:
    """Return the picture of a place, counted as on the board: the question's come first."""
    mentions = turn.reply.mentions if turn.reply else ()
    if 0 <= index < len(turn.regions):
        return turn.newest_picture
    at = index - len(turn.regions)
    return turn.picture_of(mentions[at].image_index) if 0 <= at < len(mentions) else None


def asked_with(text: str, pictures: Sequence[Picture], desk: Desk, before: Conversation) -> Turn:
    """Build the turn of a message, with the regions that are marked for it.

    Regions of a request are on its newest picture. An earlier picture with regions comes again.

    Raises:
        MissingTextError: the message is empty.
    """
    own = [*pictures, *((desk.coming,) if desk.coming else ())]
    if not text.strip() and not own:
        raise MissingTextError("Please write a message or add a picture.")
    if not desk.marked or desk.marked_on is None:
        return Turn(text, tuple(own))
    earlier = all_pictures(before)
    if not own and not (earlier and same(earlier[-1], desk.marked_on)):
        own = [desk.marked_on]
    elif own and not any(same(picture, desk.marked_on) for picture in own):
        return Turn(text, tuple(own), notes=(ELSEWHERE,))
    own.sort(key=lambda picture: same(picture, desk.marked_on))  # the one with regions last
    return Turn(text, tuple(own), regions=desk.marked)


class Marking(Enum):
    """What becomes of the regions on the board; with another picture, the board drops its own."""

    LEFT = auto()
    PUT = auto()  # those of the desk are put there
    CLEARED = auto()


def board_value(conversation: Conversation, desk: Desk, marking: Marking = Marking.LEFT) -> str:
    """Value of the board: the places of a turn on one of its pictures, and what the shelf shows.

    Places that the question was about come first, and keep theirs while an answer grows.

    Args:
        conversation: all turns.
        desk: what is to be seen.
        marking: what becomes of the regions that a person marks there.
    """
    picture = desk.picture
    marked: tuple[Region, ...] | None = None
    if marking is Marking.CLEARED:
        marked = ()
    elif marking is Marking.PUT and same(picture, desk.marked_on):
        marked = desk.marked
    regions: list[Mention] = []
    mentions: list[Mention] = []
    confidences: list[Sure] = []
    if picture and desk.turn is not None and desk.turn < len(conversation):
        turn = conversation[desk.turn]
        regions = _regions_on(picture, turn)
        mentions, confidences = _places_on(picture, turn)
    sure = [*((None,) * len(region.regions) for region in regions), *confidences]
    content = json.loads(shown(picture, [*regions, *mentions], sure, regions=marked))
    for index, place in enumerate(content["mentions"], -len(regions)):
        looks = (colour_of(index), dash_of(index)) if index >= 0 else (REGION_COLOUR, ())
        place["colour"], place["dash"] = looks
    return as_value(content | {"shelf": _shelf(conversation, desk)})


Sure = tuple[float | None, ...]
"""How sure a model was of each region of a mention."""


def _regions_on(picture: Picture, turn: Turn) -> list[Mention]:
    """Return the regions of a question as places with names; elsewhere they have none."""
    here = same(turn.newest_picture, picture)
    return [
        Mention(f"[{number}]", (0, 0), (region,) if here else ())
        for number, region in enumerate(turn.regions, 1)
    ]


def _places_on(picture: Picture, turn: Turn) -> tuple[list[Mention], list[Sure]]:
    """Return the mentions of a turn and how sure it was; those elsewhere lose their places."""
    reply = turn.reply or Reply("", "")
    mentions, confidences = [], []
    for mention, sure in zip(reply.mentions, region_confidences(reply), strict=True):
        here = same(turn.picture_of(mention.image_index), picture)
        mentions.append(mention if here else replace(mention, regions=()))
        confidences.append(sure if here else ())
    return mentions, confidences


def _shelf(conversation: Conversation, desk: Desk) -> dict[str, Any]:
    """What the shelf shows: thumbnails, which picture is on the board, and whose places."""
    pictures = pictures_at_hand(conversation, desk)
    return {
        "pictures": [{"url": picture.url, "name": picture.name} for picture in pictures],
        "picture": _place_in(pictures, desk.picture),
        "turn": desk.turn,
        "coming": same(desk.picture, desk.coming) or same(desk.picture, desk.attached),
        "markedOn": _place_in(pictures, desk.marked_on),
        "asked": [len(turn.regions) for turn in conversation],
        "told": desk.told,
    }


def pictures_at_hand(conversation: Conversation, desk: Desk) -> list[Picture]:
    """Return the pictures that can be looked at: those of the turns, then those to come."""
    pictures = list(all_pictures(conversation))
    for extra in (desk.attached, desk.coming):
        if extra and _place_in(pictures, extra) is None:
            pictures.append(extra)
    return pictures


def _place_in(pictures: Sequence[Picture], wanted: Picture | None) -> int | None:
    return next((i for i, picture in enumerate(pictures) if same(picture, wanted)), None)
