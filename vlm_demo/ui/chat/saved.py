"""A conversation of the page as one that can be saved, and back."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from gradio.utils import get_upload_folder

from vlm_demo.conversations import SavedConversation, SavedPicture, SavedTurn
from vlm_demo.errors import ConversationError, ImageError
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.conversation import Conversation, Turn
from vlm_demo.ui.components.answer.text import in_english
from vlm_demo.ui.components.picture_input.pictures import Picture, take
from vlm_demo.ui.html_values import Said


def saved(
    conversation: Conversation, examples: Conversation, *, small: bool = False
) -> SavedConversation:
    """Return what is kept of a conversation.

    Args:
        conversation: its turns.
        examples: those that are pinned.
        small: with the copies that the page shows, for pictures as they came in.

    Raises:
        ImageError: a picture has been cleaned away meanwhile.
    """

    def picture(of: Picture) -> SavedPicture:
        try:
            return SavedPicture(of.name, (of.shown if small else of.source).read_bytes())
        except OSError as error:
            raise ImageError(
                f"The picture {of.name} is no longer here, so this cannot be saved with pictures."
            ) from error

    def turn(of: Turn) -> SavedTurn:
        return SavedTurn(
            of.question,
            tuple(map(picture, of.pictures)),
            of.regions,
            of.reply,
            of.model,
            " ".join(map(in_english, of.notes)),
            tuple(map(picture, of.seen)),
        )

    return SavedConversation(tuple(map(turn, conversation)), tuple(map(turn, examples)))


def opened(file: SavedConversation, settings: Settings) -> tuple[Conversation, Conversation]:
    """Return the turns and the pinned examples of a file; its pictures are checked and kept.

    Raises:
        ConversationError: one of its pictures cannot be used.
    """
    folder = Path(mkdtemp(dir=get_upload_folder()))
    pictures: dict[str, Picture] = {}
    for key, picture in file.pictures.items():
        path = folder / key
        path.write_bytes(picture.content)
        try:
            pictures[key] = take(path, settings, picture.name)
        except ImageError as error:
            raise ConversationError(
                f"The picture {picture.name} in this conversation cannot be used: {error}"
            ) from error

    def turn(of: SavedTurn) -> Turn:
        return Turn(
            of.question,
            tuple(pictures[picture.key] for picture in of.pictures),
            of.reply,
            of.regions,
            of.model,
            (Said(of.note),) if of.note else (),
            tuple(pictures[picture.key] for picture in of.seen),
        )

    return tuple(map(turn, file.turns)), tuple(map(turn, file.examples))
