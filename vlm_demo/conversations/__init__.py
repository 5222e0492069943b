"""Conversations as files, JSON to reopen and Markdown to read, and requests as links."""

from vlm_demo.conversations.json_format import from_json, to_json
from vlm_demo.conversations.markdown import to_markdown, to_zip
from vlm_demo.conversations.saved_conversation import SavedConversation, SavedImage, SavedTurn

__all__ = [
    "SavedConversation",
    "SavedImage",
    "SavedTurn",
    "from_json",
    "to_json",
    "to_markdown",
    "to_zip",
]
