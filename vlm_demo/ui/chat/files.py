"""The conversation as a file: downloaded as Markdown or JSON, and opened again from JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from vlm_demo.atomic_file import atomic_write
from vlm_demo.conversations import SavedConversation, from_json, to_json, to_markdown, to_zip
from vlm_demo.errors import ConversationError, InputError
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.canvas import Desk, Marking
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.few_shot import PinnedList, pinned_with
from vlm_demo.ui.chat.parts import ChatParts
from vlm_demo.ui.chat.saved import opened, saved
from vlm_demo.ui.components.canvas.canvas import megabytes
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown


@dataclass(frozen=True, slots=True)
class ChatFiles:
    """The fold-out to save and open conversations."""

    zipped: gr.Button
    markdown: gr.Button
    json: gr.Button
    ready: gr.DownloadButton  # hidden: it is pressed when its file is there
    open: gr.UploadButton
    back: gr.Button
    told: gr.HTML
    replaced: gr.State  # (Conversation, examples): what an opened file took the place of


def build_chat_files() -> ChatFiles:
    """Lay out the fold-out, closed."""
    with (
        gr.Accordion(say("Save or open this conversation"), open=False, elem_id="chat-files"),
        gr.Row(elem_classes="files"),
    ):
        return ChatFiles(
            _button("Markdown with pictures (ZIP)", "chat-zip"),
            _button("Markdown, text only", "chat-markdown"),
            _button("JSON, to open again", "chat-json"),
            gr.DownloadButton(visible="hidden", elem_id="chat-download"),
            gr.UploadButton(
                str(say("Open a conversation (JSON)")),
                file_types=[".json"],
                size="sm",
                variant="secondary",
                elem_id="chat-open",
            ),
            _button("Back to the conversation before", "chat-back", visible=False),
            gr.HTML(apply_default_css=False, elem_id="chat-files-told"),
            gr.State(None),
        )


def _button(words: str, elem_id: str, *, visible: bool = True) -> gr.Button:
    return gr.Button(say(words), size="sm", elem_id=elem_id, visible=visible)


def wire_chat_files(
    files: ChatFiles,
    parts: ChatParts,
    pins: PinnedList,
    around: PageContext,
    *,
    cancels: list[Any],
) -> None:
    """Let people download the conversation, and open one in its place; `cancels` are answers."""
    settings = around.settings

    def download(write: Callable[[SavedConversation], bytes], ending: str) -> Callable[..., Any]:
        def prepare(conversation: Conversation, pinned: Conversation) -> dict[Any, Any]:
            with errors_shown():
                if not conversation and not pinned:
                    raise InputError("There is nothing to save yet.")
                small = False
                content = write(saved(conversation, pinned))
                if ending == "json" and len(content) > settings.max_upload_bytes:
                    small = True
                    content = write(saved(conversation, pinned, small=True))
                return {
                    files.ready: str(_kept(content, ending)),
                    files.told: _told_size(len(content), settings, small, ending),
                }
            return {files.ready: None}

        return prepare

    def open_file(path: str, conversation: Conversation, pinned: Conversation) -> dict[Any, Any]:
        with errors_shown():
            turns, examples = opened(from_json(_read(Path(path), settings)), settings)
            desk = Desk().following(turns)
            there = bool(conversation or pinned)
            return {
                **parts.all_with(turns, desk, Marking.CLEARED),
                **pinned_with(pins, parts, examples),
                around.asked["Chat"]: None,
                files.replaced: (conversation, pinned) if there else None,
                files.back: gr.Button(visible=there),
            }
        return {files.back: gr.skip()}

    def go_back(replaced: tuple[Conversation, Conversation] | None) -> dict[Any, Any]:
        if replaced is None:
            return {files.back: gr.Button(visible=False)}
        conversation, pinned = replaced
        desk = Desk().following(conversation)
        return {
            **parts.all_with(conversation, desk, Marking.CLEARED),
            **pinned_with(pins, parts, pinned),
            around.asked["Chat"]: None,
            files.replaced: None,
            files.back: gr.Button(visible=False),
        }

    inputs = [parts.conversation, parts.pinned]
    for button, write, ending in (
        (files.zipped, to_zip, "zip"),
        (files.markdown, _as_text, "md"),
        (files.json, lambda file: to_json(file).encode(), "json"),
    ):
        button.click(download(write, ending), inputs, [files.ready, files.told], **QUEUED).success(
            None, files.ready, None, js=PRESS
        )
    changed = [
        *(*parts.all, parts.pinned, pins.fold, pins.shown, around.asked["Chat"]),
        *(files.replaced, files.back),
    ]
    files.open.upload(open_file, [files.open, *inputs], changed, cancels=cancels, **QUEUED)
    files.back.click(go_back, files.replaced, changed, cancels=cancels, **QUICK)


PRESS = """(file) => {
  if (file) setTimeout(() => document.getElementById('chat-download').click(), 100);
}"""
"""Downloads what has been prepared, once the link has it."""


def _as_text(file: SavedConversation) -> bytes:
    return to_markdown(file, with_pictures=False).encode()


def _kept(content: bytes, ending: str) -> Path:
    """Write a file where the page may serve it from.

    Raises:
        FileError: the disk is full.
    """
    name = f"conversation-{datetime.now():%Y-%m-%d-%H%M}.{ending}"
    path = Path(mkdtemp(dir=get_upload_folder())) / name
    with atomic_write(path) as file:
        file.write(content)
    return path


def _read(path: Path, settings: Settings) -> bytes:
    """Read no more than is taken in.

    Raises:
        ConversationError: the file is too large.
    """
    if path.stat().st_size > settings.max_upload_bytes:
        most = megabytes(settings.max_upload_bytes)
        raise ConversationError(f"This file is too large: at most {most} are taken.")
    return path.read_bytes()


def _told_size(size: int, settings: Settings, small: bool, ending: str) -> str:
    """Say how large a file is, and whether it can be opened again."""
    words = f"The file has {size / 1e6:.1f} MB."
    if small:
        words += " Its pictures are copies of at most 2048 pixels a side, to make it smaller."
    if ending == "json" and size > settings.max_upload_bytes:
        words += f" That is more than this page opens ({megabytes(settings.max_upload_bytes)})."
    return f'<p class="told" role="status">{words}</p>'
