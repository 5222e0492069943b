"""The state of the sidebar: which picture is on the canvas, whose regions, what is marked on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlm_demo.errors import MissingTextError
from vlm_demo.ui.chat.conversation import ChatTurn, Conversation, all_images
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.values import Region

REGIONS_REPLACED = TranslatableText("The regions were removed together with their picture.")
REGIONS_ELSEWHERE = TranslatableText("The regions were on another picture, so they were left out.")


@dataclass(frozen=True, slots=True)
class ChatSidebarState:
    """What the sidebar shows, and what goes with the next message."""

    image: UploadedImage | None = None  # the one on the canvas
    turn: int | None = None  # whose regions are drawn on it; None: those of no turn
    next_image: UploadedImage | None = None  # came in at the canvas, for the next message
    attached_image: UploadedImage | None = None  # the newest one in the message box
    regions: tuple[Region, ...] = ()  # that are marked, for the next message
    regions_image: UploadedImage | None = None  # what they are marked on
    notice: TranslatableText | None = None  # what became of the regions

    def look_at(self, conversation: Conversation, target: object) -> ChatSidebarState:
        """Show what was pointed at: a thumbnail, or a region of a turn.

        A browser may send any target: one that does not exist changes nothing.
        """
        match target:
            case {"picture": int(index)}:
                images = list_images(conversation, self)
                if 0 <= index < len(images):
                    return self._show_image(conversation, images[index])
            case {"turn": int(turn), "mention": int(index)} if 0 <= turn < len(conversation):
                image = image_of_region(conversation[turn], index)
                return replace(self, image=image, turn=turn) if image else self
        return self

    def _show_image(self, conversation: Conversation, image: UploadedImage) -> ChatSidebarState:
        """Show a picture, with the regions of the newest answer about it."""
        turns = [
            index
            for index, turn in enumerate(conversation)
            if is_same_image(image_of_answer(turn), image)
        ]
        return replace(self, image=image, turn=turns[-1] if turns else None)

    def show_newest(self, conversation: Conversation) -> ChatSidebarState:
        """Show the picture that goes with the next message, or what the newest answer is about."""
        if image := self.next_image or self.attached_image:
            return replace(self, image=image, turn=None)
        return self.show_newest_answer(conversation)

    def show_newest_answer(self, conversation: Conversation) -> ChatSidebarState:
        """Show what the newest answer is about."""
        if not conversation:
            return replace(self, image=None, turn=None)
        image = image_of_answer(conversation[-1])
        return replace(self, image=image, turn=len(conversation) - 1)

    def add_next_image(self, image: UploadedImage) -> ChatSidebarState:
        """Add a picture to the next message, in place of one that came before."""
        state = self._drop_regions_on(self.next_image)
        return replace(state, image=image, turn=None, next_image=image)

    def attach_image(
        self, conversation: Conversation, image: UploadedImage | None
    ) -> ChatSidebarState:
        """Show the newest picture in the message box; None: there is none any more."""
        if image is None:
            state = self._drop_regions_on(self.attached_image)
            return replace(state, attached_image=None).show_newest(conversation)
        is_replaced = not is_same_image(self.attached_image, image)
        state = self._drop_regions_on(self.attached_image if is_replaced else None)
        return replace(state, image=image, turn=None, attached_image=image)

    def clear_canvas(self, conversation: Conversation) -> ChatSidebarState:
        """Take the picture off the canvas, and out of the next message if it was to go with it."""
        if is_same_image(self.image, self.next_image):
            state = self._drop_regions_on(self.next_image)
            return replace(state, next_image=None).show_newest(conversation)
        return replace(self._drop_regions_on(self.image), image=None, turn=None)

    def mark_regions(self, regions: tuple[Region, ...]) -> ChatSidebarState:
        """Keep the regions that are marked on the picture."""
        image = self.image if regions else None
        return replace(self, regions=regions, regions_image=image, notice=None)

    def _drop_regions_on(self, removed: UploadedImage | None) -> ChatSidebarState:
        if self.regions and is_same_image(removed, self.regions_image):
            return replace(self, regions=(), regions_image=None, notice=REGIONS_REPLACED)
        return replace(self, notice=None)

    def build_turn(
        self, text: str, images: Sequence[UploadedImage], before: Conversation
    ) -> ChatTurn:
        """Build the turn of a message, with the regions that are marked for it.

        Regions of a request are on its newest picture. An earlier picture with regions comes again.

        Raises:
            MissingTextError: the message is empty.
        """
        own = [*images, *((self.next_image,) if self.next_image else ())]
        if not text.strip() and not own:
            raise MissingTextError("Please write a message or add a picture.")
        if not self.regions or self.regions_image is None:
            return ChatTurn(text, tuple(own))
        earlier = all_images(before)
        if not own and not (earlier and is_same_image(earlier[-1], self.regions_image)):
            own = [self.regions_image]
        elif own and not any(is_same_image(image, self.regions_image) for image in own):
            return ChatTurn(text, tuple(own), notes=(REGIONS_ELSEWHERE,))
        own.sort(key=lambda image: is_same_image(image, self.regions_image))  # that one comes last
        return ChatTurn(text, tuple(own), regions=self.regions)


def is_same_image(one: UploadedImage | None, other: UploadedImage | None) -> bool:
    """Tell whether there are two pictures, and they look the same."""
    return one is not None and other is not None and one.fingerprint == other.fingerprint


def image_of_answer(turn: ChatTurn) -> UploadedImage | None:
    """Return the picture that the regions of an answer are on, or else the newest one."""
    mentions = turn.reply.mentions if turn.reply else ()
    index = next((m.image_index for m in mentions if m.regions), len(turn.visible_images))
    return turn.image_at(index)


def image_of_region(turn: ChatTurn, index: int) -> UploadedImage | None:
    """Return the picture of a region, counted as on the canvas: the question's come first."""
    mentions = turn.reply.mentions if turn.reply else ()
    if 0 <= index < len(turn.regions):
        return turn.newest_image
    index -= len(turn.regions)
    return turn.image_at(mentions[index].image_index) if 0 <= index < len(mentions) else None


def list_images(conversation: Conversation, state: ChatSidebarState) -> list[UploadedImage]:
    """Return the pictures that can be looked at: those of the turns, then those to come."""
    images = list(all_images(conversation))
    for image in (state.attached_image, state.next_image):
        if image and find_image(images, image) is None:
            images.append(image)
    return images


def find_image(images: Sequence[UploadedImage], wanted: UploadedImage | None) -> int | None:
    """Return the index of a picture among others; None: it is not there."""
    return next((i for i, image in enumerate(images) if is_same_image(image, wanted)), None)
