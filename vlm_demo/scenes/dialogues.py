"""Mixtures of exchanges about a scene: single questions and conversations."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from vlm_demo.scenes import questions
from vlm_demo.scenes.english import English
from vlm_demo.scenes.exchange import Exchange
from vlm_demo.scenes.japanese import Japanese
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.wording import Wording
from vlm_demo.values import Task

ENGLISH, JAPANESE = English(), Japanese()

Asker = Callable[[random.Random, Scene, Wording], Exchange | None]


def _short(ask: Callable[..., Exchange | None]) -> Asker:
    return lambda rng, scene, words: ask(rng, scene, words, short=True)


def _sentence(ask: Callable[..., Exchange | None]) -> Asker:
    return lambda rng, scene, words: ask(rng, scene, words, short=False)


def _by_task(ask: Asker, task: Task) -> Asker:
    """Ask for the same answer through a task in which the user writes no question."""

    def ask_by_task(rng: random.Random, scene: Scene, words: Wording) -> Exchange | None:
        exchange = ask(rng, scene, words)
        return exchange and Exchange(
            exchange.subject, exchange.language, task, "", exchange.answer, about=exchange.about
        )

    return ask_by_task


_BEGINNINGS = (
    "This is a picture of",
    "This is a drawing of",
    "An image of",
    "A picture of",
    "The picture shows",
    "There is",
    "I see",
    "I can see",
    "In this picture there is",
    "In the image we see",
)


def _caption_task(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Return a caption by its own task; the user may have written its beginning."""
    exchange = questions.caption(rng, scene, words)
    caption = exchange.answer_text()
    beginning, chance = "", rng.random()
    if chance < 0.2:  # some of the first words of the true caption
        beginning = " ".join(caption.split()[: rng.randint(1, 3)]).rstrip(",.")
    elif chance < 0.4:
        beginning = rng.choice(_BEGINNINGS)
        caption = f"{beginning} {exchange.decapitalize().answer_text()}"
    return Exchange("caption", exchange.language, Task.CAPTION, beginning, (caption,))


# Weights: colours, relations and boxes are learnt last and need the most examples.
TASKS: Sequence[tuple[Asker, float]] = (
    (_caption_task, 2.5),
    (_by_task(questions.detailed_caption, Task.DETAILED_CAPTION), 1.0),
    (_by_task(questions.grounded_caption, Task.GROUNDED_CAPTION), 3.0),
    (_short(questions.what), 2.0),
    (_short(questions.how_many), 3.0),
    (_short(questions.colour), 4.0),
    (_short(questions.is_there), 3.0),
    (_short(questions.relation), 3.5),
    (_short(questions.locate), 6.0),
    (questions.locate_all, 2.5),
    (_short(questions.absent), 2.5),
    (questions.describe_region, 2.5),
)
"""What each task of the page asks, with weights."""

TEXT_TASKS = TASKS[3:11]
"""Those of `TASKS` in which the user writes something, in any language."""

HARD_TASKS: Sequence[tuple[Asker, float]] = (
    (_caption_task, 8.0),
    (_by_task(questions.grounded_caption, Task.GROUNDED_CAPTION), 12.0),
    (_short(questions.how_many), 1.5),
    (_short(questions.relation), 4.0),
    (_short(questions.absent), 2.5),
)
"""Those that need more examples where conversations and a second language take their share."""

TALK: Sequence[tuple[Asker, float]] = (
    (questions.caption, 1.5),
    (questions.detailed_caption, 0.5),
    (questions.grounded_caption, 1.0),
    (_sentence(questions.what), 1.5),
    (_sentence(questions.how_many), 2.0),
    (_sentence(questions.colour), 2.0),
    (_sentence(questions.is_there), 2.0),
    (_sentence(questions.relation), 1.5),
    (_sentence(questions.locate), 3.0),
    (_sentence(questions.absent), 1.0),
    (lambda rng, _, words: questions.small_talk(rng, words), 0.3),
)
"""What people ask in a conversation, with weights."""


def ask(
    rng: random.Random, scene: Scene, words: Wording, mixture: Sequence[tuple[Asker, float]]
) -> Exchange:
    """Draw one exchange from a mixture."""
    askers, weights = zip(*mixture, strict=True)
    while True:
        asker: Asker = rng.choices(askers, weights)[0]
        exchange = asker(rng, scene, words)
        if exchange is not None:
            return exchange


def converse(rng: random.Random, scene: Scene, words: Wording) -> Iterator[Exchange]:
    """Yield the turns of a conversation without end; half of those that can refer back do so."""
    exchange = ask(rng, scene, words, TALK)
    while True:
        yield exchange
        about = exchange.about
        if about is not None and rng.random() < 0.5:
            exchange = questions.follow_up(rng, scene, words, about)
        else:
            exchange = ask(rng, scene, words, TALK)
