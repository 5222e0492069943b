"""The values that flow through the program: pure data, no I/O, no model code, no page.

Regions are always fractions of the user's own image as it is seen upright, origin top left.
Formats convert at their border, once, in a function whose name says so.
"""

from vlm_demo.values.regions import (
    MAX_REGIONS,
    Box,
    Point,
    Polygon,
    Region,
    RegionForm,
    Size,
    bounding_box,
)
from vlm_demo.values.replies import (
    AnswerToken,
    Mention,
    ParsedPlace,
    Reply,
    ReplyState,
    StopReason,
    TargetResult,
    TextChunk,
    Timing,
    TokenCounts,
)
from vlm_demo.values.requests import Frame, Message, Prompt, Request, Role, Sampling, Task

__all__ = [
    "MAX_REGIONS",
    "AnswerToken",
    "Box",
    "Frame",
    "Mention",
    "Message",
    "ParsedPlace",
    "Point",
    "Polygon",
    "Prompt",
    "Region",
    "RegionForm",
    "Reply",
    "ReplyState",
    "Request",
    "Role",
    "Sampling",
    "Size",
    "StopReason",
    "TargetResult",
    "Task",
    "TextChunk",
    "Timing",
    "TokenCounts",
    "bounding_box",
]
