"""Whether a data set teaches "yes" and "it is there" only, and negatives that balance it.

A model learns first which answer is frequent: after questions about a new thing that were nearly
always answered "yes", it says yes to everything, with a loss that looks perfect.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from vlm_demo.training.data.box_questions import ask_where, ask_whether
from vlm_demo.training.data.examples import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.values import Task

_LOPSIDED = 0.8
"""Share of yes, or of no, from which on the other answer is learned too little."""

_FEW = 5
"""With fewer questions than these nothing is said about their balance."""

_SHOWN = 8
"""Most names that a warning lists."""

_YES = re.compile(r"\s*(?:yes\b|はい|ある|あります|是|有)", re.IGNORECASE)
_NO = re.compile(r"\s*(?:no\b|いいえ|ない|ありません|不|没有)", re.IGNORECASE)


@dataclass(slots=True)
class NameBalance:
    """How often a thing is found and absent, and how often it is there in answers to "Is there"."""

    found: int = 0
    absent: int = 0
    yes: int = 0
    no: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """How answers are distributed in a data set."""

    yes: int
    """Answers that say yes, to any question."""

    no: int
    names: Mapping[str, NameBalance]
    """Of each thing that is searched for, by its name in small letters."""

    warnings: tuple[str, ...]
    """What a model would learn that is not meant, in sentences."""


def count_balance(examples: Sequence[TrainingExample]) -> Balance:
    """Count yes and no, and for each name how often it is found and absent."""
    names: defaultdict[str, NameBalance] = defaultdict(NameBalance)
    answers: Counter[bool] = Counter()
    turns = [turn for example in examples for turn in example.turns if turn.is_learned]
    for turn in turns:
        if turn.task in (Task.GROUNDING, Task.DETECT):
            for phrase in turn.phrases:
                counted = names[(phrase.phrase or turn.text).casefold()]
                counted.found += bool(phrase.boxes)
                counted.absent += not phrase.boxes
    asked = {_question(name): name for name in names}
    for turn in turns:
        is_yes = _says_yes(turn)
        if is_yes is None:
            continue
        answers[is_yes] += 1
        if name := asked.get(turn.text.casefold()):
            names[name].yes += is_yes
            names[name].no += not is_yes
    balance = Balance(answers[True], answers[False], dict(names), ())
    return Balance(balance.yes, balance.no, balance.names, tuple(_warn(balance)))


def add_negatives(examples: Sequence[TrainingExample], seed: int) -> tuple[TrainingExample, ...]:
    """Return the examples, and questions about things that are not on a picture.

    The things are names of other pictures of the set. There will be as many "no" as "yes" for each
    name, and at least one search that finds nothing for two that find something. A picture of
    which nobody says what is there gets none.
    """
    rng = random.Random(seed)
    pictures = _find_pictures(examples)
    added: list[TrainingExample] = []
    for name, counted in count_balance(examples).names.items():
        without = [one for one in pictures if not one.may_show(name)]
        questions = rng.sample(without, min(max(counted.yes - counted.no, 0), len(without)))
        wanted = max((counted.found + 1) // 2 - counted.absent, 0)
        searches = rng.sample(without, min(wanted, len(without)))
        for picture in questions:
            turn = ask_whether(name, picture.image, is_there=False)
            added.append(TrainingExample((turn,), picture.source))
        for picture in searches:
            turn = ask_where(name, (), picture.image)
            added.append(TrainingExample((turn,), picture.source))
    return (*examples, *added)


def picture_key(example: TrainingExample) -> object:
    """Return what two examples about the same first picture have in common."""
    for turn in example.turns:
        for image in turn.images:
            # A picture in memory is itself: comparing pixels would take long.
            return id(image.source) if isinstance(image.source, Image) else image.source
    return example.source


@dataclass(slots=True)
class _LabelledPicture:
    """A picture, and all words that are said of it."""

    image: TrainingImage
    source: str
    words: str = ""

    def may_show(self, name: str) -> bool:
        """Whether a thing may be on it; a name within another word counts, to be sure."""
        return name in self.words


def _find_pictures(examples: Sequence[TrainingExample]) -> list[_LabelledPicture]:
    """Return the pictures on which things were searched for, by their order."""
    pictures: dict[object, _LabelledPicture] = {}
    searched: set[object] = set()
    for example in examples:
        images = [image for turn in example.turns for image in turn.images]
        if len(images) != 1:
            continue  # nobody could say on which picture a thing is
        key = picture_key(example)
        picture = pictures.setdefault(key, _LabelledPicture(images[0], example.source))
        for turn in example.turns:
            picture.words += "\n" + _words_of_what_is_there(turn).casefold()
            if turn.task in (Task.GROUNDING, Task.DETECT):
                searched.add(key)
    return [picture for key, picture in pictures.items() if key in searched]


def _words_of_what_is_there(turn: TrainingTurn) -> str:
    if turn.task in (Task.GROUNDING, Task.DETECT):
        return "\n".join(one.phrase or turn.text for one in turn.phrases if one.boxes)
    return f"{turn.text if _says_yes(turn) else ''}\n{turn.answer_text}"


def _says_yes(turn: TrainingTurn) -> bool | None:
    """Return whether an answer says yes; None: it is no such answer."""
    if turn.task not in (Task.VQA, Task.CHAT):
        return None
    if _YES.match(turn.answer_text):
        return True
    return False if _NO.match(turn.answer_text) else None


def _question(name: str) -> str:
    """Return the question whether something is there, as `ask_whether` writes it."""
    image = TrainingImage(b"")
    return ask_whether(name, image, is_there=True).text.casefold()


def _warn(balance: Balance) -> Iterator[str]:
    total = balance.yes + balance.no
    for word, other, count in (("yes", "no", balance.yes), ("no", "yes", balance.no)):
        if total >= _FEW and count >= _LOPSIDED * total:
            yield (
                f'{count} of {total} questions are answered "{word}". A model learns that before '
                f'anything else, so questions with the answer "{other}" belong in the set.'
            )
    searched = {name: one for name, one in balance.names.items() if one.found + one.absent >= _FEW}
    always = [name for name, one in searched.items() if not one.absent]
    if always:
        listed = ", ".join(always[:_SHOWN]) + (", …" if len(always) > _SHOWN else "")
        yield (
            f"Some things are found in every search for them ({listed}). The model would learn "
            "that they are always there; searches that find nothing belong in the set."
        )
    if len(balance.names) == 1:
        (name,) = balance.names
        yield (
            f"{name} is the only thing that is searched for. Images without it, labelled as "
            "such, show the model what it is not."
        )
