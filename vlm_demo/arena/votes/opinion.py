"""An opinion on a single answer, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a visitor says of an answer."""

    answer: str  # its name, which the browser chose
    voter: str
    model: str
    task: str
    verdict: str  # up, down or flag
    reason: str
    given_at: datetime
    question: str = ""  # of a flagged answer: the visitor's words
    reply: str = ""  # of a flagged answer: the model's words
