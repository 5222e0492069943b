"""One thing that was looked at on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at, and what was found."""

    what: str
    state: Literal["fine", "odd", "missing"]  # odd: the program runs, but perhaps not as wanted
    words: str  # what is there, and what to do where it is not fine
