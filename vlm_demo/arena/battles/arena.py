"""The arena: two anonymous models answer the same question, and a person votes."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from vlm_demo.arena.battles.active_battles import ActiveBattles, Battle, BattleStatus, BattleTurn
from vlm_demo.arena.battles.language_detection import detect_language, preload_detector
from vlm_demo.arena.battles.paired_streams import AnswerStream, PairedReplies, stream_pair
from vlm_demo.arena.battles.pairing import Outages, draw_pair
from vlm_demo.arena.battles.rate_limits import RateLimits, rate_limit_error
from vlm_demo.arena.battles.revealed_identity import reveals_identity
from vlm_demo.arena.battles.vote_building import (
    Judgement,
    build_vote,
    describe_contender,
    weigh_newcomer,
)
from vlm_demo.arena.votes.fingerprints import hash_images
from vlm_demo.arena.votes.newcomers import Newcomer
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Standing, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
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
from vlm_demo.quotas.moving_window import MINUTE, MovingWindow
from vlm_demo.translatable_text import message
from vlm_demo.values import Request, Sampling, Task

MAX_SEED = 2**31 - 1
"""Largest seed that is drawn for a battle."""

MODEL_FAILED = message(
    "One of the two models could not answer, so this battle does not count. Start another one."
)

log = logging.getLogger(__name__)


class VoteCounter(Protocol):
    """Knows how often people have judged each pair of models."""

    def count_votes(self, task: str) -> Mapping[frozenset[str], int]:
        """Return the number of votes on a task by the names of both models."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Which models took part; it is secret before the vote."""

    a: ModelSpec
    b: ModelSpec
    vote: Vote


class Arena:
    """Battles between the models of a backend, and the votes on them."""

    def __init__(
        self,
        backend: Backend,
        store: VoteStore,
        counter: VoteCounter,
        *,
        models: Sequence[str] = (),
        limits: RateLimits | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Open an arena.

        Args:
            backend: answers the questions.
            store: keeps the votes.
            counter: knows how often each pair of models was judged.
            models: names of the models that take part; (): all that need no download.
            limits: how often people may start battles and vote.
            rng: source of randomness; None: one that nobody can predict.

        Raises:
            UnknownModelError: one of `models` is not on the menu.
        """
        for name in models:
            backend.spec(name)
        self._backend = backend
        self._store = store
        self._counter = counter
        self._models = frozenset(models)
        self._limits = limits or RateLimits()
        self._rng = rng or random.SystemRandom()
        self._battles = ActiveBattles()
        self._outages = Outages()
        self._battle_window = MovingWindow(
            rate_limit_error(message("battles")),
            a_minute=self._limits.battles_a_minute,
            an_hour=self._limits.battles_an_hour,
            all_a_minute=self._limits.all_a_minute,
        )
        self._vote_window = MovingWindow(
            rate_limit_error(message("votes")),
            a_minute=self._limits.votes_a_minute,
            an_hour=self._limits.votes_an_hour,
            all_a_minute=self._limits.all_a_minute,
        )

    def contenders(self, task: Task) -> list[str]:
        """Return the names of the models that take part in a task, in menu order.

        Models that answer each question on its own take part in chats as well: people judge how
        they handle a second question.
        """
        return [spec.name for spec in self._eligible(task)]

    def begin(self, task: Task, voter: str) -> str:
        """Draw two models for a new battle; return its id, which only this voter can use.

        Raises:
            BattleError: fewer than two models can do the task.
            RateLimitError: the voter has begun too many battles.
        """
        if not voter:
            raise BattleError("Voting needs a cookie. Allow this page to set one.")
        with self._battle_window.admit(voter):
            specs = self._outages.leave_out_failing(self._eligible(task))
            left, right = draw_pair(specs, self._count_votes(task), self._rng)
            preload_detector()
            both = self._backend.spec(left), self._backend.spec(right)
            return self._battles.add(secrets.token_urlsafe(16), voter, task, both).id

    def answer(
        self, battle_id: str, voter: str, request: Request
    ) -> Generator[PairedReplies, None, None]:
        """Yield both answers as they grow, at the pace of the slower one; the last is `done`.

        Something is yielded at least every 0.25 s. Closing the iterator early, or a failing side,
        makes the battle void. Each side gets its own earlier replies as history.

        Args:
            battle_id: the id that `begin` returned.
            voter: who began it.
            request: the question, without history. Without sampling settings, both sides decode
                greedily.

        Raises:
            InputError: the request cannot be answered; the battle is unchanged.
            BattleError: the battle is gone, busy, voted on or void; or a side has failed.
        """
        battle = self._battles.get(battle_id, voter)
        request = self._prepare(battle, request)
        with battle.lock:
            battle.require_open()
            battle.status = BattleStatus.ANSWERING
            battle.began_at = battle.began_at or _now()
        try:
            sides = self._answer_stream(battle, 0, request), self._answer_stream(battle, 1, request)
            both_answered = yield from stream_pair(*sides)
            self._note_outages(battle, sides)
            if not both_answered:
                raise BattleError(MODEL_FAILED)
            self._finish_turn(battle, BattleTurn(request, (sides[0].newest, sides[1].newest)))
            self._battles.make_room()
            yield PairedReplies(sides[0].revealed, sides[1].revealed, done=True)
        finally:
            with battle.lock:
                if battle.status is BattleStatus.ANSWERING:
                    battle.close(BattleStatus.VOID)

    def status(self, battle_id: str, voter: str) -> BattleStatus:
        """Return the stage of a battle.

        Raises:
            BattleError: the battle is gone, or somebody else's.
        """
        return self._battles.get(battle_id, voter).status

    def vote(
        self,
        battle_id: str,
        voter: str,
        winner: Winner,
        *,
        boxes: Winner | None = None,
        tags: Sequence[str] = (),
        comment: str = "",
        keep: bool = False,
        standing: Standing | None = None,
    ) -> Reveal:
        """Keep a vote and reveal the models. Of simultaneous votes, one counts.

        Args:
            battle_id: the id that `begin` returned.
            voter: who began it.
            winner: which answer was better.
            boxes: which boxes were better, if there are any; None: not judged.
            tags: reasons.
            comment: a line of text.
            keep: whether the words and pictures may be kept.
            standing: what is known of the voter; None: enough to count fully.

        Raises:
            VotedAlreadyError: the battle has its vote.
            BattleError: the battle is gone, void, or cannot be voted on yet.
            RateLimitError: the voter has cast too many votes.
            InputError: the judgement cannot be kept as it is.
            VotesError: the database failed; the battle can still be voted on.
        """
        battle = self._battles.get(battle_id, voter)
        judgement = Judgement.validate(winner, boxes, tags, comment)
        with battle.lock:
            battle.require_votable()
            with self._vote_window.admit(voter):
                self._require_few_votes(voter)
                vote = build_vote(battle, judgement, self._store, keep=keep)
                newcomer = None
                if standing:
                    newcomer = self._store.assess_voter(voter, standing.address, vote.voted_at)
                    vote = weigh_newcomer(vote, newcomer, standing)
                battle.vote = self._store_vote(vote, newcomer)
            battle.close(BattleStatus.VOTED)
            return Reveal(*battle.specs, battle.vote)

    def reveal(self, battle_id: str, voter: str) -> Reveal:
        """Reveal the models again, as after a reload of the page.

        Raises:
            BattleError: the battle is gone, or has no vote yet.
        """
        battle = self._battles.get(battle_id, voter)
        if battle.vote is None:
            raise BattleError("The models are revealed after the vote. Vote first.")
        return Reveal(*battle.specs, battle.vote)

    def forget(self, voter: str) -> int:
        """Delete everything about a voter; return how many votes were withdrawn.

        Raises:
            VotesError: the database failed; try again.
        """
        self._battles.drop(voter)
        return self._store.delete(voter=voter)

    def _eligible(self, task: Task) -> list[ModelSpec]:
        able = [spec for spec in self._backend.menu if spec.runs_here and spec.supports(task)]
        if self._models:
            return [spec for spec in able if spec.name in self._models]
        # A detector is no language model, and automatic no model of its own.
        models = [spec for spec in able if spec.engine not in ("detector", "automatic")]
        return [spec for spec in models if spec.engine == "remote" or spec.is_here]

    def _count_votes(self, task: Task) -> Mapping[frozenset[str], int]:
        try:
            return self._counter.count_votes(task)
        except VotesError as error:
            # A battle is still worth seeing; the vote will report the error, and can be repeated.
            log.warning("All pairs are equally likely, since votes cannot be read: %s", error)
            return {}

    def _prepare(self, battle: Battle, request: Request) -> Request:
        """Return the request as both sides get it, with the same sampling settings and seed.

        Raises:
            InputError: a side cannot answer it; the message does not say which.
        """
        if request.task is not battle.task:
            raise InputError("This battle is about another task. Start another one.")
        if len(request.images) > 1:
            raise InputError("A battle takes one image at a time. Remove the others.")
        sampling = request.sampling or Sampling()
        if sampling.seed is None:
            sampling = replace(sampling, seed=self._rng.randint(0, MAX_SEED))
        images = request.images
        if images and images[0] in battle.images[-1:]:
            images = ()
        request = replace(request, history=(), images=images, sampling=sampling)
        for side, spec in enumerate(battle.specs):
            try:
                self._backend.check(spec.name, battle.request_for(side, request))
            except (MissingImageError, MissingTextError, TooLongError):
                raise  # these name no model
            except VlmDemoError:
                raise InputError(
                    "One of the two models cannot answer this. Ask differently."
                ) from None
        return request

    def _answer_stream(self, battle: Battle, side: int, request: Request) -> AnswerStream:
        name, own = battle.specs[side].name, battle.request_for(side, request)
        return AnswerStream(
            answer=lambda: self._backend.answer(name, own),
            is_loaded=lambda: self._backend.is_loaded(name),
        )

    def _note_outages(self, battle: Battle, sides: Sequence[AnswerStream]) -> None:
        """Remember which models answer and which fail; the log may name them."""
        for side, spec in zip(sides, battle.specs, strict=True):
            if side.has_failed:
                self._outages.note_failure(spec.name)
                log.warning("%s failed in a battle.", spec.name, exc_info=side.error)
            elif side.has_ended:
                self._outages.note_answer(spec.name)

    def _finish_turn(self, battle: Battle, new_turn: BattleTurn) -> None:
        """Add a turn to a battle, and compute what takes time now rather than at the vote.

        A battle that was forgotten meanwhile stays forgotten.
        """
        ended_at, turns = _now(), (*battle.turns, new_turn)
        words = "\n".join(turn.request.text for turn in turns)
        answers = [reply.raw for turn in turns for reply in turn.replies]
        is_revealing = reveals_identity(words, answers, battle.specs)
        language = detect_language(words)
        image_hash = hash_images(image for turn in turns for image in turn.request.images)
        contenders = tuple(describe_contender(spec, self._backend) for spec in battle.specs)
        with battle.lock:
            if battle.status is BattleStatus.ANSWERING:
                battle.turns.append(new_turn)
                battle.contenders, battle.ended_at = contenders, ended_at
                battle.image_hash, battle.language = image_hash, language
                battle.reveals_identity = is_revealing
                battle.status = BattleStatus.VOTABLE

    def _store_vote(self, vote: Vote, newcomer: Newcomer | None) -> Vote:
        """Store a vote, or find that it was stored when the database seemed to fail.

        Only this process knows the battle, so nobody else can have voted on it.

        Raises:
            VotesError: the database failed.
            VotedAlreadyError: the vote was stored, and withdrawn since.
        """
        try:
            self._store.add(vote, newcomer)
        except VotedAlreadyError:
            earlier = self._store.get(vote.battle)
            if earlier is None:
                raise
            return earlier
        return vote

    def _require_few_votes(self, voter: str) -> None:
        """Check the hourly limit against the database, which knows earlier and other processes.

        Raises:
            RateLimitError: the voter has cast too many votes in the last hour.
        """
        now = _now()
        cast = self._store.count_cast_since(now - timedelta(hours=1), voter, until=now)
        if cast >= self._limits.votes_an_hour:
            raise rate_limit_error(message("votes"))(10 * MINUTE)


def _now() -> datetime:
    return datetime.now(UTC)
