"""The battles that go on, or wait for their vote. They live in this process, and not for ever."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock

from PIL.Image import Image

from vlm_demo.arena.votes.vote import Contender, Vote
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import BattleError, InputError, VotedAlreadyError
from vlm_demo.values import Message, Reply, Request, Task

MAX_TURNS = 20

MAX_BATTLES = 10_000
MAX_AGE_S = 24 * 3600.0
MAX_PIXELS = 1_000_000_000
"""Of the pictures of all battles together: they are kept as they are, 3 bytes a pixel."""

GONE = "This battle is not known here any more. Please begin another one."


class Status(StrEnum):
    """What can be done with a battle."""

    READY = "ready"  # to be asked for the first time
    ANSWERING = "answering"
    VOTABLE = "votable"  # voted on, or asked once more
    VOTED = "voted"  # nothing any more
    VOID = "void"  # nothing: a side failed, or was stopped


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn: what both were asked, and what they answered."""

    request: Request  # without its history
    replies: tuple[Reply, Reply]


@dataclass(slots=True)
class Battle:
    """One battle. Whoever changes it holds its lock."""

    id: str
    voter: str
    task: Task
    specs: tuple[ModelSpec, ModelSpec]  # left, right
    created: float
    status: Status = Status.READY
    exchanges: list[Exchange] = field(default_factory=list)
    began_at: datetime | None = None  # the first question
    ended_at: datetime | None = None  # the last answer
    contenders: tuple[Contender, ...] = ()  # how they answered, without what
    language: str = ""  # of the words
    picture_hash: str = ""  # of all pictures
    leaked: bool = False  # somebody could know a model
    vote: Vote | None = None
    lock: Lock = field(default_factory=Lock)

    @property
    def requests(self) -> list[Request]:
        """What was asked, turn by turn."""
        return [exchange.request for exchange in self.exchanges]

    @property
    def pictures(self) -> list[Image]:
        """All of them, the oldest first."""
        return [image for request in self.requests for image in request.images]

    @property
    def pixels(self) -> int:
        """Of all pictures."""
        return sum(image.width * image.height for image in self.pictures)

    def outputs(self, side: int) -> tuple[str, ...]:
        """What one side wrote, raw, one a turn."""
        return tuple(exchange.replies[side].raw for exchange in self.exchanges)

    def request_for(self, side: int, request: Request) -> Request:
        """Return the request with the history of one side: what it wrote itself."""
        history = [
            message
            for exchange in self.exchanges
            for message in (
                Message("user", exchange.request.text, exchange.request.images),
                Message("assistant", exchange.replies[side].raw),
            )
        ]
        return replace(request, history=tuple(history))

    def require_open(self) -> None:
        """Refuse another turn where there can be none.

        Raises:
            BattleError: it is answering, voted on or void.
            InputError: it is long enough; it can be voted on.
        """
        if self.status is Status.ANSWERING:
            raise BattleError("Both models are still answering. Please wait until they have done.")
        if self.status in (Status.VOTED, Status.VOID):
            self.require_votable()
        if len(self.exchanges) >= MAX_TURNS:
            raise InputError(f"A battle has at most {MAX_TURNS} turns. Please vote on this one.")

    def require_votable(self) -> None:
        """Refuse a vote where there can be none.

        Raises:
            VotedAlreadyError: it has its vote.
            BattleError: it is void, or both models have not answered yet.
        """
        match self.status:
            case Status.VOTED:
                raise VotedAlreadyError("This battle has its vote. Please begin another one.")
            case Status.VOID:
                raise BattleError(
                    "This battle does not count, since it did not come to its end. Please begin "
                    "another one."
                )
            case Status.READY | Status.ANSWERING:
                raise BattleError("Please wait until both models have answered, and then vote.")

    def close(self, status: Status) -> None:
        """End it, and let its pictures and words go."""
        self.status = status
        self.exchanges = []


class LivingBattles:
    """Finds battles for those who began them; the oldest go when there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._battles: OrderedDict[str, Battle] = OrderedDict()  # oldest first
        self._lock = Lock()

    def add(self, name: str, voter: str, task: Task, specs: tuple[ModelSpec, ModelSpec]) -> Battle:
        """Keep a new battle, which is READY."""
        battle = Battle(name, voter, task, specs, created=self._clock())
        with self._lock:
            self._battles[name] = battle
        self.make_room()
        return battle

    def get(self, name: str, voter: str) -> Battle:
        """Return somebody's battle.

        Raises:
            BattleError: it is gone, or somebody else's; the two sound the same.
        """
        with self._lock:
            battle = self._battles.get(name)
        too_old = battle and self._clock() - battle.created > MAX_AGE_S
        if battle is None or too_old or battle.voter != voter:
            raise BattleError(GONE)
        return battle

    def make_room(self) -> None:
        """Let the oldest battles go that are too many, too old, or hold too many pictures."""
        with self._lock:
            pixels = sum(battle.pixels for battle in self._battles.values())
            while self._battles:
                oldest = next(iter(self._battles.values()))
                too_old = self._clock() - oldest.created > MAX_AGE_S
                too_large = pixels > MAX_PIXELS and len(self._battles) > 1
                if not (too_old or too_large or len(self._battles) > MAX_BATTLES):
                    return
                pixels -= oldest.pixels
                del self._battles[oldest.id]

    def drop(self, voter: str) -> None:
        """Let all battles of a voter go; one whose vote is being kept waits for that."""
        with self._lock:
            own = [battle for battle in self._battles.values() if battle.voter == voter]
            for battle in own:
                del self._battles[battle.id]
        for battle in own:
            with battle.lock:
                battle.close(Status.VOID)
