"""Asks a model the questions of a published benchmark, several at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from PIL.Image import Image
from tqdm import tqdm

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, UnsupportedTaskError
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.journal import AnswerJournal
from vlm_demo.evaluation.published.question import (
    Answer,
    LabelledBox,
    PublishedQuestion,
    QuestionScore,
)
from vlm_demo.evaluation.published.summary import Graded
from vlm_demo.families import get_family
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.values import Box, Region, Reply, Request, Sampling, Task, bounding_box

AT_ONCE = 8
"""Number of questions that are answered at the same time."""

SAMPLING = Sampling(max_new_tokens=512, temperature=0)
"""The likeliest token always: published figures are of greedy decoding."""

_OTHER_TASKS = {
    Task.CHAT: (Task.VQA,),
    Task.VQA: (Task.CHAT,),
    Task.CAPTION: (Task.DETAILED_CAPTION, Task.CHAT),
    Task.DETECT: (Task.GROUNDING,),
    Task.GROUNDING: (Task.DETECT,),
}
"""Tasks in whose place another one can be asked, the best first."""

_CAPTION_INSTRUCTION = "Describe the image in one short sentence."
"""What a model is asked in chat that has no captions of its own."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """Puts questions to one model, and its answers to a judge."""

    benchmark: PublishedBenchmark
    backend: Backend
    model: str
    judge: str = ""

    def ask_all(
        self, questions: Sequence[PublishedQuestion], journal: AnswerJournal
    ) -> list[Graded]:
        """Ask what the journal has no answer to, and grade all.

        Raises:
            VlmDemoError: the model or the judge failed; the answers so far are in the journal.
        """
        waiting = [one for one in questions if one.id not in journal.answers]
        for graded in self._ask(waiting):
            journal.add(graded)
        return [self._grade(one, journal.answers[one.id]) for one in questions]

    def _ask(self, questions: Sequence[PublishedQuestion]) -> Iterator[Graded]:
        """Yield the graded answers, in any order."""
        threads = ThreadPoolExecutor(AT_ONCE)
        try:
            futures = [threads.submit(self._answer, one) for one in questions]
            progress = tqdm(
                as_completed(futures),
                desc=self.model,
                total=len(futures),
                unit="question",
                disable=None,
                file=sys.stderr,
            )
            for future in progress:
                yield future.result()
        finally:
            threads.shutdown(cancel_futures=True)

    def _answer(self, question: PublishedQuestion) -> Graded:
        try:
            answer = self._ask_one(question)
        except UnsupportedTaskError:
            raise  # true of every question
        except InputError as error:
            return self._grade(question, Answer("", error=str(error)))
        if self.benchmark.judge_prompt is not None:
            answer = replace(answer, judgement=self._judge(question, answer))
        return self._grade(question, answer)

    def _ask_one(self, question: PublishedQuestion) -> Answer:
        images = tuple(image.open() for image in question.images)
        if self.benchmark.ask is not None:
            return self.benchmark.ask(self.backend, self.model, question, images)
        *_, reply = self.backend.answer(self.model, self._request(question, images))
        return read_answer(reply)

    def _request(self, question: PublishedQuestion, images: tuple[Image, ...]) -> Request:
        task = choose_task(self.backend, self.model, question.task)
        text = question.text
        if question.task is Task.CAPTION and task is Task.CHAT:
            text = _CAPTION_INSTRUCTION
        return Request(task, text, images, sampling=SAMPLING)

    def _judge(self, question: PublishedQuestion, answer: Answer) -> str:
        assert self.benchmark.judge_prompt is not None
        text = self.benchmark.judge_prompt(question, answer)
        images = tuple(image.open() for image in question.images)
        task = choose_task(self.backend, self.judge, Task.CHAT)
        *_, reply = self.backend.answer(self.judge, Request(task, text, images, sampling=SAMPLING))
        return reply.text

    def _grade(self, question: PublishedQuestion, answer: Answer) -> Graded:
        if answer.error:
            return Graded(question, answer, QuestionScore("", 0.0))
        return Graded(question, answer, self.benchmark.grade(question, answer))


def choose_task(backend: Backend, model: str, task: Task) -> Task:
    """Return the task if the model's family can do it, else the nearest one that it can."""
    instructions = get_family(backend.spec(model).family).instructions
    for candidate in (task, *_OTHER_TASKS.get(task, ())):
        if candidate in instructions:
            return candidate
    return task


def read_answer(reply: Reply, kinds: tuple[type[Region], ...] = (Box,)) -> Answer:
    """Return what is kept of a reply: its words, and its boxes in their order.

    Args:
        reply: a complete one.
        kinds: of regions that are kept, as the boxes around them.
    """
    boxes = tuple(
        LabelledBox(mention.target or mention.phrase, bounding_box(region), confidence)
        for mention, confidences in zip(reply.mentions, region_confidences(reply), strict=True)
        for region, confidence in zip(mention.regions, confidences, strict=True)
        if isinstance(region, kinds)
    )
    return Answer(reply.text, boxes)
