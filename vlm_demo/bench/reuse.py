"""What is not computed twice: later turns of a chat, other tasks on the same picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from PIL.Image import Image

from vlm_demo.bench import models
from vlm_demo.bench.context import BenchContext, Group
from vlm_demo.bench.models import PICTURE_SIZE, Kind
from vlm_demo.bench.prompts import pictures, questions
from vlm_demo.bench.rows import Pairs, Row
from vlm_demo.bench.sides import PlainGenerate, Program, prompt_of, same_text
from vlm_demo.bench.timing import Timed, timed
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Message, Request, Sampling, Task

ANSWER_TOKENS = 24  # of a turn or task; fewer where the options say so
QUESTION_WORDS = 8

Asked = Sequence[tuple[Task, str]]
"""Tasks on one picture, and the words of each."""


class Duel:
    """The same requests, put to plain `generate` and then to the program."""

    def __init__(self, workshop: BenchContext, folder: Path, family: str) -> None:
        self._family = family
        self._tokens = min(ANSWER_TOKENS, workshop.options.new_tokens)
        self._ours = Program(folder, family, workshop.serving(workshop.options.requests))
        self._theirs = PlainGenerate.load(folder)

    def fight(
        self, task: Task, text: str, picture: Image | None, history: tuple[Message, ...] = ()
    ) -> tuple[Timed, Timed, bool]:
        """Return their answer, ours, and whether prompts and answers are the same."""
        images = (picture,) if picture else ()
        sampling = Sampling(max_new_tokens=self._tokens)
        request = Request(task, text, images, history=history, sampling=sampling)
        prompt = prompt_of(self._family, request)
        theirs = timed(partial(self._theirs.answer, prompt, self._tokens))
        ours = timed(partial(self._ours.answer, request))
        length = self._theirs.inputs(prompt)["input_ids"].shape[1]
        same_prompt = length == self._ours.prompt_tokens(request)
        return theirs, ours, same_prompt and same_text(theirs.text, ours.text)

    def note(self, pairs: Pairs) -> str:
        """Say how long both took, and how often the program knew a prompt's beginning."""
        theirs, ours = median(pairs.over), median(pairs.under)
        return f"{theirs * 1000:.0f} ms against {ours * 1000:.0f} ms; {self._ours.reused}"

    def close(self) -> None:
        self._ours.close()


def _turns(
    id: str, duel: Duel, picture: Image, asked: Iterable[str], workshop: BenchContext
) -> Iterator[Row]:
    """Chat about one picture; time to the first token from the second turn on."""
    pairs, turns = Pairs(), workshop.options.turns
    history: tuple[Message, ...] = ()
    with closing(duel):
        for turn, question in enumerate(islice(asked, turns), start=1):
            workshop.say(f"{id}: turn {turn} of {turns}")
            shown = None if history else picture
            theirs, ours, same = duel.fight(Task.CHAT, question, shown, history)
            if history:
                pairs.add(theirs.first_s, ours.first_s, identical=same)
            images = (shown,) if shown else ()
            history += (Message("user", question, images), Message("assistant", ours.text))
        note = duel.note(pairs)
    yield pairs.row(id, note)


def _tasks(
    id: str, duel: Duel, asked: Iterator[tuple[Image, Asked]], workshop: BenchContext
) -> Iterator[Row]:
    """Put several tasks to each picture; time to the first token of all but the first."""
    pairs = Pairs()
    with closing(duel):
        for _ in workshop.repeats(id):
            picture, tasks = next(asked)
            for place, (task, text) in enumerate(tasks):
                theirs, ours, same = duel.fight(task, text, picture)
                if place:
                    pairs.add(theirs.first_s, ours.first_s, identical=same)
        note = duel.note(pairs)
    yield pairs.row(id, note)


def _random_turns(id: str, kind: Kind, workshop: BenchContext) -> Iterator[Row]:
    seed = workshop.options.seed
    duel = Duel(workshop, workshop.checkpoint(kind), kind.family)
    picture = next(pictures(seed, PICTURE_SIZE))
    return _turns(id, duel, picture, questions(seed, QUESTION_WORDS), workshop)


def _random_tasks(id: str, workshop: BenchContext) -> Iterator[Row]:
    seed = workshop.options.seed
    duel = Duel(workshop, workshop.checkpoint(models.LLAVA), models.LLAVA.family)
    tasks = ((Task.CAPTION, ""), (Task.VQA, "what is on the table"), (Task.GROUNDING, "blue car"))
    asked = ((picture, tasks) for picture in pictures(seed, PICTURE_SIZE))
    return _tasks(id, duel, asked, workshop)


def _embedded_turns(id: str, name: str, workshop: BenchContext) -> Iterator[Row]:
    (scene,) = islice(_scenes(workshop), 1)
    asked = cycle(("How many objects are there?", f"Where is the {scene.objects[0].phrase}?"))
    return _turns(id, _embedded_duel(name, workshop), scene.picture, asked, workshop)


def _embedded_tasks(id: str, name: str, workshop: BenchContext) -> Iterator[Row]:
    asked = (
        (
            scene.picture,
            (
                (Task.CAPTION, ""),
                (Task.VQA, "How many objects are there?"),
                (Task.GROUNDING, scene.objects[0].phrase),
            ),
        )
        for scene in _scenes(workshop)
    )
    return _tasks(id, _embedded_duel(name, workshop), asked, workshop)


def _embedded_duel(name: str, workshop: BenchContext) -> Duel:
    spec = find(default_menu(), name)
    return Duel(workshop, Path(spec.checkpoint), spec.family)


def _scenes(workshop: BenchContext) -> Iterator[Scene]:
    return map(draw_scene, scene_seeds("test", workshop.options.seed))


def _group(id: str, measure: Callable[..., Iterator[Row]], *about: object) -> Group:
    return Group((id,), partial(measure, id, *about))


GROUPS = (
    _group("turns_llava", _random_turns, models.LLAVA),
    _group("turns_qwen2_vl", _random_turns, models.QWEN2_VL),
    _group("turns_smolvlm", _random_turns, models.SMOLVLM),
    _group("second_task", _random_tasks),
    _group("turns_embedded_llava15", _embedded_turns, "embedded-llava15"),
    _group("second_task_embedded_llava15", _embedded_tasks, "embedded-llava15"),
    _group("second_task_embedded_kosmos2", _embedded_tasks, "embedded-kosmos2"),
)
