"""What people voted in the arena, and what the vote was about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from vlm_demo.values import Task


class Winner(StrEnum):
    """Which side was better. A is the one on the left, or above."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Origin(StrEnum):
    """Who judged, and where."""

    HERE = "here"  # a person on this page
    IMPORTED = "imported"  # a person on another arena
    AUTOMATIC = "automatic"  # the program, by a truth; never mixed with what people say


class Exclusion(StrEnum):
    """Why a vote is kept but not rated."""

    IDENTITY = "identity"  # a model named itself or its maker, or was asked to
    REPEAT = "repeat"  # the same person judged the same models on the same words and picture before


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One side of a battle."""

    model: str  # its name on the menu
    revision: str = ""  # of its checkpoint; "": not known
    engine: str = ""  # where and in which format it ran, such as "local bf16"
    outputs: tuple[str, ...] = ()  # what it wrote, raw, one a turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What both sides were asked in one turn; kept only if the person agreed."""

    text: str
    pictures: tuple[bytes, ...] = ()  # encoded files: PNG


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One judgement of one battle."""

    battle: str  # unique
    a: Contender
    b: Contender
    winner: Winner
    boxes: Winner | None = None  # of the boxes alone; None: there were none, or no vote on them
    task: Task
    language: str = ""  # of the words that were asked, ISO 639-1; "": none, or not known
    parameters: Mapping[str, Any]  # of sampling: max_new_tokens, temperature, ...
    seed: int | None = None
    prompt_hash: str = ""  # SHA-256, hexadecimal, of the task, words and regions of all turns
    picture_hash: str = ""  # SHA-256, hexadecimal, of the pixels of all pictures; "": none
    turns: int = 1
    began_at: datetime  # with time zone, as the two that follow
    ended_at: datetime  # when both sides had finished
    voted_at: datetime
    voter: str = ""  # a keyed hash; "": not known
    tags: tuple[str, ...] = ()  # reasons chosen from a list
    comment: str = ""
    origin: Origin = Origin.HERE
    exclusion: Exclusion | None = None
    weight: float = 1.0  # 0 to 1, in ratings: prompts that come again and again count less
    conversation: tuple[Turn, ...] = ()  # (): the person did not agree to have it kept
