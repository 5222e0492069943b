"""A batch as the page shows it: its progress, its newest results as a table, and its buttons."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.batch.result import BatchResult
from vlm_demo.batch.visitor_batch import VisitorBatch
from vlm_demo.rendering.palette import colour_of
from vlm_demo.translatable_text import DisplayText
from vlm_demo.ui import browser_files
from vlm_demo.ui.batch.downloads import DOWNLOADS
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.task_form import TASK_LABELS
from vlm_demo.ui.components.uploaded_images import file_url
from vlm_demo.ui.html_values import encode_value
from vlm_demo.values import bounding_box

_SCRIPT = browser_files.read("batch/view.js")

MAX_ROWS = 50
"""Largest number of results in the table, which shows the newest; the files hold all."""

MAX_BOXES = 60
"""Largest number of boxes on a thumbnail."""

MAX_TEXT = 300
"""Largest number of characters of an answer in the table."""

_BUTTONS = "".join(
    f'<button type="button" data-form="{form}" data-say>{words}</button>'
    for form, words in DOWNLOADS.items()
)

_TEMPLATE = f"""
<div class="batch">
  <div class="batch-empty">
    <b data-say>Many images, one task</b>
    <ol><li data-say>Add a ZIP, or as many images as you like.</li>
    <li data-say>Choose what is done with each: a caption, a question, things to find.</li>
    <li data-say>Run it. You may close the page meanwhile, and come back within a day.</li></ol>
  </div>
  <p class="notice" role="alert" hidden></p>
  <div class="batch-run" hidden>
    <div class="batch-head"><img alt="" hidden><div><p class="batch-title"></p>
      <p class="batch-code"></p></div></div>
    <progress max="1"></progress>
    <p class="batch-line"><b></b> <span></span></p><p class="sr-only" role="status"></p>
    <div class="batch-buttons"><button type="button" data-do="pause" data-say>Pause</button><button
      type="button" data-do="play" data-say>Resume</button><button type="button" data-do="stop"
      data-say>Stop</button></div>
    <div class="batch-files" role="group" aria-label="Download the results"
      data-say="aria-label" hidden><span
      data-say>Download</span>{_BUTTONS}</div>
    <div class="batch-results" hidden>
      <div class="batch-filter" role="group" aria-label="Which results"
        data-say="aria-label"><button type="button"
        data-show="rows" aria-pressed="true"></button><button type="button" data-show="failures"
        aria-pressed="false"></button></div>
      <div class="scroller" tabindex="0" role="group" aria-label="The newest results"
        data-say="aria-label"><table>
        <thead><tr><th scope="col" data-say>Image</th><th scope="col" data-say>Answer</th><th
        scope="col" class="places" data-say>Boxes</th></tr></thead><tbody></tbody></table></div>
    </div>
  </div>
</div>
"""


def batch_view(elem_id: str) -> gr.HTML:
    """Build the component; `batch_value`, `problem_value` and `download_value` return its value.

    Events: `pause`, `play` (resume) and `stop`, `select` (data: `name` of a picture) and `download`
    (data: `form`, one of `DOWNLOADS`).
    """
    return build_html_component(encode_value({}), _TEMPLATE, _SCRIPT, elem_id)


def batch_value(batch: VisitorBatch) -> str:
    """Value of the component that shows a batch as it is now."""
    standing, job = batch.progress, batch.job
    newest = batch.newest_image or ""
    return encode_value(
        {
            "code": batch.code,
            "title": batch.source.title,
            "task": TASK_LABELS.get(job.task, job.task.replace("_", " ").capitalize()),
            "words": job.words,
            "model": job.model,
            "state": standing.state,
            "done": standing.done,
            "failed": standing.failed,
            "total": standing.total,
            "again": any(mark.retry for mark in batch.journal.entries.values()),
            "leftOut": batch.source.other_file_count,
            "perS": standing.per_s,
            "leftS": standing.remaining_s,
            "problem": standing.error,
            "newest": {"name": newest, "url": _thumbnail_url(batch, newest)},
            "rows": [_row(batch, result) for result in batch.journal.newest(MAX_ROWS)],
            "failures": [
                _row(batch, result) for result in batch.journal.newest(MAX_ROWS, failed=True)
            ],
        }
    )


def problem_value(problem: DisplayText) -> str:
    """Value of the component that says why there is no batch to show."""
    return encode_value({"problem": problem})


def download_value(file: Path) -> str:
    """Value of the component that lets the browser save a file, and leaves the rest as it is."""
    return encode_value(
        {"file": {"url": file_url(file), "name": file.name, "id": time.monotonic_ns()}}
    )


def _row(batch: VisitorBatch, result: BatchResult) -> dict[str, Any]:
    text = " ".join(result.text.split()) or _list_phrases(result)
    short = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    return {
        "name": result.name,
        "thumbnail": _thumbnail_url(batch, result.name),
        "boxes": [] if result.error else list(islice(_boxes(result), MAX_BOXES)),
        "text": short,
        "note": result.note,
        "places": 0 if result.error else result.region_count,
        "error": result.error,
    }


def _list_phrases(result: BatchResult) -> str:
    """Return what was found where the answer has no words of its own."""
    mentions = () if result.error else result.reply.mentions
    found = (f"{each.phrase} ({len(each.regions)})" for each in mentions if each.regions)
    return ", ".join(found)


def _boxes(result: BatchResult) -> Iterator[list[float | str]]:
    """Yield the left, top, width and height of each region as fractions, and its colour."""
    for index, mention in enumerate(result.reply.mentions):
        for region in mention.regions:
            box = bounding_box(region)
            sides = (box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1)
            yield [*(round(side, 3) for side in sides), colour_of(index)]


def _thumbnail_url(batch: VisitorBatch, name: str) -> str:
    """Return the address of a picture's thumbnail; "" where there is none yet."""
    path = batch.thumbnail(name)
    return file_url(path) if name and path.is_file() else ""
