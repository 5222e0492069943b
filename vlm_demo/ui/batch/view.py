"""A batch as the page shows it: how far it is, its newest results as a table, and its buttons.

A factory around gr.HTML: gradio writes a stub file beside a module that subclasses it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.batch.job import Result
from vlm_demo.batch.manager import Batch
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.model_choice import ABILITIES
from vlm_demo.ui.components.picture_input.pictures import file_url
from vlm_demo.ui.html_values import as_value

_SCRIPT = browser_files.read("batch/view.js")

ROWS = 50
"""Newest results that are shown; the files hold all."""

SHORTENED = 300  # characters of an answer in the table

FILES = {"csv": "Table (CSV)", "jsonl": "JSON lines", "coco": "COCO", "annotated": "Pictures (ZIP)"}
"""What can be taken along, and what the page calls it."""

_BUTTONS = "".join(
    f'<button type="button" data-form="{form}" data-say>{words}</button>'
    for form, words in FILES.items()
)

_TEMPLATE = f"""
<div class="batch">
  <div class="batch-empty">
    <b data-say>Many pictures, one task</b>
    <ol><li data-say>Add a ZIP, or as many pictures as you like.</li>
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
      type="button" data-do="play" data-say>Go on</button><button type="button" data-do="stop"
      data-say>Stop</button></div>
    <div class="batch-files" role="group" aria-label="Download the results" hidden><span
      data-say>Download</span>{_BUTTONS}</div>
    <div class="batch-results" hidden>
      <div class="batch-filter" role="group" aria-label="Which results"><button type="button"
        data-show="rows" aria-pressed="true"></button><button type="button" data-show="failures"
        aria-pressed="false"></button></div>
      <div class="scroller" tabindex="0" role="group" aria-label="The newest results"><table>
        <thead><tr><th scope="col" data-say>Picture</th><th scope="col" data-say>Answer</th><th
        scope="col" class="places" data-say>Places</th></tr></thead><tbody></tbody></table></div>
    </div>
  </div>
</div>
"""


def batch_view(elem_id: str) -> gr.HTML:
    """Build the component. Its value is what `seen` and `told` return.

    Events: `pause`, `play` (go on) and `stop`, `select` (data: `name` of a picture) and `download`
    (data: `form`, one of `FILES`).
    """
    return gr.HTML(
        as_value({}),
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def seen(batch: Batch) -> str:
    """Value of the component: a batch as it is now."""
    standing, job = batch.standing, batch.job
    name, thumbnail = batch.begun or ("", "")
    return as_value(
        {
            "code": batch.code,
            "title": batch.source.title,
            "task": ABILITIES.get(job.task, job.task.replace("_", " ").capitalize()),
            "words": job.words,
            "model": job.model,
            "state": standing.state,
            "done": standing.done,
            "failed": standing.failed,
            "total": standing.total,
            "again": any(mark.again for mark in batch.journal.marks.values()),
            "leftOut": batch.source.left_out,
            "perS": standing.per_s,
            "leftS": standing.left_s,
            "problem": standing.error,
            "newest": {"name": name, "url": thumbnail},
            "rows": [_row(result) for result in batch.journal.newest(ROWS)],
            "failures": [_row(result) for result in batch.journal.newest(ROWS, failed=True)],
        }
    )


def told(problem: str) -> str:
    """Value of the component where there is no batch to see, and why."""
    return as_value({"problem": problem})


def offered(file: Path) -> str:
    """Value of the component that lets the browser save a file, and leaves the rest as it is."""
    return as_value({"file": {"url": file_url(file), "name": file.name, "id": time.monotonic_ns()}})


def _row(result: Result) -> dict[str, Any]:
    text = " ".join(result.text.split())
    short = text if len(text) <= SHORTENED else f"{text[: SHORTENED - 1]}…"
    return {
        "name": result.name,
        "text": short,
        "places": 0 if result.error else result.places,
        "error": result.error,
    }
