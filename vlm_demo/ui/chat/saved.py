"""Turns a conversation of the page into one that can be saved, and back."""

from __future__ import annotations

from vlm_demo.conversations import SavedConversation, SavedImage, SavedTurn
from vlm_demo.errors import ConversationError, ImageError
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.conversation import ChatTurn, Conversation
from vlm_demo.ui.components.uploaded_images import (
    UploadedImage,
    accept_image,
    make_served_folder,
)


def save_conversation(
    conversation: Conversation, examples: Conversation, *, small: bool = False
) -> SavedConversation:
    """Return a conversation as it is saved.

    Args:
        conversation: its turns.
        examples: the few-shot examples that are pinned.
        small: whether to save the copies that the page shows in place of the uploaded pictures.

    Raises:
        ImageError: a picture has been cleaned away meanwhile.
    """

    def save_image(image: UploadedImage) -> SavedImage:
        file = image.display_copy if small else image.source
        try:
            return SavedImage(image.name, file.read_bytes())
        except OSError as error:
            raise ImageError(
                f"The picture {image.name} is no longer here, so this cannot be saved with "
                "pictures."
            ) from error

    def save_turn(turn: ChatTurn) -> SavedTurn:
        return SavedTurn(
            turn.question,
            tuple(map(save_image, turn.images)),
            turn.regions,
            turn.reply,
            turn.model,
            " ".join(map(str, turn.notes)),
            tuple(map(save_image, turn.visible_images)),
        )

    return SavedConversation(tuple(map(save_turn, conversation)), tuple(map(save_turn, examples)))


def restore_conversation(
    file: SavedConversation, settings: Settings
) -> tuple[Conversation, Conversation]:
    """Return the turns and the few-shot examples of a file; its pictures are checked and stored.

    Raises:
        ConversationError: one of its pictures cannot be used.
        FileError: the disk is full.
    """
    folder = make_served_folder()
    images: dict[str, UploadedImage] = {}
    for key, picture in file.images.items():
        path = folder / key
        path.write_bytes(picture.content)
        try:
            images[key] = accept_image(path, settings, picture.name)
        except ImageError as error:
            raise ConversationError(
                f"The picture {picture.name} in this conversation cannot be used: {error}"
            ) from error

    def open_turn(turn: SavedTurn) -> ChatTurn:
        return ChatTurn(
            turn.question,
            tuple(images[picture.key] for picture in turn.images),
            turn.reply,
            turn.regions,
            turn.model,
            (turn.note,) if turn.note else (),
            tuple(images[picture.key] for picture in turn.seen),
        )

    return tuple(map(open_turn, file.turns)), tuple(map(open_turn, file.examples))
