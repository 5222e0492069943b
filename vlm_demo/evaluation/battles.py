"""Automatic battles: the program judges, by the ground truth of a benchmark's questions.

Each model is asked each question once. Any two models that answered it make a battle: the better
grade wins, close grades are a tie, and two wrong answers are both bad. On questions that ask for
boxes, these are also judged alone.

A benchmark takes part by having `questions` (vlm_demo.evaluation.benchmark).
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations
from threading import Event
from typing import NoReturn

from tqdm import tqdm

from vlm_demo.arena.battles.vote_building import describe_contender
from vlm_demo.arena.interchange.language_names import to_code
from vlm_demo.arena.votes import fingerprints
from vlm_demo.arena.votes.categories import categorize
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Origin, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.errors import SettingsError, VlmDemoError
from vlm_demo.evaluation.benchmark import Grade, Question
from vlm_demo.families import get_family
from vlm_demo.values import Box, Reply, Sampling

MIN_GRADE = 0.5
"""Grade below which two answers are both bad; for boxes, an IoU that counts as found."""

TIE_MARGIN = 0.1
"""Difference of grades up to which a battle is a tie: nobody sees it between two boxes."""

CHUNK = 100
"""Number of questions that all models answer before the battles on them are judged and stored."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class BattleOutcome:
    """The result of one run of battles."""

    added: int = 0
    present: int = 0  # judged in an earlier run
    void: int = 0  # an answer failed or was empty
    failures: Counter[str] = field(default_factory=Counter)  # by model
    was_interrupted: bool = False  # by Ctrl+C; what was judged before is stored


@dataclass(frozen=True, slots=True)
class _Answer:
    reply: Reply
    began_at: datetime
    ended_at: datetime


_Answers = dict[tuple[str, str], _Answer | None]
"""Answers by model and question; None: the model failed."""


@dataclass(frozen=True, slots=True)
class _Battle:
    id: str
    question: Question
    a: ModelSpec
    b: ModelSpec


def play(
    backend: Backend,
    store: VoteStore,
    models: Sequence[str],
    *,
    benchmark: str,
    questions: Sequence[Question],
    at_once: int = 8,
) -> BattleOutcome:
    """Let models of the menu meet on questions, and store how the program judges.

    Battles that an earlier run has judged are skipped, so that an interrupted run is resumed.

    Args:
        backend: holds the models.
        store: receives the votes.
        models: names on the menu.
        benchmark: name of the benchmark that the questions are from.
        questions: what is asked.
        at_once: requests that a model gets at the same time.

    Raises:
        SettingsError: there are fewer than two models.
        VlmDemoError: a model is unknown or cannot be loaded, or the votes cannot be stored.
    """
    names = sorted(set(models))
    if len(names) < 2:
        raise SettingsError("A battle needs two models. Name another one.")
    specs = [backend.spec(name) for name in names]
    run = _Run(backend, store, specs, benchmark, at_once)
    total = len(questions) * len(specs)
    with tqdm(total=total, unit="answer", disable=None, file=sys.stderr) as run.bar:
        try:
            for start in range(0, len(questions), CHUNK):
                run.play(questions[start : start + CHUNK])
        except KeyboardInterrupt:
            run.outcome.was_interrupted = True
    return run.outcome


class _Run:
    """One run: every model is asked, in chunks of questions."""

    bar: tqdm[NoReturn]

    def __init__(
        self,
        backend: Backend,
        store: VoteStore,
        specs: Sequence[ModelSpec],
        benchmark: str,
        at_once: int,
    ) -> None:
        self._backend = backend
        self._store = store
        self._specs = specs
        self._benchmark = benchmark
        self._at_once = at_once
        longest = max(get_family(spec.family).sampling.max_new_tokens for spec in specs)
        self._sampling = Sampling(max_new_tokens=longest)  # greedy, and the same for all
        self.outcome = BattleOutcome()

    def play(self, questions: Sequence[Question]) -> None:
        """Ask, judge and store; what both sides have answered is stored however this ends."""
        battles = [battle for question in questions for battle in self._battles(question)]
        pending = [battle for battle in battles if self._store.get(battle.id) is None]
        self.outcome.present += len(battles) - len(pending)
        answers: _Answers = {}
        try:
            for spec in self._specs:
                unanswered = {b.question.name: b.question for b in pending if spec in (b.a, b.b)}
                self.bar.update(len(questions) - len(unanswered))
                self.bar.set_description(spec.name)
                self._ask(spec, unanswered.values(), answers)
        finally:
            self._store_votes(pending, answers)

    def _battles(self, question: Question) -> Iterator[_Battle]:
        able = [spec for spec in self._specs if _can_be_asked(spec, question)]
        for pair in combinations(able, 2):
            id = _battle_id(self._benchmark, question, pair)
            a, b = random.Random(id).sample(pair, 2)  # the sides are random, but repeatable
            yield _Battle(id, question, a, b)

    def _ask(self, spec: ModelSpec, questions: Collection[Question], answers: _Answers) -> None:
        """Add the answers of a model to `answers`, each as soon as it is complete."""
        if not questions:
            return
        for _ in self._backend.load(spec.name):
            pass
        stopped = Event()

        def ask(question: Question) -> None:
            answer = self._answer(spec, question, stopped)
            if answer or not stopped.is_set():
                answers[spec.name, question.name] = answer
                self.bar.update()

        with ThreadPoolExecutor(self._at_once) as threads:
            futures = [threads.submit(ask, question) for question in questions]
            try:
                for future in as_completed(futures):
                    future.result()
            finally:
                stopped.set()
                threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, spec: ModelSpec, question: Question, stopped: Event) -> _Answer | None:
        request = replace(question.request, sampling=self._sampling)
        began_at = datetime.now(UTC)
        try:
            with closing(self._backend.answer(spec.name, request)) as replies:
                for newest in replies:
                    reply = newest
                    if stopped.is_set():
                        return None
        except VlmDemoError as error:
            log.warning("%s failed on %r: %s", spec.name, question.name, error)
            return None
        if not reply.raw.strip():
            log.warning("%s gave an empty answer to %r.", spec.name, question.name)
            return None
        return _Answer(reply, began_at, datetime.now(UTC))

    def _store_votes(self, battles: Sequence[_Battle], answers: _Answers) -> None:
        votes = []
        for battle in battles:
            sides = [(spec.name, battle.question.name) for spec in (battle.a, battle.b)]
            if not all(side in answers for side in sides):
                continue  # interrupted before it was answered
            a, b = (answers[side] for side in sides)
            if a is None or b is None:
                self.outcome.void += 1
            else:
                votes.append(self._vote(battle, a, b))
        self.outcome.failures.update(model for (model, _), answer in answers.items() if not answer)
        added, present = self._store.add_all(votes)
        self.outcome.added += added
        self.outcome.present += present

    def _vote(self, battle: _Battle, a: _Answer, b: _Answer) -> Vote:
        question = battle.question
        grades = question.grade(a.reply), question.grade(b.reply)
        return Vote(
            battle=battle.id,
            a=self._contender(battle.a, a),
            b=self._contender(battle.b, b),
            winner=_decide(*(grade.answer for grade in grades)),
            boxes=_decide_by_boxes(grades, (a.reply, b.reply)),
            task=question.request.task,
            category=categorize(question.request.task, [question.request.text]),
            language=question.language,
            parameters={k: v for k, v in self._sampling.to_data().items() if k != "seed"},
            prompt_hash=fingerprints.hash_questions([question.request]),
            image_hash=fingerprints.hash_images(question.request.images),
            began_at=min(a.began_at, b.began_at),
            ended_at=max(a.ended_at, b.ended_at),
            voted_at=datetime.now(UTC),
            origin=Origin.AUTOMATIC,
        )

    def _contender(self, spec: ModelSpec, answer: _Answer) -> Contender:
        return replace(describe_contender(spec, self._backend), outputs=(answer.reply.raw,))


def _can_be_asked(spec: ModelSpec, question: Question) -> bool:
    """Whether a model supports the task and the language; English is asked of every model."""
    languages = {"en", *map(to_code, spec.languages)}
    return spec.supports(question.request.task) and question.language in languages


def _battle_id(benchmark: str, question: Question, specs: Collection[ModelSpec]) -> str:
    """Return the id of a battle, which is the same in every run."""
    models = sorted((spec.name, weights_revision(spec)) for spec in specs)
    content = json.dumps([benchmark, question.name, models])
    return f"auto-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _decide(a: float, b: float) -> Winner:
    """Decide a battle by two grades."""
    if max(a, b) < MIN_GRADE:
        return Winner.BOTH_BAD
    if abs(a - b) <= TIE_MARGIN:
        return Winner.TIE
    return Winner.A if a > b else Winner.B


def _decide_by_boxes(grades: tuple[Grade, Grade], replies: tuple[Reply, Reply]) -> Winner | None:
    """Decide by the boxes alone; None if the question asks for none, or neither drew any."""
    a, b = (grade.boxes for grade in grades)
    if a is None or b is None or not any(map(_has_boxes, replies)):
        return None
    return _decide(a, b)


def _has_boxes(reply: Reply) -> bool:
    return any(isinstance(region, Box) for mention in reply.mentions for region in mention.regions)
