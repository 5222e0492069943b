"""Which things of a data set a model finds already: it need not be taught them as much.

In labelled pictures there is more than what somebody wants to teach. Where a model finds a thing,
most questions about it only take time from those about new things.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from vlm_demo.backend import Backend
from vlm_demo.training.data import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.training.data.box_questions import ask_what, ask_whether, find_nouns
from vlm_demo.training.scoring.measures import judge
from vlm_demo.training.scoring.questions import AT_ONCE, HeldOutQuestion, OnDone, ask
from vlm_demo.values import Box, Task

_SEARCHES = 3
"""Searches for each thing; it is known if each of them finds all."""


def find_known_things(
    backend: Backend, model: str, examples: Sequence[TrainingExample], seed: int, on_done: OnDone
) -> list[str]:
    """Return the names of things that a model finds, in small letters.

    A few searches for each thing are tried, whatever its colour; a thing that is never searched
    for alone is not among them.

    Raises:
        VlmDemoError: the model failed.
    """
    searches: dict[str, list[HeldOutQuestion]] = defaultdict(list)
    found = [example for example in examples if _is_search(example)]
    names = {example.turns[0].text.casefold() for example in found}
    nouns = find_nouns(names)
    for example in found:
        name = example.turns[0].text.casefold()
        searches[nouns.get(name, name)].append(HeldOutQuestion.of_last_turn(example))
    rng = random.Random(seed)
    chosen = [
        (thing, question)
        for thing, own in searches.items()
        for question in rng.sample(own, min(_SEARCHES, len(own)))
    ]
    unknown = set[str]()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        replies = threads.map(partial(ask, backend, model), [question for _, question in chosen])
        for number, ((thing, question), reply) in enumerate(zip(chosen, replies, strict=True)):
            hits, tries = judge(question.turn, reply, ())
            if hits < tries:
                unknown.add(thing)
            on_done(number + 1, len(chosen))
    return sorted(name for name in names if nouns.get(name, name) not in unknown)


def thin_out(
    examples: Sequence[TrainingExample], known: Collection[str], share: float, seed: int
) -> tuple[TrainingExample, ...]:
    """Return the examples, of those that ask about one known thing alone only a share.

    Where all things are known, somebody wants them known better: then all stay.

    Args:
        examples: that are learned from.
        known: names of things, in small letters.
        share: of the examples about them that stays, 0 to 1.
        seed: draws which.
    """
    searches = [example.turns[0] for example in examples if _is_search(example)]
    if {turn.text.casefold() for turn in searches} <= set(known):
        return tuple(examples)
    rng, (image,) = random.Random(seed), searches[0].images
    dull = {_key(turn) for name in known for turn in _ask_all(name, image)}
    return tuple(
        example
        for example in examples
        if len(example.turns) > 1 or _key(example.turns[0]) not in dull or rng.random() < share
    )


def _is_search(example: TrainingExample) -> bool:
    turn = example.turns[0]
    is_alone = len(example.turns) == 1 and turn.task is Task.GROUNDING
    return is_alone and any(phrase.boxes for phrase in turn.phrases)


def _key(turn: TrainingTurn) -> tuple[Task, str]:
    """Return what questions about one thing have in common, whatever their picture."""
    words = turn.answer_text if turn.task is Task.DESCRIBE_REGION else turn.text
    return turn.task, words.casefold()


def _ask_all(name: str, image: TrainingImage) -> list[TrainingTurn]:
    return [
        TrainingTurn(Task.GROUNDING, name, (), (image,)),
        ask_whether(name, image, is_there=True),
        ask_what(name, Box(0, 0, 1, 1), image),
    ]
