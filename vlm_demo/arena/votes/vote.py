"""A vote: what somebody preferred, and which battle it was about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from vlm_demo.values import Task


class Winner(StrEnum):
    """Which side was better. A is the one on the left, or on top."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Origin(StrEnum):
    """Who judged, and where."""

    HERE = "here"  # a person on this page
    IMPORTED = "imported"  # a person on another arena
    AUTOMATIC = "automatic"  # the program, by the ground truth; never mixed with people's


class Exclusion(StrEnum):
    """Why a vote is kept but not rated."""

    IDENTITY = "identity"  # a model named itself or its maker, or was asked to
    UNPROVEN = "unproven"  # by nobody known, sooner than answers can be read
    REPEAT = "repeat"  # the same person has judged these models on these words and this picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One side of a battle."""

    model: str  # its name on the menu
    revision: str = ""  # of its checkpoint; "": unknown
    engine: str = ""  # where and in which number format it ran, such as "local bf16"
    outputs: tuple[str, ...] = ()  # raw, one per turn


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """What both sides were asked in one turn; kept only with the person's consent."""

    text: str
    images: tuple[bytes, ...] = ()  # encoded files: PNG


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The vote on one battle."""

    battle: str  # unique
    a: Contender
    b: Contender
    winner: Winner
    boxes: Winner | None = None  # on the boxes alone; None: no boxes, or no vote on them
    task: Task
    category: str = ""  # what was asked for, of `votes.categories`; "": not known
    language: str = ""  # of the question, ISO 639-1; "": no words, or unknown
    parameters: Mapping[str, Any]  # sampling settings: max_new_tokens, temperature, ...
    seed: int | None = None
    prompt_hash: str = ""  # SHA-256, hexadecimal, of the task, words and regions of all turns
    image_hash: str = ""  # the same of the pixels of all pictures; stored as `picture_hash`
    turns: int = 1
    began_at: datetime  # with a time zone, like the two below
    ended_at: datetime  # when both sides were complete
    voted_at: datetime
    voter: str = ""  # a keyed hash; "": unknown
    tags: tuple[str, ...] = ()  # reasons chosen from a list
    comment: str = ""
    origin: Origin = Origin.HERE
    exclusion: Exclusion | None = None
    weight: float = 1.0  # 0 to 1, in ratings: prompts that come again and again count less
    conversation: tuple[UserTurn, ...] = ()  # (): the person did not agree to have it kept


@dataclass(frozen=True, slots=True)
class Standing:
    """What a page knows of a voter besides the keyed hash."""

    has_cookie: bool  # one of ours came back, or there is a login
    address: str  # a keyed hash of the network address


@dataclass(frozen=True, slots=True)
class Selection:
    """A subset of the votes; by default all votes of people on whole answers."""

    task: str = ""  # "": all tasks
    language: str = ""  # "": all languages
    boxes: bool = False  # votes on the boxes alone, not on whole answers
    automatic: bool = False  # votes of the program, not of people
    voter: str = ""  # votes of one person, named by the keyed hash; "": of everybody
    category: str = ""  # "": whatever was asked for
