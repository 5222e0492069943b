"""What people are told about an answer that did not end by itself."""

from __future__ import annotations

from collections.abc import Mapping

from vlm_demo.translatable_text import message
from vlm_demo.values import Reply, StopReason

STOP_NOTES: Mapping[StopReason, str] = {
    StopReason.LENGTH: message(
        "The answer was cut off at the limit of new tokens. Raise the limit."
    ),
    StopReason.FILTERED: message("A content filter of the server cut the answer off."),
    StopReason.CANCELLED: message("The answer was stopped before its end."),
    StopReason.FAILED: message("The answer broke off before its end."),
}
"""A sentence for each reason for which an answer may be incomplete."""

REASONING_ONLY = message(
    "The reasoning used up the limit of new tokens, so there is no answer. Raise the limit."
)
"""The sentence for an answer that was cut off before its reasoning ended."""


def stop_note(reply: Reply) -> str:
    """Return a sentence on why an answer may be incomplete; "" where the model ended it."""
    if reply.stop is None or reply.stop is StopReason.FINISHED:
        return ""
    is_reasoning = bool(reply.reasoning) and not reply.text.strip() and not reply.mentions
    if reply.stop is StopReason.LENGTH and is_reasoning:
        return REASONING_ONLY
    return STOP_NOTES[reply.stop]
