"""A visitor's own benchmark: ground truth drawn by hand, and how well models meet it.

It lives as long as the visit, in the visitor's session; a ZIP saves it and brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.analysis.ground_truth import read_archive, score_answer, write_archive
from vlm_demo.errors import InputError
from vlm_demo.images import open_image
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest, require_answer
from vlm_demo.ui.components.answer_actions.bar_values import once_value, report_problem
from vlm_demo.ui.components.answer_actions.benchmark_questions import (
    Benchmark,
    add_question,
    all_regions,
    benchmark_value,
    make_question,
)
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.uploaded_images import file_url, find_upload, make_served_folder
from vlm_demo.ui.events import ANSWERS, QUEUED, QUICK, event_data
from vlm_demo.ui.streaming import stream_replies
from vlm_demo.values import Region, Reply, Request


def wire_own_benchmark(
    bar: gr.HTML,
    controls: Controls,
    settings: Settings,
    benchmark: gr.State,
    newest_answer: gr.State,
    regions: tuple[gr.State, Callable[[Any], tuple[Region, ...]]],
    threshold: Component | None,
) -> None:
    """Score answers by what is drawn on their picture, and keep it as a question.

    Args:
        bar: shows the scores.
        controls: the model that the questions are asked, and its settings.
        settings: the limits for pictures.
        benchmark: holds the visitor's benchmark.
        newest_answer: holds the newest answer.
        regions: what holds the drawing on its picture, and what takes the regions out of that.
        threshold: confidence below which regions are hidden, and do not count.
    """
    drawing, read_drawn = regions
    limits = {"max_bytes": settings.max_upload_bytes, "max_pixels": settings.max_pixels}

    def judge(
        newest: AnsweredRequest | None, drawn: Any, threshold: float | None, before: Benchmark
    ) -> dict[Any, Any]:
        try:
            answer = require_answer(newest)
            question = make_question(answer, read_drawn(drawn), threshold or 0)
            after = add_question(before, question)
            score = score_answer(question.ground_truth, question.answers[answer.model])
            return {bar: benchmark_value(after, score, question.words), benchmark: after}
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    def run(before: Benchmark, *values: Any) -> Iterator[Any]:
        yield gr.skip()
        try:
            choice = RequestSettings.read(controls.backend, *values)
            if not before:
                raise InputError("The benchmark has no questions yet.")
            after = list(before)
            for index, question in enumerate(before):
                yield {bar: benchmark_value(after, busy=(index + 1, len(before), choice.model))}
                image = open_image(question.image, **limits)
                request = Request(question.task, question.words, (image,), sampling=choice.sampling)
                newest = Reply("", "")
                for reply in stream_replies(controls.backend, choice.model, request):
                    newest = reply or newest
                    yield {bar: gr.skip()}
                answers = {**question.answers, choice.model: all_regions(newest)}
                after[index] = replace(question, answers=answers)
                yield {benchmark: tuple(after), bar: benchmark_value(after)}
        except Exception as error:  # whatever it is, what was answered is kept
            yield report_problem(bar, error)

    def save(questions: Benchmark) -> dict[Any, Any]:
        try:
            if not questions:
                raise InputError("The benchmark has no questions yet.")
            path = make_served_folder() / "own-benchmark.zip"
            write_archive(questions, path)
            return {bar: once_value(url=file_url(path), name=path.name)}
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    def add_archive(event: gr.EventData, before: Benchmark) -> dict[Any, Any]:
        try:
            archive = _require_upload(event_data(event).get("path"))
            after = before
            for question in read_archive(archive, make_served_folder(), **limits):
                after = add_question(after, question)
            return {bar: benchmark_value(after), benchmark: after}
        except Exception as error:  # whatever it is, people are told
            return report_problem(bar, error)

    def show(questions: Benchmark) -> str:
        return benchmark_value(questions)

    outputs = [bar, benchmark]
    threshold = gr.State(None) if threshold is None else threshold
    bar.submit(judge, [newest_answer, drawing, threshold, benchmark], outputs, **QUEUED)
    running = bar.play(run, [benchmark, *controls.inputs], outputs, **ANSWERS)
    running.then(show, benchmark, bar, **QUICK)
    bar.stop(None, None, None, cancels=[running], **QUICK)
    bar.release(save, benchmark, bar, **QUEUED)
    bar.upload(add_archive, benchmark, outputs, **QUEUED)
    bar.delete(lambda: {bar: benchmark_value(()), benchmark: ()}, None, outputs, **QUICK)
    bar.expand(show, benchmark, bar, **QUICK)  # another tab may have added to it


def _require_upload(path: object) -> Path:
    """Return the file of an upload.

    Raises:
        InputError: it did not come through the upload.
    """
    source = find_upload(path)
    if source is None:
        raise InputError("The ZIP did not arrive. Please choose it again.")
    return source
