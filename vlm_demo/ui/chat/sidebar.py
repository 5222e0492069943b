"""The events of the sidebar: pictures come and go, regions are marked, and pointed at."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gradio as gr

from vlm_demo.errors import ImageError
from vlm_demo.settings import Settings
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.canvas import RegionUpdate
from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState, is_same_image
from vlm_demo.ui.components.canvas.canvas_values import read_regions
from vlm_demo.ui.components.image_input import accept_event
from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_upload
from vlm_demo.ui.events import EACH, QUEUED, QUICK, event_data
from vlm_demo.ui.streaming import show_errors

SENT_WITH_MESSAGE = "sent"
"""What newest_attachment.js returns where the picture went with a message."""

_NEWEST_ATTACHMENT = browser_files.read("chat/newest_attachment.js")


def wire_sidebar(
    components: ChatComponents,
    box: gr.MultimodalTextbox,
    newest_image: gr.State,
    numbered_image: gr.State,
    settings: Settings,
) -> None:
    """Bring the sidebar to life.

    Args:
        components: the conversation.
        box: the message box.
        newest_image: holds the page's newest picture.
        numbered_image: holds a picture whose regions were numbered, for the next message.
        settings: the limits for pictures.
    """
    canvas, thumbnails = components.canvas, components.thumbnails
    attached = gr.Textbox("", visible="hidden", show_label=False)
    inputs = [components.conversation, components.sidebar]
    outputs = components.sidebar_components

    def accept(
        event: gr.EventData, conversation: Conversation, sidebar: ChatSidebarState
    ) -> dict[Any, Any]:
        with show_errors():
            image = accept_event(event_data(event), settings)
            shown = sidebar.add_next_image(image)
            update = components.update_sidebar(conversation, shown, RegionUpdate.REPLACE)
            return {**update, newest_image: image}
        return {newest_image: gr.skip()}

    def add_numbered_image(
        numbered: tuple[UploadedImage, int] | None,
        conversation: Conversation,
        sidebar: ChatSidebarState,
    ) -> dict[Any, Any]:
        """Add a picture whose regions were numbered elsewhere on the page."""
        if numbered is None:
            return components.update_sidebar(conversation, sidebar)
        image, _ = numbered
        shown = sidebar.add_next_image(image)
        return components.update_sidebar(conversation, shown, RegionUpdate.REPLACE)

    def clear(conversation: Conversation, sidebar: ChatSidebarState) -> dict[Any, Any]:
        cleared = sidebar.clear_canvas(conversation)
        return components.update_sidebar(conversation, cleared, RegionUpdate.REPLACE)

    def look(
        event: gr.EventData, conversation: Conversation, sidebar: ChatSidebarState
    ) -> dict[Any, Any]:
        shown = sidebar.look_at(conversation, event._data)
        is_same = is_same_image(shown.image, sidebar.image)
        update = RegionUpdate.KEEP if is_same else RegionUpdate.REPLACE
        return components.update_sidebar(conversation, shown, update)

    def mark(
        event: gr.EventData, conversation: Conversation, sidebar: ChatSidebarState
    ) -> dict[Any, Any]:
        marked = sidebar.mark_regions(read_regions(event._data, sidebar.image))
        return components.update_sidebar(conversation, marked)

    def attach(path: str, conversation: Conversation, sidebar: ChatSidebarState) -> dict[Any, Any]:
        """Show the newest picture of the message box, where it can be shown."""
        if path == SENT_WITH_MESSAGE:
            return {components.sidebar: gr.skip()}  # its answer shows what there is to see
        image = None
        with suppress(ImageError):  # it is reported when the message is sent
            image = accept_upload(path, settings) if path else None
        shown = sidebar.attach_image(conversation, image)
        return components.update_sidebar(conversation, shown, RegionUpdate.REPLACE)

    box.change(None, [box, attached], attached, js=_NEWEST_ATTACHMENT, **QUICK)
    attached.change(attach, [attached, *inputs], outputs, **QUICK)
    canvas.upload(accept, inputs, [*outputs, newest_image], **QUEUED)
    canvas.clear(clear, inputs, outputs, **QUICK)
    canvas.select(mark, inputs, outputs, **EACH)
    thumbnails.select(look, inputs, outputs, **EACH)
    numbered_image.change(add_numbered_image, [numbered_image, *inputs], outputs, **QUICK)
