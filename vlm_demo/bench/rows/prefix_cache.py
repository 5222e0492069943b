"""What the prefix cache saves: later turns of a chat, and further tasks on the same picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from PIL.Image import Image

from vlm_demo.bench import models
from vlm_demo.bench.context import BenchContext, Measurement
from vlm_demo.bench.models import IMAGE_SIZE, ModelKind
from vlm_demo.bench.near_ties import Divergence
from vlm_demo.bench.plain_generate import PlainGenerate
from vlm_demo.bench.program import Program
from vlm_demo.bench.prompts import draw_images, draw_questions, write_prompt
from vlm_demo.bench.results import BenchRow, Comparison
from vlm_demo.bench.timing import TimedAnswer, time_answer
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Message, Prompt, Request, Sampling, Task

ANSWER_TOKENS = 24  # of a turn or task; fewer if the options say so
QUESTION_WORDS = 8

TaskList = Sequence[tuple[Task, str]]
"""Tasks on one picture, and the text of each."""


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """What both sides answered to a prompt."""

    prompt: Prompt
    plain: TimedAnswer
    ours: TimedAnswer
    has_same_prompt: bool  # as many tokens on both sides


class SideBySide:
    """Puts the same requests to plain `generate` and then to the program."""

    def __init__(self, context: BenchContext, folder: Path, family: str) -> None:
        self._family = family
        self._tokens = min(ANSWER_TOKENS, context.options.new_tokens)
        self._program = Program(folder, family, context.serving(context.options.requests))
        self._plain = PlainGenerate.load(folder)

    def answer(
        self, task: Task, text: str, image: Image | None, history: tuple[Message, ...] = ()
    ) -> AnswerPair:
        """Return both answers."""
        images = (image,) if image else ()
        sampling = Sampling(max_new_tokens=self._tokens)
        request = Request(task, text, images, history=history, sampling=sampling)
        prompt = write_prompt(self._family, request)
        plain = time_answer(partial(self._plain.answer, prompt, self._tokens))
        ours = time_answer(partial(self._program.answer, request))
        length = self._plain.encode(prompt)["input_ids"].shape[1]
        same_prompt = length == self._program.prompt_tokens(request)
        return AnswerPair(prompt, plain, ours, same_prompt)

    def compare(self, pair: AnswerPair, comparison: Comparison) -> None:
        """Add the times to the first token, and the texts."""

        def explain() -> Divergence | None:
            if not pair.has_same_prompt:
                return None
            return self._plain.measure_divergence(pair.prompt, pair.plain.text, pair.ours.text)

        comparison.add(pair.plain.first_s, pair.ours.first_s)
        same = pair.has_same_prompt and pair.plain.has_text_of(pair.ours)
        comparison.texts.add(same, explain)

    def describe(self, comparison: Comparison) -> str:
        """Say how long both sides took, and how much of the prompts the program reused."""
        plain, ours = median(comparison.numerators), median(comparison.denominators)
        reuse = self._program.describe_reuse()
        return f"{plain * 1000:.0f} ms against {ours * 1000:.0f} ms; {reuse}"

    def close(self) -> None:
        self._program.close()


def _measure_turns(
    id: str, sides: SideBySide, image: Image, questions: Iterable[str], context: BenchContext
) -> Iterator[BenchRow]:
    """Chat about one picture; measure the time to first token from the second turn on."""
    comparison, turns = Comparison(), context.options.turns
    history: tuple[Message, ...] = ()
    with closing(sides):
        for turn, question in enumerate(islice(questions, turns), start=1):
            context.report(f"{id}: turn {turn} of {turns}")
            new_image = None if history else image
            pair = sides.answer(Task.CHAT, question, new_image, history)
            if history:
                sides.compare(pair, comparison)
            images = (new_image,) if new_image else ()
            history += (Message("user", question, images), Message("assistant", pair.ours.text))
        note = sides.describe(comparison)
    yield comparison.row(id, note)


def _measure_tasks(
    id: str, sides: SideBySide, requests: Iterator[tuple[Image, TaskList]], context: BenchContext
) -> Iterator[BenchRow]:
    """Put several tasks to each picture; measure the time to first token of all but the first."""
    comparison = Comparison()
    with closing(sides):
        for _ in context.repeats(id):
            image, tasks = next(requests)
            for index, (task, text) in enumerate(tasks):
                pair = sides.answer(task, text, image)
                if index:
                    sides.compare(pair, comparison)
        note = sides.describe(comparison)
    yield comparison.row(id, note)


def _measure_random_turns(id: str, kind: ModelKind, context: BenchContext) -> Iterator[BenchRow]:
    seed = context.options.seed
    sides = SideBySide(context, context.checkpoint(kind), kind.family)
    image = next(draw_images(seed, IMAGE_SIZE))
    return _measure_turns(id, sides, image, draw_questions(seed, QUESTION_WORDS), context)


def _measure_random_tasks(id: str, context: BenchContext) -> Iterator[BenchRow]:
    seed = context.options.seed
    sides = SideBySide(context, context.checkpoint(models.LLAVA), models.LLAVA.family)
    tasks = ((Task.CAPTION, ""), (Task.VQA, "what is on the table"), (Task.GROUNDING, "blue car"))
    requests = ((image, tasks) for image in draw_images(seed, IMAGE_SIZE))
    return _measure_tasks(id, sides, requests, context)


def _measure_embedded_turns(id: str, name: str, context: BenchContext) -> Iterator[BenchRow]:
    (scene,) = islice(_draw_scenes(context), 1)
    questions = cycle(("How many objects are there?", f"Where is the {scene.objects[0].phrase}?"))
    return _measure_turns(id, _open_embedded_model(name, context), scene.image, questions, context)


def _measure_embedded_tasks(id: str, name: str, context: BenchContext) -> Iterator[BenchRow]:
    requests = (
        (
            scene.image,
            (
                (Task.CAPTION, ""),
                (Task.VQA, "How many objects are there?"),
                (Task.GROUNDING, scene.objects[0].phrase),
            ),
        )
        for scene in _draw_scenes(context)
    )
    return _measure_tasks(id, _open_embedded_model(name, context), requests, context)


def _open_embedded_model(name: str, context: BenchContext) -> SideBySide:
    spec = find(default_menu(), name)
    return SideBySide(context, Path(spec.checkpoint), spec.family)


def _draw_scenes(context: BenchContext) -> Iterator[Scene]:
    return map(draw_scene, scene_seeds("test", context.options.seed))


def _measurement(
    id: str, measure: Callable[..., Iterator[BenchRow]], *arguments: object
) -> Measurement:
    return Measurement((id,), partial(measure, id, *arguments))


MEASUREMENTS = (
    _measurement("turns_llava", _measure_random_turns, models.LLAVA),
    _measurement("turns_qwen2_vl", _measure_random_turns, models.QWEN2_VL),
    _measurement("turns_smolvlm", _measure_random_turns, models.SMOLVLM),
    _measurement("second_task", _measure_random_tasks),
    _measurement("turns_embedded_llava15", _measure_embedded_turns, "embedded-llava15"),
    _measurement("second_task_embedded_llava15", _measure_embedded_tasks, "embedded-llava15"),
    _measurement("second_task_embedded_kosmos2", _measure_embedded_tasks, "embedded-kosmos2"),
)
