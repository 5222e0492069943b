"""Battles that are running or wait for a vote; they live in this process, for a limited time."""

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
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import BattleError, InputError, VotedAlreadyError
from vlm_demo.translatable_text import message
from vlm_demo.values import Message, Reply, Request, Task

MAX_TURNS = 20
"""Largest number of turns in one battle."""

MAX_BATTLES = 10_000
"""Largest number of battles in memory."""

MAX_AGE_S = 24 * 3600.0
"""Age in seconds after which a battle is forgotten."""

MAX_PIXELS = 1_000_000_000
"""Largest number of pixels in the pictures of all battles, which take 3 bytes each."""

UNKNOWN_BATTLE = message("There is no such battle here, or it has expired. Start another one.")


class BattleStatus(StrEnum):
    """The stage of a battle, which decides what can be done with it."""

    READY = "ready"  # waits for its first question
    ANSWERING = "answering"
    VOTABLE = "votable"  # can be voted on, or asked another question
    VOTED = "voted"  # finished
    VOID = "void"  # finished without a vote: a side failed, or was stopped


@dataclass(frozen=True, slots=True)
class BattleTurn:
    """One turn: what both models were asked, and what they answered."""

    request: Request  # without its history
    replies: tuple[Reply, Reply]


@dataclass(slots=True)
class Battle:
    """One battle. Hold its lock while changing it."""

    id: str
    voter: str
    task: Task
    specs: tuple[ModelSpec, ModelSpec]  # left, right
    created: float
    status: BattleStatus = BattleStatus.READY
    turns: list[BattleTurn] = field(default_factory=list)
    began_at: datetime | None = None  # the first question
    ended_at: datetime | None = None  # the last answer
    contenders: tuple[Contender, ...] = ()  # without their outputs
    language: str = ""  # of the questions
    image_hash: str = ""  # of all pictures
    reveals_identity: bool = False  # somebody could recognise a model
    vote: Vote | None = None
    lock: Lock = field(default_factory=Lock)

    @property
    def requests(self) -> list[Request]:
        """The questions, turn by turn."""
        return [exchange.request for exchange in self.turns]

    @property
    def images(self) -> list[Image]:
        """All pictures, oldest first."""
        return [image for request in self.requests for image in request.images]

    def count_pixels(self) -> int:
        """Return the number of pixels of all pictures."""
        return sum(image.width * image.height for image in self.images)

    def outputs(self, side: int) -> tuple[str, ...]:
        """Return the raw outputs of one side, one per turn."""
        return tuple(exchange.replies[side].raw for exchange in self.turns)

    def request_for(self, side: int, request: Request) -> Request:
        """Return the request with the history as one side knows it: with its own replies."""
        history = [
            message
            for exchange in self.turns
            for message in (
                Message("user", exchange.request.text, exchange.request.images),
                Message("assistant", exchange.replies[side].raw),
            )
        ]
        return replace(request, history=tuple(history))

    def require_open(self) -> None:
        """Check that another turn is possible.

        Raises:
            BattleError: the battle is answering, voted on or void.
            InputError: the battle has its largest number of turns, and can be voted on.
        """
        if self.status is BattleStatus.ANSWERING:
            raise BattleError("Both models are still answering. Wait until they are done.")
        if self.status in (BattleStatus.VOTED, BattleStatus.VOID):
            self.require_votable()
        if len(self.turns) >= MAX_TURNS:
            raise InputError(
                "A battle has at most {max_turns} turns. Vote on this one.",
                max_turns=MAX_TURNS,
            )

    def require_votable(self) -> None:
        """Check that a vote is possible.

        Raises:
            VotedAlreadyError: the battle has its vote.
            BattleError: the battle is void, or the models have not answered yet.
        """
        match self.status:
            case BattleStatus.VOTED:
                raise VotedAlreadyError("This battle has been voted on. Start another one.")
            case BattleStatus.VOID:
                raise BattleError(
                    "This battle was not completed, so it does not count. Start another one."
                )
            case BattleStatus.READY | BattleStatus.ANSWERING:
                raise BattleError("Wait until both models have answered, then vote.")

    def close(self, status: BattleStatus) -> None:
        """End the battle and forget its pictures and words."""
        self.status = status
        self.turns = []


class ActiveBattles:
    """The battles of this process, found by those who started them; the oldest go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._battles: OrderedDict[str, Battle] = OrderedDict()  # oldest first
        self._lock = Lock()

    def add(self, name: str, voter: str, task: Task, specs: tuple[ModelSpec, ModelSpec]) -> Battle:
        """Add a new battle."""
        battle = Battle(name, voter, task, specs, created=self._clock())
        with self._lock:
            self._battles[name] = battle
        self.make_room()
        return battle

    def get(self, name: str, voter: str) -> Battle:
        """Return a battle of this voter.

        Raises:
            BattleError: it is gone, or somebody else's; both get the same message.
        """
        with self._lock:
            battle = self._battles.get(name)
        too_old = battle and self._clock() - battle.created > MAX_AGE_S
        if battle is None or too_old or battle.voter != voter:
            raise BattleError(UNKNOWN_BATTLE)
        return battle

    def make_room(self) -> None:
        """Remove the oldest battles while there are too many, or they are too old or too large."""
        with self._lock:
            pixels = sum(battle.count_pixels() for battle in self._battles.values())
            while self._battles:
                oldest = next(iter(self._battles.values()))
                too_old = self._clock() - oldest.created > MAX_AGE_S
                too_large = pixels > MAX_PIXELS and len(self._battles) > 1
                if not (too_old or too_large or len(self._battles) > MAX_BATTLES):
                    return
                pixels -= oldest.count_pixels()
                del self._battles[oldest.id]

    def drop(self, voter: str) -> None:
        """Remove all battles of a voter; one whose vote is being stored is awaited."""
        with self._lock:
            own = [battle for battle in self._battles.values() if battle.voter == voter]
            for battle in own:
                del self._battles[battle.id]
        for battle in own:
            with battle.lock:
                battle.close(BattleStatus.VOID)
