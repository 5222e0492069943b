"""How a model is asked for a task whose wording its makers do not document."""

from __future__ import annotations

from collections.abc import Mapping

from vlm_demo.prompting.regions.region_wording import (
    DESCRIBE_MARKED_REGION,
    DESCRIBE_MARKED_REGION_JAPANESE,
)
from vlm_demo.values import Task

PLAIN_ENGLISH: Mapping[Task, str] = {
    Task.CHAT: "{text}",
    Task.CAPTION: "Describe this image in one sentence.",
    Task.DETAILED_CAPTION: "Describe this image in detail.",
    Task.VQA: "{text}\nAnswer with a single word or phrase.",
    Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    Task.READ: "Read all the text in the image.",
}
"""The tasks that a chat model does when it is asked in plain English.

A family that documents a wording of its own writes that after these.
"""

FIND = "Find in the image: {text}\n"
"""The beginning of GROUNDING; the words that ask for a format follow."""

FIND_EVERY = "Find every {text} in the image.\n"
"""The beginning of DETECT; the words that ask for a format follow."""

PLAIN_JAPANESE: Mapping[Task, str] = {
    Task.CHAT: "{text}",
    Task.CAPTION: "この画像を一文で説明してください。",
    Task.DETAILED_CAPTION: "この画像を詳しく説明してください。",
    Task.VQA: "{text}",
    Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION_JAPANESE,
}
"""The tasks that a chat model does when it is asked in plain Japanese."""
