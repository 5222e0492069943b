"""What happens beside the chat: pictures come and go, regions are marked, places are looked at."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gradio as gr

from vlm_demo.errors import ImageError, InputError
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.canvas import Desk, Marking, same
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.parts import ChatParts
from vlm_demo.ui.components.canvas.canvas import megabytes, read_regions
from vlm_demo.ui.components.picture_input.pictures import Picture, take_upload
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import EACH, QUEUED, QUICK
from vlm_demo.ui.streaming import errors_shown

SENT = "sent"
"""Stands for the newest picture in the message box where it has gone with a message."""

ATTACHED = """(message, before) => {
  const newest = message?.files?.at(-1)?.path, sent = window.chatSent;
  window.chatSent = false;
  if (newest) return newest;
  if (!before.startsWith('/') && !/^[A-Za-z]:/.test(before)) return before;
  return sent ? 'sent' : '';
}"""
"""Tells the path of the newest picture in the message box; "sent" where it went with a message."""


def wire_side(parts: ChatParts, around: PageContext, box: gr.MultimodalTextbox) -> None:
    """Bring to life what lies beside the chat; `box` is where messages are written."""
    board, shelf = parts.board, parts.shelf
    attached = gr.Textbox("", visible="hidden", show_label=False)
    here = [parts.conversation, parts.desk]

    def come_in(event: gr.EventData, conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        with errors_shown():
            picture = _uploaded(event._data, around.settings)
            coming = parts.beside_with(conversation, desk.with_coming(picture), Marking.PUT)
            return {**coming, around.newest: picture}
        return {around.newest: gr.skip()}

    def numbered(
        marked: tuple[Picture, float] | None, conversation: Conversation, desk: Desk
    ) -> dict[Any, Any]:
        """Take in a picture whose places have been numbered elsewhere on the page."""
        if marked is None:
            return parts.beside_with(conversation, desk)
        return parts.beside_with(conversation, desk.with_coming(marked[0]), Marking.PUT)

    def put_away(conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        away = desk.put_away(conversation)
        return parts.beside_with(conversation, away, Marking.PUT)

    def look(event: gr.EventData, conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        there = desk.looking_at(conversation, event._data)
        return parts.beside_with(
            conversation, there, Marking.LEFT if same(there.picture, desk.picture) else Marking.PUT
        )

    def mark(event: gr.EventData, conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        marked = desk.with_marks(read_regions(event._data, desk.picture))
        return parts.beside_with(conversation, marked)

    def attach(path: str, conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        """Show the newest picture of the message box, where it can be shown."""
        if path == SENT:
            return {parts.desk: gr.skip()}  # the answer to it shows what there is to see
        picture = None
        with suppress(ImageError):  # it is said when the message is sent
            picture = take_upload(path, around.settings) if path else None
        return parts.beside_with(
            conversation, desk.with_attached(conversation, picture), Marking.PUT
        )

    box.change(None, [box, attached], attached, js=ATTACHED, **QUICK)
    attached.change(attach, [attached, *here], parts.beside, **QUICK)
    board.upload(
        come_in,
        here,
        [*parts.beside, around.newest],
        **QUEUED,
    )
    board.clear(put_away, here, parts.beside, **QUICK)
    board.select(mark, here, parts.beside, **EACH)
    shelf.select(look, here, parts.beside, **EACH)
    around.numbered.change(numbered, [around.numbered, *here], parts.beside, **QUICK)


def _uploaded(sent: object, settings: Settings) -> Picture:
    """Take a picture that came in at the board.

    Raises:
        InputError: it is too large, did not arrive, or is no picture.
    """
    match sent:
        case {"too_large": _}:
            most = megabytes(settings.max_upload_bytes)
            raise InputError(f"This file is too large: at most {most} are taken.")
        case {"path": str(path)}:
            return take_upload(path, settings)
    raise InputError("The picture did not arrive. Please try again.")
