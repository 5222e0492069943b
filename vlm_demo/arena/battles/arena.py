"""Battles: two models answer the same, nobody knows which, and a person says who did better."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from vlm_demo.arena.battles.active_battles import Battle, Exchange, LivingBattles, Status
from vlm_demo.arena.battles.ballots import Opinion, ballot, contender
from vlm_demo.arena.battles.language import language_of, preload
from vlm_demo.arena.battles.model_identity import leak
from vlm_demo.arena.battles.paired_streams import Side, Sides, race
from vlm_demo.arena.battles.pairing import Outages, draw_pair
from vlm_demo.arena.battles.rate_limits import MINUTE, Limits, Window, too_many
from vlm_demo.arena.votes.fingerprints import of_pictures
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import (
    BattleError,
    InputError,
    MissingImageError,
    MissingTextError,
    TooLongError,
    VlmDemoError,
    VotedAlreadyError,
    VotesError,
)
from vlm_demo.values import Request, Sampling, Task

MAX_SEED = 2**31 - 1

FAILED = (
    "One of the two models could not answer, so this battle does not count. Please begin another "
    "one."
)

log = logging.getLogger(__name__)


class PairCounts(Protocol):
    """Knows how often people have judged each pair of models."""

    def pair_counts(self, task: str) -> Mapping[frozenset[str], int]:
        """Return the counts for one task, by the names of both models."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Who was who. Nothing says so before the vote."""

    a: ModelSpec
    b: ModelSpec
    vote: Vote


class Arena:
    """Holds battles between the models of a backend, and keeps the votes on them."""

    def __init__(
        self,
        backend: Backend,
        store: VoteStore,
        boards: PairCounts,
        *,
        models: Sequence[str] = (),
        limits: Limits | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Open an arena.

        Args:
            backend: answers.
            store: keeps the votes.
            boards: knows which pairs were judged how often.
            models: names of those that may meet; (): all that need no fetching.
            limits: how many battles and votes there may be in a while.
            rng: what chance is taken from; None: nobody can foresee it.

        Raises:
            UnknownModelError: one of `models` is not on the menu.
        """
        for name in models:
            backend.spec(name)
        self._backend = backend
        self._store = store
        self._boards = boards
        self._models = frozenset(models)
        self._limits = limits or Limits()
        self._rng = rng or random.SystemRandom()
        self._battles = LivingBattles()
        self._outages = Outages()
        self._begun = Window(
            "battles",
            a_minute=self._limits.battles_a_minute,
            an_hour=self._limits.battles_an_hour,
            all_a_minute=self._limits.all_a_minute,
        )
        self._cast = Window(
            "votes",
            a_minute=self._limits.votes_a_minute,
            an_hour=self._limits.votes_an_hour,
            all_a_minute=self._limits.all_a_minute,
        )

    def contenders(self, task: Task) -> list[str]:
        """Return the models that may meet in a task, in menu order.

        Those that answer each question on its own take part in chats, too: what they make of a
        second question is for people to judge.
        """
        return [spec.name for spec in self._contenders(task)]

    def begin(self, task: Task, voter: str) -> str:
        """Draw two models for a new battle; return its name, which only this voter can use.

        Raises:
            BattleError: there are fewer than two models that can do the task.
            RateLimitError: the voter has begun too many.
        """
        if not voter:
            raise BattleError("A battle needs a voter. Please allow this page to keep a cookie.")
        with self._begun.counted(voter):
            specs = self._outages.sound(self._contenders(task))
            left, right = draw_pair(specs, self._judged(task), self._rng)
            preload()
            both = self._backend.spec(left), self._backend.spec(right)
            return self._battles.add(secrets.token_urlsafe(16), voter, task, both).id

    def answer(self, battle: str, voter: str, request: Request) -> Generator[Sides, None, None]:
        """Yield both answers as they grow, at the pace of the slower; the last is `done`.

        Every 0.25 s something is yielded, at least. Closing the iterator before the end, or a
        side that fails, makes the battle void. What both wrote in earlier turns goes back to
        each as its own history.

        Args:
            battle: its name.
            voter: who began it.
            request: the question, without history. Where it says nothing of the sampling, both
                sides take the likeliest words.

        Raises:
            InputError: the request cannot be answered; the battle stays as it was.
            BattleError: it is gone, busy, voted on or void; or a side has failed.
        """
        living = self._battles.get(battle, voter)
        request = self._fair(living, request)
        with living.lock:
            living.require_open()
            living.status = Status.ANSWERING
            living.began_at = living.began_at or _now()
        try:
            sides = self._side(living, 0, request), self._side(living, 1, request)
            both_answered = yield from race(*sides)
            self._note(living, sides)
            if not both_answered:
                raise BattleError(FAILED)
            self._settle(living, Exchange(request, (sides[0].newest, sides[1].newest)))
            self._battles.make_room()
            yield Sides(sides[0].seen, sides[1].seen, done=True)
        finally:
            with living.lock:
                if living.status is Status.ANSWERING:
                    living.close(Status.VOID)

    def status(self, battle: str, voter: str) -> Status:
        """Say what can be done with a battle.

        Raises:
            BattleError: it is gone, or somebody else's.
        """
        return self._battles.get(battle, voter).status

    def vote(
        self,
        battle: str,
        voter: str,
        winner: Winner,
        *,
        boxes: Winner | None = None,
        tags: Sequence[str] = (),
        comment: str = "",
        keep: bool = False,
    ) -> Reveal:
        """Keep a vote, and say who was who. Of votes that come at the same time one counts.

        Args:
            battle: its name.
            voter: who began it.
            winner: which answer was better.
            boxes: which places were better, where there are places; None: not said.
            tags: reasons.
            comment: a line of text.
            keep: whether the words and pictures may be kept.

        Raises:
            VotedAlreadyError: it has its vote.
            BattleError: it is gone, void, or not to be voted on yet.
            RateLimitError: the voter has cast too many.
            InputError: the opinion cannot be kept as it is.
            VotesError: the database failed; the battle can still be voted on.
        """
        living = self._battles.get(battle, voter)
        opinion = Opinion.of(winner, boxes, tags, comment)
        with living.lock:
            living.require_votable()
            with self._cast.counted(voter):
                self._require_few_votes(voter)
                living.vote = self._kept(ballot(living, opinion, self._store, keep=keep))
            living.close(Status.VOTED)
            return Reveal(*living.specs, living.vote)

    def reveal(self, battle: str, voter: str) -> Reveal:
        """Say once more who was who, as after a reload of the page.

        Raises:
            BattleError: it is gone, or has no vote yet.
        """
        living = self._battles.get(battle, voter)
        if living.vote is None:
            raise BattleError("Who is who is told after the vote.")
        return Reveal(*living.specs, living.vote)

    def forget(self, voter: str) -> int:
        """Delete what is kept of a voter; return how many votes were withdrawn.

        Raises:
            VotesError: the database failed; please try again.
        """
        self._battles.drop(voter)
        return self._store.delete(voter=voter)

    def _contenders(self, task: Task) -> list[ModelSpec]:
        able = [spec for spec in self._backend.menu if spec.runs_here and spec.supports(task)]
        if self._models:
            return [spec for spec in able if spec.name in self._models]
        return [spec for spec in able if spec.engine == "remote" or spec.is_here]

    def _judged(self, task: Task) -> Mapping[frozenset[str], int]:
        try:
            return self._boards.pair_counts(task)
        except VotesError as error:
            # A battle is still worth seeing; the vote will say what is wrong, and can be repeated.
            log.warning("All pairs are as likely, since votes cannot be read: %s", error)
            return {}

    def _fair(self, battle: Battle, request: Request) -> Request:
        """Return the request as both sides get it: with the same sampling, and the same seed.

        Raises:
            InputError: one of them could not be asked; the message does not say which.
        """
        if request.task is not battle.task:
            raise InputError("This battle is about something else. Please begin another one.")
        if len(request.images) > 1:
            raise InputError("A battle is about one picture at a time. Please remove the others.")
        sampling = request.sampling or Sampling()
        if sampling.seed is None:
            sampling = replace(sampling, seed=self._rng.randint(0, MAX_SEED))
        images = (
            () if request.images and request.images[0] in battle.pictures[-1:] else request.images
        )
        request = replace(request, history=(), images=images, sampling=sampling)
        for side, spec in enumerate(battle.specs):
            try:
                self._backend.check(spec.name, battle.request_for(side, request))
            except (MissingImageError, MissingTextError, TooLongError):
                raise  # these name no model
            except VlmDemoError:
                raise InputError(
                    "One of the two models cannot be asked this. Please ask in another way."
                ) from None
        return request

    def _side(self, battle: Battle, side: int, request: Request) -> Side:
        name, own = battle.specs[side].name, battle.request_for(side, request)
        return Side(
            answered=lambda: self._backend.answer(name, own),
            is_loaded=lambda: self._backend.is_loaded(name),
        )

    def _note(self, battle: Battle, sides: Sequence[Side]) -> None:
        """Remember which models answer, and which fail; the terminal may know names."""
        for side, spec in zip(sides, battle.specs, strict=True):
            if side.has_failed:
                self._outages.failed(spec.name)
                log.warning("%s failed in a battle.", spec.name, exc_info=side.error)
            elif side.ended:
                self._outages.answered(spec.name)

    def _settle(self, battle: Battle, exchange: Exchange) -> None:
        """Add a turn to a battle, with all that takes time, so that the vote does not.

        One that was forgotten meanwhile stays so.
        """
        ended_at, exchanges = _now(), (*battle.exchanges, exchange)
        requests = [turn.request for turn in exchanges]
        words = "\n".join(request.text for request in requests)
        answers = [reply.raw for turn in exchanges for reply in turn.replies]
        leaked, language = leak(words, answers, battle.specs), language_of(words)
        pictures = of_pictures(image for request in requests for image in request.images)
        contenders = tuple(contender(spec, self._backend) for spec in battle.specs)
        with battle.lock:
            if battle.status is Status.ANSWERING:
                battle.exchanges.append(exchange)
                battle.contenders, battle.ended_at = contenders, ended_at
                battle.picture_hash, battle.language, battle.leaked = pictures, language, leaked
                battle.status = Status.VOTABLE

    def _kept(self, vote: Vote) -> Vote:
        """Keep a vote, or find that it was kept when the database seemed to fail.

        The battle lives here alone, so nobody else can have voted on it.

        Raises:
            VotesError: the database failed.
            VotedAlreadyError: it was kept, and withdrawn since.
        """
        try:
            self._store.add(vote)
        except VotedAlreadyError:
            kept = self._store.get(vote.battle)
            if kept is None:
                raise
            return kept
        return vote

    def _require_few_votes(self, voter: str) -> None:
        """Count what this process does not remember: before it began, and in others.

        Raises:
            RateLimitError: there were too many in the last hour.
        """
        if self._store.cast_since(_now() - timedelta(hours=1), voter) >= self._limits.votes_an_hour:
            raise too_many("votes", 10 * MINUTE)


def _now() -> datetime:
    return datetime.now(UTC)
