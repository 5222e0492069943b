"""Batch: a ZIP or many pictures through one task, with what is done as a table and as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from vlm_demo.batch.job import Job, read_region
from vlm_demo.batch.manager import Batch, BatchManager
from vlm_demo.batch.results import write_annotated_zip, write_coco, write_csv, write_jsonl
from vlm_demo.batch.sources import suffixes
from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.rendering.export.labels import stem
from vlm_demo.ui.batch.view import FILES, batch_view, offered, seen, told
from vlm_demo.ui.components.answer.view import NOTHING, answer, failed, written
from vlm_demo.ui.components.canvas.canvas import located, megabytes, region_view, shown
from vlm_demo.ui.components.model_choice import build_notice
from vlm_demo.ui.components.picture_input.pictures import take
from vlm_demo.ui.components.settings.panel import Choice
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.ui.visitors import voter_of
from vlm_demo.values import Task

TASKS = {
    "Caption": Task.CAPTION,
    "Detailed caption": Task.DETAILED_CAPTION,
    "Caption with places": Task.GROUNDED_CAPTION,
    "Ask": Task.VQA,
    "Locate": Task.GROUNDING,
    "Describe a region": Task.DESCRIBE_REGION,
}

WORDS = {
    Task.VQA: ("Question", "What colour is the circle?"),
    Task.GROUNDING: ("What to find", "red circle"),
    Task.DESCRIBE_REGION: ("Region, as fractions of each picture", "0, 0, 0.5, 1: its left half"),
}
"""What the words of a task are called, and an example; captions may be given their beginning."""

BEGINNING = ("Beginning", "There is a")

LOOK_S = 1.0
"""Time between two looks at a batch that runs."""


def build_batch_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it."""
    backend, settings, controls = around.backend, around.settings, around.controls
    # Beside the uploads and on the same disk, but not among the files that Gradio cleans.
    desk = BatchManager(backend, settings, Path(get_upload_folder()) / "batches")
    code = gr.State("")  # of the batch that is shown
    opened = gr.State(None)  # Picture | None: the one that is looked at
    timer = gr.Timer(LOOK_S, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            files = gr.File(
                label=say("Pictures, or a ZIP of pictures"),
                file_count="multiple",
                file_types=[*sorted(suffixes()), ".zip"],
                height=150,
                elem_id="batch-files",
            )
            gr.HTML(
                f'<p class="hint" data-pictures="{settings.batch_pictures}"'
                f' data-each="{megabytes(settings.max_upload_bytes)}"'
                f' data-all="{megabytes(settings.batch_bytes)}"></p>',
                js_on_load=_LIMITS,
                elem_id="batch-limits",
                apply_default_css=False,
            )
            kind = gr.Radio(
                [(say(name), name) for name in TASKS],
                value="Locate",
                label=say("Task"),
                elem_id="batch-task",
            )
            label, hint = WORDS[Task.GROUNDING]
            words = gr.Textbox(
                label=say(label), placeholder=say(hint), max_lines=3, elem_id="batch-words"
            )
            begin = gr.Button(say("Run the batch"), variant="primary", elem_id="batch-begin")
            build_notice(
                backend,
                controls.model,
                [Task.GROUNDING],
                [begin],
                style=kind,
                styles=TASKS,
            )
            with gr.Accordion(say("Take up an earlier batch"), open=False, elem_id="batch-earlier"):
                earlier = gr.Textbox(
                    label=say("Its code"),
                    info=say("It stands beside every batch, and works in your browser only"),
                    max_lines=1,
                    elem_id="batch-code",
                )
                show = gr.Button(say("Show it"), size="sm", elem_id="batch-show")
        with gr.Column(scale=7, min_width=300):
            view = batch_view("batch-view")
            with gr.Column(elem_id="batch-one"):
                board = region_view("batch-board", group="batch")
                result = answer("batch-answer", board="batch-board")

    def looked_at(batch: Batch) -> dict[Any, Any]:
        """Show a batch, and look again soon while it runs."""
        busy = batch.busy
        return {view: seen(batch), timer: gr.Timer(active=busy), code: batch.code}

    def run(
        uploads: Sequence[str] | None, name: str, text: str, request: gr.Request, *chosen: Any
    ) -> dict[Any, Any]:
        with errors_shown():
            if name not in TASKS:
                raise InputError("Please choose a task.")
            task, choice = TASKS[name], Choice.of(backend, *chosen)
            region = read_region(text) if task is Task.DESCRIBE_REGION else None
            asked = "" if task is Task.DESCRIBE_REGION else text
            job = Job(task, asked, choice.model, choice.sampling, region)
            batch = desk.begin(voter_of(request), job, [Path(path) for path in uploads or ()])
            return {**looked_at(batch), files: None, **put_away}
        return {view: gr.skip()}

    def look(current: str, request: gr.Request) -> dict[Any, Any]:
        """Look again; what goes wrong is said in the view, for nothing else would show it."""
        if not current:
            return {timer: gr.Timer(active=False)}
        try:
            return looked_at(desk.batch(voter_of(request), current))
        except VlmDemoError as error:
            return {view: told(str(error)), timer: gr.Timer(active=False)}

    def come(current: str, request: gr.Request) -> dict[Any, Any]:
        """Show what the visitor began last, where nothing is shown yet."""
        if current:
            return look(current, request)
        try:
            batch = desk.newest(voter_of(request))
        except VlmDemoError as error:
            return {view: told(str(error))}
        return looked_at(batch) if batch else {view: gr.skip()}

    def take_up(wanted: str, request: gr.Request) -> dict[Any, Any]:
        with errors_shown():
            return {**looked_at(desk.batch(voter_of(request), wanted)), **put_away}
        return {view: gr.skip()}

    def go_on(current: str, request: gr.Request) -> dict[Any, Any]:
        with errors_shown():
            return looked_at(desk.go_on(voter_of(request), current))
        return {view: gr.skip()}

    def ending(end: Callable[[Batch], None]) -> Callable[..., dict[Any, Any]]:
        def do(current: str, request: gr.Request) -> dict[Any, Any]:
            with errors_shown():
                batch = desk.batch(voter_of(request), current)
                end(batch)
                return looked_at(batch)
            return {view: gr.skip()}

        return do

    def open_one(event: gr.EventData, current: str, request: gr.Request) -> dict[Any, Any]:
        with errors_shown():
            name = str(_sent(event).get("name"))
            batch = desk.batch(voter_of(request), current)
            found = batch.journal.result(name)
            try:
                picture = take(batch.extract(name), settings, name)
            except VlmDemoError as error:
                why = found.error if found and found.error else str(error)
                return {opened: None, board: shown(None), result: failed(why, [])}
            if found is None or found.error:
                why = found.error if found else ""
                return {opened: picture, board: shown(picture), result: failed(why, [])}
            return {
                opened: picture,
                board: located(picture, found.reply),
                result: written(found.reply, busy=False, note=name),
            }
        return {board: gr.skip()}

    def save(event: gr.EventData, current: str, request: gr.Request) -> dict[Any, Any]:
        with errors_shown():
            form = _sent(event).get("form")
            if form not in FILES:
                raise InputError("There is no such format.")
            return {view: offered(_written(desk.batch(voter_of(request), current), str(form)))}
        return {view: gr.skip()}

    put_away: dict[Any, Any] = {opened: None, board: shown(None), result: NOTHING}
    shown_here = [view, timer, code]
    # In the queue, since only there a message about an error reaches the page.
    begin.click(
        run,
        [files, kind, words, *controls.inputs],
        [*shown_here, files, *put_away],
        trigger_mode="once",
        **QUEUED,
    )
    for wanted in (earlier.submit, show.click):
        wanted(take_up, earlier, [*shown_here, *put_away], **QUEUED)
    view.play(go_on, code, shown_here, **QUEUED)
    view.pause(ending(Batch.pause), code, shown_here, **QUEUED)
    view.stop(ending(Batch.stop), code, shown_here, **QUEUED)
    view.select(open_one, code, [opened, board, result], trigger_mode="multiple", **QUEUED)
    view.download(save, code, view, **QUEUED)
    timer.tick(look, code, shown_here, **QUICK)
    tab.select(come, code, shown_here, **QUICK)
    kind.change(_words_of, kind, words, **QUICK)


_LIMITS = """
const { pictures, each, all } = element.querySelector('p').dataset;
element.querySelector('p').textContent = say(
  'Up to {pictures} pictures of {each} each; a ZIP of up to {all}.', { pictures, each, all });
"""


def _words_of(name: str) -> gr.Textbox:
    """Return the field for words as a task wants it."""
    label, hint = WORDS.get(TASKS.get(name, Task.CAPTION), BEGINNING)
    return gr.Textbox(label=say(label), placeholder=say(hint))


def _sent(event: gr.EventData) -> dict[str, Any]:
    """What came with an event; anybody can send anything."""
    return event._data if isinstance(event._data, dict) else {}


def _written(batch: Batch, form: str) -> Path:
    """Write the results where the page may serve them from.

    Raises:
        FileError, JournalError: a file cannot be written or read.
        InputError: there is nothing to write.
    """
    folder = Path(mkdtemp(dir=get_upload_folder()))
    name = stem(Path(batch.source.title).stem)
    match form:
        case "csv":
            path = folder / f"{name}.csv"
            write_csv(batch.journal, path)
        case "jsonl":
            path = folder / f"{name}.jsonl"
            write_jsonl(batch.journal, path)
        case "coco":
            path = folder / f"{name}-coco.json"
            write_coco(batch.journal, batch.source, path)
        case _:
            path = folder / f"{name}-annotated.zip"
            if not write_annotated_zip(batch.journal, batch.source, path):
                raise InputError("No answer of this batch names a place: there is nothing to draw.")
    return path
