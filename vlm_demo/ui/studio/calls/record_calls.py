"""The calls that keep something of a visitor: what is said of an answer, and an own benchmark."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field

from vlm_demo.analysis.ground_truth import (
    LabelledQuestion,
    rank_models,
    read_archive,
    score_answer,
    write_archive,
)
from vlm_demo.arena import Feedback
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.images.opening import open_image
from vlm_demo.settings import Settings
from vlm_demo.ui.calls import error_data, explain_errors
from vlm_demo.ui.components.answer.answer_stream import stream_answer
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.uploaded_images import file_url
from vlm_demo.ui.files.folders import find_file, make_folder
from vlm_demo.ui.studio.answering.protocol import Name, read_sent
from vlm_demo.ui.studio.calls.answer_calls import SentScoring
from vlm_demo.ui.studio.calls.benchmark import Benchmark, add_question
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner, read_voter
from vlm_demo.values import Region, Reply, Request, Task

if TYPE_CHECKING:  # it loads the database
    from vlm_demo.arena.votes.feedback import FeedbackStore

MAX_REASON = 2_000
"""Longest reason, in characters."""

MAX_WORDS = 20_000
"""Longest question and reply, in characters, that are kept with a flag."""

MAX_BENCHMARKS = 500
"""Number of visitors whose benchmark is kept; the one used longest ago is forgotten first."""


class SentFeedback(BaseModel):
    """What a visitor says of an answer."""

    model_config = ConfigDict(extra="ignore")

    turn: Annotated[Name, Field(min_length=1)]  # the answer's name
    model: Name
    task: Task = Task.CHAT
    verdict: Literal["up", "down", "flag"]
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""
    question: Annotated[str, Field(max_length=MAX_WORDS)] = ""  # kept with a flag alone
    reply: Annotated[str, Field(max_length=MAX_WORDS)] = ""


@dataclass(frozen=True)
class RecordCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    images: ImageStore
    feedback: FeedbackStore
    benchmarks: OrderedDict[str, Benchmark] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def studio_feedback(self, given: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Keep what a visitor says of an answer; an earlier opinion on it is replaced."""

        def keep() -> dict[str, Any]:
            from_here = read_sent(SentFeedback, given)
            self._write(from_here, read_voter(request))
            return {"kept": True}

        return explain_errors(keep)

    def studio_benchmark(self, action: str, content: Any, request: gr.Request) -> dict[str, Any]:
        """Add to a visitor's own benchmark, and save, read or clear it.

        Args:
            action: "add", "download", "upload", "clear" or "show".
            content: to add, `{truth, answer}` as `studio_score` takes them; to upload, the path of
                an uploaded ZIP.
            request: who asks.

        Returns:
            `{questions, standings: [{model, mean_iou, hit_rate, extra, questions}]}`, for a
            download with the `url` and `name` of a ZIP, and for an addition with its `score`.
        """

        def act() -> dict[str, Any]:
            owner = read_owner(request)
            with self.lock:
                before = self.benchmarks.get(owner, ())
            result: dict[str, Any] = {}
            after = before
            match action:
                case "add":
                    question, result = self._question(content, owner)
                    after = add_question(before, question)
                case "download":
                    result = _save(before, owner)
                case "upload":
                    after = self._read(before, content, owner)
                case "clear":
                    after = ()
                case "show":
                    pass
                case _:
                    raise InputError("A benchmark can be added to, saved, read or cleared.")
            self._keep(owner, after)
            return {**_describe(after), **result}

        return explain_errors(act)

    def studio_benchmark_run(
        self, model: str, request: gr.Request
    ) -> Generator[dict[str, Any], None, None]:
        """Ask a model the questions of a visitor's benchmark that it has not answered yet.

        Closing the stream stops the model; what it has answered stays.

        Args:
            model: a name on the menu.
            request: who asks.

        Yields:
            `{done, total, questions, standings}`, the last two as `studio_benchmark` returns them;
            while nothing is new, the same once more.
        """
        try:
            owner = read_owner(request) or read_voter(request)
            with self.lock:
                benchmark = self.benchmarks.get(owner, ())
            if not benchmark:
                raise InputError("The benchmark has no questions yet.")
            for done, question in enumerate(benchmark):
                event = {"done": done, "total": len(benchmark), **_describe(benchmark)}
                yield event
                if model in question.answers:
                    continue
                regions: tuple[Region, ...] = ()
                for reply in self._ask(model, question):
                    if isinstance(reply, Reply):
                        regions = tuple(one for each in reply.mentions for one in each.regions)
                    yield event
                answered = replace(question, answers={**question.answers, model: regions})
                benchmark = (*benchmark[:done], answered, *benchmark[done + 1 :])
                self._keep(owner, benchmark)
            yield {"done": len(benchmark), "total": len(benchmark), **_describe(benchmark)}
        except Exception as error:  # whatever it is, the visitor is told
            yield error_data(error)

    def _ask(
        self, model: str, question: LabelledQuestion
    ) -> Generator[Reply | Waiting | None, None, None]:
        image = open_image(
            question.image,
            max_bytes=self.settings.max_upload_bytes,
            max_pixels=self.settings.max_pixels,
        )
        asked = Request(question.task, question.words, (image,))
        with closing(stream_answer(self.backend, model, asked)) as replies:
            yield from replies

    def _write(self, given: SentFeedback, voter: str) -> None:
        words = (given.question, given.reply) if given.verdict == "flag" else ()
        self.feedback.add(
            Feedback(
                given.turn,
                voter,
                given.model,
                given.task.value,
                given.verdict,
                given.reason.strip(),
                datetime.now(UTC),
                *words,
            )
        )

    def _question(self, content: Any, owner: str) -> tuple[LabelledQuestion, dict[str, Any]]:
        sent = read_sent(SentScoring, content)
        image = sent.answer.newest_image(self.images, owner)
        truth = tuple(model.to_region() for model in sent.truth)
        found = sent.answer.regions()
        question = LabelledQuestion(
            image.source,
            image.size,
            image.name,
            sent.answer.task,
            sent.answer.words,
            truth,
            {sent.answer.model: found},
        )
        score = score_answer(truth, found)
        return question, {"score": {"hits": score.hits, "extra": score.extra}}

    def _read(self, before: Benchmark, path: Any, owner: str) -> Benchmark:
        source = find_file(path, owner)
        if source is None:
            raise InputError("The ZIP did not arrive. Choose it again.")
        folder = make_folder(owner)
        try:
            questions = read_archive(
                source,
                folder,
                max_bytes=self.settings.max_upload_bytes,
                max_pixels=self.settings.max_pixels,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        after = before
        for question in questions:
            after = add_question(after, question)
        return after

    def _keep(self, owner: str, benchmark: Benchmark) -> None:
        with self.lock:
            self.benchmarks.pop(owner, None)
            if benchmark:
                self.benchmarks[owner] = benchmark
            while len(self.benchmarks) > MAX_BENCHMARKS:
                self.benchmarks.popitem(last=False)


def _save(benchmark: Benchmark, owner: str) -> dict[str, Any]:
    if not benchmark:
        raise InputError("The benchmark has no questions yet.")
    path = make_folder(owner) / "own-benchmark.zip"
    write_archive(benchmark, path)
    return {"url": file_url(path), "name": path.name}


def _describe(benchmark: Benchmark) -> dict[str, Any]:
    rows = rank_models((known.ground_truth, known.answers) for known in benchmark)
    return {
        "questions": len(benchmark),
        "standings": [
            {
                "model": row.model,
                "mean_iou": row.mean_iou,
                "hit_rate": row.hit_rate,
                "extra": row.extra,
                "questions": row.questions,
            }
            for row in rows
        ],
    }
