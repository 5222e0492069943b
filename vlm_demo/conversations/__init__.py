"""Conversations as files: JSON that comes back as it was, and Markdown to read."""

from vlm_demo.conversations.markdown import to_markdown, to_zip
from vlm_demo.conversations.reading import from_json
from vlm_demo.conversations.saved import SavedConversation, SavedPicture, SavedTurn
from vlm_demo.conversations.writing import to_json

__all__ = [
    "SavedConversation",
    "SavedPicture",
    "SavedTurn",
    "from_json",
    "to_json",
    "to_markdown",
    "to_zip",
]
