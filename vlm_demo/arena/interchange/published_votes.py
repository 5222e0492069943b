"""Rows that arenas publish as votes.

Fields that LMArena publishes keep their names and meanings; the others are our own.
Source: https://huggingface.co/datasets/lmsys/chatbot_arena_conversations (judge, turn, tstamp,
anony, "tie (bothbad)").
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from vlm_demo.arena.interchange.language_names import to_code
from vlm_demo.arena.interchange.published_conversations import (
    read_outputs,
    read_user_turns,
)
from vlm_demo.arena.votes.categories import Category
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Vote, Winner
from vlm_demo.errors import InputError
from vlm_demo.values import Task

MAX_LENGTH = 200
"""Largest length of a name or short text in characters."""

MAX_COMMENT_LENGTH = 100_000
"""Largest length of a comment in characters."""

MAX_TURNS = 1_000
"""Largest number of turns in one battle."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
"""Earliest time that is believed, in seconds since 1970 UTC."""

_MAX_SHOWN_VALUE = 60
"""Largest number of characters of a wrong value in a message."""

WINNER_WORDS = {
    Winner.A: "model_a",
    Winner.B: "model_b",
    Winner.TIE: "tie",
    Winner.BOTH_BAD: "tie (bothbad)",
}
"""What LMArena calls the winner."""

_WINNERS = {word: winner for winner, word in WINNER_WORDS.items()} | {
    # https://huggingface.co/datasets/lmarena-ai/arena-human-preference-140k
    "both_bad": Winner.BOTH_BAD,
}

_TASKS = frozenset(Task)


def _check_name(name: str) -> str:
    if not name.strip() or len(name) > MAX_LENGTH or not name.isprintable():
        raise ValueError
    return name.strip()


def _check_text(text: str, info: ValidationInfo) -> str:
    if len(text) > (MAX_COMMENT_LENGTH if info.field_name == "comment" else MAX_LENGTH):
        raise ValueError
    return text


def _check_time(seconds: float, info: ValidationInfo) -> float:
    now = cast(dict[str, datetime], info.context)["now"]
    latest = now + timedelta(days=1)  # clocks differ
    if not EARLIEST <= seconds <= latest.timestamp():
        raise ValueError
    return seconds


def _read_winner(word: Any) -> Winner | None:
    return _WINNERS.get(word) if isinstance(word, str) else None


def _read_whole_number(value: Any) -> Any:
    """Return 1.0 as 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_task(value: Any) -> Task:
    """Return the task; other arenas have others, or none, and are about chat."""
    return Task(value) if isinstance(value, str) and value in _TASKS else Task.CHAT


def _read_origin(value: Any) -> Origin:
    """Return the origin: what a program judged stays apart from what people did."""
    return Origin.AUTOMATIC if value == Origin.AUTOMATIC else Origin.IMPORTED


# Lone surrogates are valid in JSON, and outputs that were cut off have them. Constraints of `Field`
# refuse such text, so these types check lengths themselves.
_Name = Annotated[str, AfterValidator(_check_name)]
_Text = Annotated[str, AfterValidator(_check_text)]
_Texts = Annotated[list[str], BeforeValidator(lambda value: value or [])]
_Time = Annotated[float, AfterValidator(_check_time)]
_WholeNumber = Annotated[int, BeforeValidator(_read_whole_number)]
_WinnerWord = Annotated[Winner, BeforeValidator(_read_winner)]

_NAME = f"a name of up to {MAX_LENGTH} printable characters"
_TEXT = f"a text of up to {MAX_LENGTH} characters"
_TEXTS = "a list of texts"
_TIME = "a time from 2000 to now in seconds since 1970"
_WORDS = f"one of {', '.join(_WINNERS)}"


class PublishedVote(BaseModel):
    """A row that was published as a vote; `description` completes "... is X, not ..." for people.

    Only the models and the winner must be given. The fields are in the order in which errors are
    reported.
    """

    model_config = ConfigDict(strict=True, frozen=True, protected_namespaces=())

    battle: _Name = Field("", description=_NAME)
    model_a: _Name = Field(description=_NAME)
    model_b: _Name = Field(description=_NAME)
    tstamp: _Time | None = Field(None, description=_TIME)
    winner: _WinnerWord = Field(description=_WORDS)
    language: _Text = Field("", description=_TEXT)
    turn: _WholeNumber = Field(
        1, ge=1, le=MAX_TURNS, description=f"a whole number from 1 to {MAX_TURNS}"
    )
    judge: Any = ""
    task: Annotated[Task, BeforeValidator(_read_task)] = Task.CHAT
    category: _Text = Field("", description=_TEXT)
    revision_a: _Text = Field("", description=_TEXT)
    engine_a: _Text = Field("", description=_TEXT)
    outputs_a: _Texts = Field([], description=_TEXTS)
    revision_b: _Text = Field("", description=_TEXT)
    engine_b: _Text = Field("", description=_TEXT)
    outputs_b: _Texts = Field([], description=_TEXTS)
    boxes_winner: _WinnerWord | None = Field(None, description=_WORDS)
    parameters: Any = None
    seed: _WholeNumber | None = Field(
        None, ge=0, lt=2**63, description=f"a whole number from 0 to {2**63 - 1}"
    )
    prompt_hash: _Text = Field("", description=_TEXT)
    picture_hash: _Text = Field("", description=_TEXT)
    began_at: _Time | None = Field(None, description=_TIME)
    ended_at: _Time | None = Field(None, description=_TIME)
    tags: _Texts = Field([], description=_TEXTS)
    comment: _Text = Field("", description=f"a text of up to {MAX_COMMENT_LENGTH} characters")
    origin: Annotated[Origin, BeforeValidator(_read_origin)] = Origin.IMPORTED
    exclusion: Exclusion | None = Field(
        None, strict=False, description=f"one of {', '.join(Exclusion)}"
    )
    weight: float = Field(1.0, ge=0, le=1, description="a number from 0 to 1")
    conversation_a: Any = None
    conversation_b: Any = None

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        if self.model_a == self.model_b:
            raise ValueError(f"{self.model_a!r} against itself")
        return self

    @classmethod
    def read(cls, row: dict[str, Any], now: datetime) -> Self:
        """Check a row, in which null means that a field is missing.

        Raises:
            InputError: a field is missing, or its value cannot be used.
        """
        present = {name: value for name, value in row.items() if value is not None}
        try:
            return cls.model_validate(present, context={"now": now})
        except ValidationError as error:
            raise InputError(_describe(error, row)) from None

    def to_vote(self, battle: str, now: datetime) -> Vote:
        """Return the vote, cast `now` if the row does not say when."""
        voted_at = _to_datetime(self.tstamp, now)
        return Vote(
            battle=battle,
            a=self._contender("a"),
            b=self._contender("b"),
            winner=self.winner,
            boxes=self.boxes_winner,
            task=self.task,
            category=self.category if self.category in set(Category) else "",
            language=to_code(self.language),
            parameters=self.parameters if isinstance(self.parameters, dict) else {},
            seed=self.seed,
            prompt_hash=self.prompt_hash,
            image_hash=self.picture_hash,
            turns=self.turn,
            began_at=_to_datetime(self.began_at, voted_at),
            ended_at=_to_datetime(self.ended_at, voted_at),
            voted_at=voted_at,
            voter=_hash_judge(self.judge),
            tags=tuple(self.tags),
            comment=self.comment,
            origin=self.origin,
            exclusion=self.exclusion,
            weight=self.weight,
            conversation=read_user_turns(self.conversation_a, self.conversation_b),
        )

    def _contender(self, side: str) -> Contender:
        model: str = getattr(self, f"model_{side}")
        revision, engine = getattr(self, f"revision_{side}"), getattr(self, f"engine_{side}")
        outputs = tuple(getattr(self, f"outputs_{side}"))
        outputs = outputs or read_outputs(getattr(self, f"conversation_{side}"))
        if revision or engine or outputs:
            return Contender(model=model, revision=revision, engine=engine, outputs=outputs)
        return _name_contender(model)


def _describe(error: ValidationError, row: dict[str, Any]) -> str:
    """Return the first error of a row in one line."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["ctx"]["error"])
    name = str(first["loc"][0])
    if first["type"] == "missing":
        return f"{name} is missing"
    value = json.dumps(row[name])
    if len(value) > _MAX_SHOWN_VALUE:
        value = f"{value[: _MAX_SHOWN_VALUE - 3]}..."
    return f"{name} is {value}, not {PublishedVote.model_fields[name].description}"


def _to_datetime(seconds: float | None, default: datetime) -> datetime:
    return default if seconds is None else datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=10_000)
def _name_contender(model: str) -> Contender:
    """Return a side of which only the name is known; a million votes are about few models."""
    return Contender(model=model)


def _hash_judge(judge: Any) -> str:
    """Return a hash in place of whoever judged, which differs from all voters of this page."""
    if judge == "":
        return ""
    return hashlib.sha256(f"import:{judge}".encode("utf-8", "replace")).hexdigest()
