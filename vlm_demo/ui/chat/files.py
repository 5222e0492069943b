"""The conversation as a file: downloaded as Markdown or JSON, and opened again from JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.atomic_file import atomic_write
from vlm_demo.conversations import SavedConversation, from_json, to_json, to_markdown, to_zip
from vlm_demo.errors import ConversationError, InputError
from vlm_demo.settings import Settings
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.canvas import RegionUpdate
from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.few_shot import FewShotPanel, update_examples
from vlm_demo.ui.chat.saved import restore_conversation, save_conversation
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.uploaded_images import make_served_folder
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors
from vlm_demo.units import format_bytes

_START_DOWNLOAD = browser_files.read("chat/start_download.js")


@dataclass(frozen=True, slots=True)
class ChatFiles:
    """The fold-out to save and open conversations."""

    zip_button: gr.Button
    markdown_button: gr.Button
    json_button: gr.Button
    download: gr.DownloadButton  # hidden: it is pressed when its file is there
    open_button: gr.UploadButton
    back_button: gr.Button
    size_note: gr.HTML
    replaced: gr.State  # (Conversation, examples) | None: what an opened file replaced


def build_chat_files() -> ChatFiles:
    """Lay out the fold-out, closed."""
    with (
        gr.Accordion(say("Save or open this conversation"), open=False, elem_id="chat-files"),
        gr.Row(elem_classes="files"),
    ):
        return ChatFiles(
            _build_button("Markdown with pictures (ZIP)", "chat-zip"),
            _build_button("Markdown, text only", "chat-markdown"),
            _build_button("JSON, to open again", "chat-json"),
            gr.DownloadButton(visible="hidden", elem_id="chat-download"),
            gr.UploadButton(
                str(say("Open a conversation (JSON)")),
                file_types=[".json"],
                size="sm",
                variant="secondary",
                elem_id="chat-open",
            ),
            _build_button("Back to the previous conversation", "chat-back", visible=False),
            gr.HTML(apply_default_css=False, elem_id="chat-files-told"),
            gr.State(None),
        )


def _build_button(label: str, elem_id: str, *, visible: bool = True) -> gr.Button:
    return gr.Button(say(label), size="sm", elem_id=elem_id, visible=visible)


def wire_chat_files(
    files: ChatFiles,
    components: ChatComponents,
    panel: FewShotPanel,
    newest_answer: gr.State,
    settings: Settings,
    *,
    cancels: list[Any],
) -> None:
    """Let people download the conversation, and open another one in its place.

    Args:
        files: the fold-out.
        components: the conversation.
        panel: its few-shot examples.
        newest_answer: holds the newest answer of the chat.
        settings: the limits for files.
        cancels: running answers, which end when another conversation is opened.
    """

    def prepare_with(
        encode: Callable[[SavedConversation], bytes], suffix: str
    ) -> Callable[[Conversation, Conversation], dict[Any, Any]]:
        def prepare(conversation: Conversation, examples: Conversation) -> dict[Any, Any]:
            with show_errors():
                if not conversation and not examples:
                    raise InputError("There is nothing to save yet.")
                small = False
                content = encode(save_conversation(conversation, examples))
                if suffix == "json" and len(content) > settings.max_upload_bytes:
                    small = True
                    content = encode(save_conversation(conversation, examples, small=True))
                return {
                    files.download: str(_write_file(content, suffix)),
                    files.size_note: _size_html(len(content), settings, small, suffix),
                }
            return {files.download: None}

        return prepare

    def show(conversation: Conversation, examples: Conversation) -> dict[Any, Any]:
        sidebar = ChatSidebarState().show_newest_answer(conversation)
        return {
            **components.update_all(conversation, sidebar, RegionUpdate.CLEAR),
            **update_examples(panel, components, examples),
            newest_answer: None,
        }

    def open_file(path: str, conversation: Conversation, examples: Conversation) -> dict[Any, Any]:
        with show_errors():
            opened = restore_conversation(from_json(_read(Path(path), settings)), settings)
            is_replaced = bool(conversation or examples)
            return {
                **show(*opened),
                files.replaced: (conversation, examples) if is_replaced else None,
                files.back_button: gr.Button(visible=is_replaced),
            }
        return {files.back_button: gr.skip()}

    def go_back(replaced: tuple[Conversation, Conversation] | None) -> dict[Any, Any]:
        if replaced is None:
            return {files.back_button: gr.Button(visible=False)}
        return {
            **show(*replaced),
            files.replaced: None,
            files.back_button: gr.Button(visible=False),
        }

    inputs = [components.conversation, components.examples]
    for button, encode, suffix in (
        (files.zip_button, to_zip, "zip"),
        (files.markdown_button, _encode_markdown, "md"),
        (files.json_button, lambda file: to_json(file).encode(), "json"),
    ):
        button.click(
            prepare_with(encode, suffix), inputs, [files.download, files.size_note], **QUEUED
        ).success(None, files.download, None, js=_START_DOWNLOAD)
    changed = [
        *components.conversation_components,
        components.examples,
        panel.fold,
        panel.listing,
        newest_answer,
        files.replaced,
        files.back_button,
    ]
    files.open_button.upload(
        open_file, [files.open_button, *inputs], changed, cancels=cancels, **QUEUED
    )
    files.back_button.click(go_back, files.replaced, changed, cancels=cancels, **QUICK)


def _encode_markdown(file: SavedConversation) -> bytes:
    return to_markdown(file, with_images=False).encode()


def _write_file(content: bytes, suffix: str) -> Path:
    """Write a file that the page may serve.

    Raises:
        FileError: the disk is full.
    """
    path = make_served_folder() / f"conversation-{datetime.now():%Y-%m-%d-%H%M}.{suffix}"
    with atomic_write(path) as file:
        file.write(content)
    return path


def _read(path: Path, settings: Settings) -> bytes:
    """Read a file, if it is not larger than an upload may be.

    Raises:
        ConversationError: the file is too large.
    """
    if path.stat().st_size > settings.max_upload_bytes:
        most = format_bytes(settings.max_upload_bytes)
        raise ConversationError(f"This file is too large. The limit is {most}.")
    return path.read_bytes()


def _size_html(size: int, settings: Settings, small: bool, suffix: str) -> str:
    """Say how large a file is, and whether it can be opened again."""
    text = f"The file has {size / 1e6:.1f} MB."
    if small:
        text += " Its pictures are copies of at most 2048 pixels a side, to make it smaller."
    if suffix == "json" and size > settings.max_upload_bytes:
        text += f" That is more than this page opens ({format_bytes(settings.max_upload_bytes)})."
    return f'<p class="told" role="status">{text}</p>'
