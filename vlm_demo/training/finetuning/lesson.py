"""What a run learns from and is scored on: new examples, negatives, held-out ones, old ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.training.data import TrainingExample
from vlm_demo.training.finetuning.course import Course, Trainee, open_course
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.preferences import read_preferences
from vlm_demo.training.scoring.held_out import read_new_examples
from vlm_demo.training.scoring.known_things import find_known_things, thin_out
from vlm_demo.training.scoring.old_skills import OldSkills, Scores, find_old_skills
from vlm_demo.training.scoring.questions import OnDone, choose_questions, score


class Lesson(Protocol):
    """What is learned and what is asked; read from the user's data."""

    @property
    def learned(self) -> Sequence[object]:
        """Examples or pairs that are learned from."""

    @property
    def held_out(self) -> Sequence[object]:
        """Those that are asked."""

    @property
    def old(self) -> OldSkills:
        """Old questions."""

    @property
    def refused(self) -> int:
        """Number of rows of the data that could not be used."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of the data, in sentences."""

    def find_known(
        self, backend: Backend, model: str, options: FinetuneOptions, on_done: OnDone
    ) -> list[str]:
        """Return names of things that a model knows already."""

    def focus(self, known: Collection[str], options: FinetuneOptions) -> Lesson:
        """Return the lesson with fewer examples about known things."""

    def open_course(self, trainee: Trainee) -> Course:
        """Write what the trainer is given.

        Raises:
            InputError: the model can learn from none of it.
        """

    def score(
        self, backend: Backend, model: str, options: FinetuneOptions, on_done: OnDone
    ) -> Scores:
        """Score a model on what is held out."""


@dataclass(frozen=True, slots=True)
class ExampleLesson:
    """Examples with their right answers."""

    learned: tuple[TrainingExample, ...]
    held_out: tuple[TrainingExample, ...]
    old: OldSkills
    refused: int
    notes: tuple[str, ...]

    def find_known(
        self, backend: Backend, model: str, options: FinetuneOptions, on_done: OnDone
    ) -> list[str]:
        """Search for a few things of each name; see `find_known_things`."""
        if options.known_share == 1:
            return []
        return find_known_things(backend, model, self.learned, options.seed, on_done)

    def focus(self, known: Collection[str], options: FinetuneOptions) -> ExampleLesson:
        """Leave out most questions about known things; see `thin_out`."""
        learned = thin_out(self.learned, known, options.known_share, options.seed)
        return replace(self, learned=learned)

    def open_course(self, trainee: Trainee) -> Course:
        """Write the rows; see `Lesson`."""
        return open_course(trainee, self.learned, self.old.replayed)

    def score(
        self, backend: Backend, model: str, options: FinetuneOptions, on_done: OnDone
    ) -> Scores:
        """Ask what is held out; see `vlm_demo.training.scoring.measures`."""
        questions = choose_questions(self.held_out, options.questions, options.seed)
        return score(backend, model, questions, on_done) if questions else {}


def read_lesson(options: FinetuneOptions, spec: ModelSpec) -> Lesson:
    """Read the user's data, as examples or, for DPO, as pairs.

    Raises:
        InputError: nothing in the data can be used; the message says why.
    """
    if options.method is Method.DPO:
        return read_preferences(options, spec)
    return _read_examples(options, spec)


def _read_examples(options: FinetuneOptions, spec: ModelSpec) -> ExampleLesson:
    """Read the data and old questions.

    Raises:
        InputError: nothing in the data can be used; the message says why.
    """
    new = read_new_examples(options)
    wanted = round(len(new.learned) * options.replay / (1 - options.replay))
    old = find_old_skills(options, spec, wanted=wanted)
    return ExampleLesson(new.learned, new.held_out, old, new.refused, new.notes)
