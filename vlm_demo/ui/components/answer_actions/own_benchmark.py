"""A benchmark of one's own: right places, drawn by hand, and how well models meet them.

It lives as long as the visit, in the visitor's session; a ZIP takes it along and brings it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder
from PIL.Image import Image

from vlm_demo.analysis.ground_truth import (
    Known,
    Score,
    read_archive,
    score,
    standings,
    write_archive,
)
from vlm_demo.analysis.ground_truth.archive import MOST_QUESTIONS
from vlm_demo.errors import InputError
from vlm_demo.images import open_image
from vlm_demo.prompting.confidence import above
from vlm_demo.ui.components.answer.answered_request import Asked, there
from vlm_demo.ui.components.answer_actions.exports import own_folder
from vlm_demo.ui.components.answer_actions.permalink_format import sha256_of
from vlm_demo.ui.components.picture_input.pictures import file_url
from vlm_demo.ui.components.settings.panel import Choice
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUEUED, QUICK
from vlm_demo.ui.html_values import as_value, percent
from vlm_demo.ui.streaming import answers, plain_words_for
from vlm_demo.values import Region, Reply, Request

Benchmark = tuple[Known, ...]


def once(**told: object) -> str:
    """Value of the bar that says or does something one time, and leaves the rest as it is."""
    return as_value({"once": {"id": time.monotonic_ns(), **told}})


def refused(bar: gr.HTML, error: Exception) -> dict[Any, Any]:
    """Say in the bar what went wrong: a message over the page would cover the picture on phones."""
    return {bar: once(problem=plain_words_for(error))}


def wire_own_benchmark(
    bar: gr.HTML,
    around: PageContext,
    asked: gr.State,
    regions: tuple[gr.State, Callable[[Any], tuple[Region, ...]]],
    least: Component | None,
) -> None:
    """Score answers by what is drawn on their picture, and keep it as a question.

    Args:
        bar: says how right an answer is.
        around: the page around it.
        asked: the newest answer.
        regions: holds what is drawn on its picture, and what takes the places out of that.
        least: confidence below which places are hidden, and do not count.
    """
    holder, places_in = regions
    backend, kept = around.backend, around.benchmark

    def judge(
        last: Asked | None, held: Any, threshold: float | None, before: Benchmark
    ) -> dict[Any, Any]:
        try:
            known = with_answer(there(last), places_in(held), threshold or 0)
            after = added(before, known)
            result = score(known.truth, known.answers[there(last).model])
            return {bar: table(after, result, known.words), kept: after}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    def run(before: Benchmark, *settings: Any) -> Iterator[Any]:
        yield gr.skip()
        try:
            choice = Choice.of(backend, *settings)
            if not before:
                raise InputError("The benchmark has no questions yet.")
            after = list(before)
            for index, known in enumerate(before):
                yield {bar: table(after, busy=(index + 1, len(before), choice.model))}
                request = Request(
                    known.task, known.words, (_opened(known, around),), sampling=choice.sampling
                )
                newest = Reply("", "")
                for reply in answers(backend, choice.model, request):
                    newest = reply or newest
                    yield {bar: gr.skip()}
                found = {**known.answers, choice.model: _places(newest)}
                after[index] = replace(known, answers=found)
                yield {kept: tuple(after), bar: table(after)}
        except Exception as error:  # whatever it is, what was answered is kept
            yield refused(bar, error)

    def settle(benchmark: Benchmark) -> str:
        return table(benchmark)

    def save(benchmark: Benchmark) -> dict[Any, Any]:
        try:
            if not benchmark:
                raise InputError("The benchmark has no questions yet.")
            path = own_folder() / "own-benchmark.zip"
            write_archive(benchmark, path)
            return {bar: once(url=file_url(path), name=path.name)}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    def bring(event: gr.EventData, before: Benchmark) -> dict[Any, Any]:
        try:
            sent = event._data if isinstance(event._data, dict) else {}
            after = before
            for known in read_archive(
                _uploaded(sent.get("path")),
                own_folder(),
                max_bytes=around.settings.max_upload_bytes,
                max_pixels=around.settings.max_pixels,
            ):
                after = added(after, known)
            return {bar: table(after), kept: after}
        except Exception as error:  # whatever it is, people are told
            return refused(bar, error)

    outputs = [bar, kept]
    shown = gr.State(None) if least is None else least
    bar.submit(judge, [asked, holder, shown, kept], outputs, **QUEUED)
    running = bar.play(run, [kept, *around.controls.inputs], outputs, **ANSWERS)
    running.then(settle, kept, bar, **QUICK)
    bar.stop(None, None, None, cancels=[running], **QUICK)
    bar.release(save, kept, bar, **QUEUED)
    bar.upload(bring, kept, outputs, **QUEUED)
    bar.delete(lambda: {bar: table(()), kept: ()}, None, outputs, **QUICK)
    bar.expand(settle, kept, bar, **QUICK)  # another tab may have added to it


def with_answer(last: Asked, truth: Sequence[Region], least: float) -> Known:
    """Make a question of an answer and the places that should have been found.

    Raises:
        InputError: nothing is drawn, or there is no picture.
    """
    picture = last.picture
    if picture is None:
        raise InputError("This answer is about no picture.")
    if not truth:
        raise InputError("Please draw what is right on the picture first: drag a box around it.")
    return Known(
        picture.source,
        picture.size,
        picture.name,
        last.request.task,
        last.request.text,
        tuple(truth),
        {last.model: _places(above(last.reply, least))},
    )


def added(benchmark: Benchmark, new: Known) -> Benchmark:
    """Add a question. One that is there already gets the newer truth, and keeps its answers.

    Raises:
        InputError: there are too many.
    """
    for index, known in enumerate(benchmark):
        if _same(known, new):
            together = replace(new, picture=known.picture, answers={**known.answers, **new.answers})
            return (*benchmark[:index], together, *benchmark[index + 1 :])
    if len(benchmark) >= MOST_QUESTIONS:
        raise InputError(f"The benchmark is full: it takes at most {MOST_QUESTIONS} questions.")
    return (*benchmark, new)


def table(
    benchmark: Sequence[Known],
    result: Score | None = None,
    words: str = "",
    *,
    busy: tuple[int, int, str] | None = None,
) -> str:
    """Value of the bar: a score a model, and what the newest answer was measured to be.

    `busy` says which question of how many is being asked, and whom.
    """
    rated = standings((known.truth, known.answers) for known in benchmark)
    content: dict[str, Any] = {
        "questions": len(benchmark),
        "standings": [
            {
                "model": one.model,
                "iou": f"{one.mean_iou:.2f}",
                "hits": percent(one.hit_rate),
                "extra": one.extra,
                "questions": one.questions,
            }
            for one in rated
        ],
        "busy": list(busy) if busy else None,
    }
    if result is not None:
        content["score"] = _measured(result, words)
    return as_value(content)


def _measured(result: Score, words: str) -> Mapping[str, object]:
    right = [pair for pair in result.pairs if pair.truth is not None]
    return {
        "words": words,
        "places": [
            {"overlap": f"{pair.overlap:.2f}", "hit": pair.hit, "found": pair.found is not None}
            for pair in right
        ],
        "hits": result.hits,
        "extra": result.extra,
    }


def _same(one: Known, other: Known) -> bool:
    if (one.task, one.words.strip(), one.size) != (other.task, other.words.strip(), other.size):
        return False
    return one.picture == other.picture or sha256_of(one.picture) == sha256_of(other.picture)


def _opened(known: Known, around: PageContext) -> Image:
    return open_image(
        known.picture,
        max_bytes=around.settings.max_upload_bytes,
        max_pixels=around.settings.max_pixels,
    )


def _places(reply: Reply) -> tuple[Region, ...]:
    return tuple(region for mention in reply.mentions for region in mention.regions)


def _uploaded(path: object) -> Path:
    """Return a file that a browser says it has uploaded.

    Raises:
        InputError: it did not come through the upload.
    """
    source = Path(path).resolve() if isinstance(path, str) else None
    folder = Path(get_upload_folder()).resolve()
    if source is None or not source.is_relative_to(folder) or not source.is_file():
        raise InputError("The ZIP did not arrive. Please choose it again.")
    return source
