"""Asks a model what is held out, through the one path that serves the page, and measures."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, TooLongError, UnsupportedTaskError
from vlm_demo.training.data import TrainingExample, TrainingTurn, picture_key
from vlm_demo.training.scoring.measures import Tally, judge, measure_of, summarize
from vlm_demo.values import Message, Reply, Request, Task

AT_ONCE = 8
"""Number of questions that are answered at the same time."""

OnDone = Callable[[int, int], None]
"""Is told how many of how many questions are answered."""


@dataclass(frozen=True, slots=True)
class HeldOutQuestion:
    """A turn of a held-out example, after the turns before it with their right answers."""

    example: TrainingExample
    number: int  # of the turn
    names: frozenset[str]  # of things in its picture
    measure: str

    @classmethod
    def of_last_turn(cls, example: TrainingExample) -> HeldOutQuestion:
        """Return the last question of an example, which is measured in a way of its own."""
        return cls(example, len(example.turns) - 1, frozenset(), "")

    @property
    def turn(self) -> TrainingTurn:
        """The question with its right answer."""
        return self.example.turns[self.number]

    def request(self) -> Request:
        """Return what the model is asked.

        Raises:
            ImageError: a picture cannot be opened.
        """
        history: tuple[Message, ...] = ()
        for turn in self.example.turns[: self.number]:
            images = tuple(image.open() for image in turn.images)
            asked = Message("user", turn.text, images, turn.regions)
            history = (*history, asked, Message("assistant", turn.answer_text))
        turn = self.turn
        images = tuple(image.open() for image in turn.images)
        return Request(turn.task, turn.text, images, regions=turn.regions, history=history)


def choose_questions(
    examples: Sequence[TrainingExample], count: int, seed: int
) -> list[HeldOutQuestion]:
    """Return about `count` questions of the examples, of each measure about as many."""
    by_measure: dict[str, list[HeldOutQuestion]] = defaultdict(list)
    names = _names_by_picture(examples)
    for example in examples:
        there = frozenset(names[picture_key(example)])
        for number, turn in enumerate(example.turns):
            if not turn.is_learned:
                continue  # nobody says that this answer is right
            measure = measure_of(turn, there)
            by_measure[measure].append(HeldOutQuestion(example, number, there, measure))
    rng = random.Random(seed)
    for questions in by_measure.values():
        rng.shuffle(questions)
    return _take_turns(list(by_measure.values()), count)


def score(
    backend: Backend, model: str, questions: Sequence[HeldOutQuestion], on_done: OnDone
) -> dict[str, float | None]:
    """Ask a model, and return its measures; see `vlm_demo.training.scoring.measures`.

    A question that the model cannot be asked counts as wrong.

    Raises:
        VlmDemoError: the model failed.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        replies = threads.map(partial(ask, backend, model), questions)
        try:
            for number, (question, reply) in enumerate(zip(questions, replies, strict=True)):
                tallies[question.measure].add(*judge(question.turn, reply, question.names))
                on_done(number + 1, len(questions))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # where it is stopped
    return summarize(tallies)


def ask(backend: Backend, model: str, question: HeldOutQuestion) -> Reply:
    """Return the whole answer; that to what the model cannot be asked is empty."""
    try:
        *_, reply = backend.answer(model, question.request())
    except (InputError, UnsupportedTaskError, TooLongError):
        return Reply("", "")
    return reply


def _names_by_picture(examples: Sequence[TrainingExample]) -> Mapping[object, set[str]]:
    """Return what searches say is in each picture."""
    names: dict[object, set[str]] = defaultdict(set)
    for example in examples:
        there = names[picture_key(example)]
        for turn in example.turns:
            if turn.task is Task.GROUNDING and any(one.boxes for one in turn.phrases):
                there.add(turn.text)
            there.update(one.phrase for one in turn.phrases if one.boxes and one.phrase)
    return names


def _take_turns(groups: list[list[HeldOutQuestion]], count: int) -> list[HeldOutQuestion]:
    """Return the first of each group, then the second of each, and so on."""
    return [question for question, _ in zip(_alternate(groups), range(count), strict=False)]


def _alternate(groups: list[list[HeldOutQuestion]]) -> Iterator[HeldOutQuestion]:
    for place in range(max(map(len, groups), default=0)):
        yield from (group[place] for group in groups if place < len(group))
