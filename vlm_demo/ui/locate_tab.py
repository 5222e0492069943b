"""Locate: name a thing and see where it is; mark a place and read what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from vlm_demo.confidence import above, placed
from vlm_demo.errors import InputError
from vlm_demo.export import export
from vlm_demo.types import Box, Reply, Request, Task
from vlm_demo.ui.answer import NOTHING, answer, waiting, written
from vlm_demo.ui.asked import Asked
from vlm_demo.ui.examples import Example
from vlm_demo.ui.generation import Choice
from vlm_demo.ui.model_choice import build_notice
from vlm_demo.ui.picture_input import (
    build_examples,
    build_picture_input,
    wanted,
    wire_examples,
    wire_picture_input,
)
from vlm_demo.ui.pictures import Picture, annotated
from vlm_demo.ui.presenting import places_found
from vlm_demo.ui.region_image import located, read_selection, shown
from vlm_demo.ui.streaming import answers, errors_shown
from vlm_demo.ui.tab import ANSWERS, QUICK, Surroundings, build_run_buttons
from vlm_demo.ui.values import percent


def build_locate_tab(tab: gr.Tab, around: Surroundings) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    newest = gr.State(None)  # Reply | None: the complete one that the downloads are made from
    marked = gr.State(None)  # Box | None
    asked_last = around.asked["Locate"]
    with gr.Row(elem_classes="search", equal_height=True):
        words = gr.Textbox(
            label="What to find",
            placeholder="What to find, like “red circle”",
            show_label=False,
            container=False,
            max_lines=2,
            scale=8,
            min_width=200,
            elem_id="locate-words",
        )
        buttons = build_run_buttons("Locate", "locate")
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            own = build_picture_input("locate-picture", around, selectable=True)
        with gr.Column(scale=4, min_width=280):
            build_notice(backend, controls.model, [Task.GROUNDING], [buttons.run])
            result = answer("locate-answer", board="locate-picture")
            least = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label="Least confidence",
                info="Hides places of which the model is less sure, here and in the downloads",
                visible=False,
                elem_id="locate-least",
            )
            with gr.Column(visible=False) as selecting:
                describing = build_run_buttons("Describe selection", "describe", "secondary")
            description = answer("locate-description")
            around.place_again("Locate")
            with gr.Accordion(
                "Raw output", open=False, visible=False, elem_id="locate-raw"
            ) as fold_out:
                raw = gr.Code(show_label=False, language=None, wrap_lines=True, lines=2)
            with gr.Row(visible=False) as downloads:
                drawn_file = gr.DownloadButton("Download picture", size="sm", elem_id="locate-png")
                data_file = gr.DownloadButton("Download data", size="sm", elem_id="locate-json")
            tries = build_examples(around.examples_for(Task.GROUNDING))

    def locate(
        picture: Picture | None, text: str, threshold: float, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            picture = wanted(picture)
            yield {
                **buttons.asking,
                result: waiting(),
                own.board: shown(picture),
                raw: "",
                fold_out: gr.Accordion(visible=True),
                newest: None,
                downloads: gr.Row(visible=False),
            }
            choice = Choice.of(backend, *settings)
            request = Request(Task.GROUNDING, text, (picture.open(),), sampling=choice.sampling)
            last: Reply | None = None
            for reply in answers(backend, choice.model, request):
                if reply is None:
                    yield {result: gr.skip()}
                    continue
                last = reply
                sure = above(reply, threshold)
                yield {
                    result: written(sure, busy=True),
                    own.board: located(picture, sure),
                    raw: reply.raw.strip(),
                    asked_last: Asked.now(choice.model, request, reply.raw, [picture]),
                }
            if last is not None:
                yield {newest: last, **settled_at(picture, last, threshold)}

    def settled_at(picture: Picture, reply: Reply, threshold: float) -> dict[Any, Any]:
        """Show a complete answer without the places of which the model was less sure."""
        sure = above(reply, threshold)
        note, tone = places_found(reply)
        unsure = _count(reply) - _count(sure)
        if unsure:
            note += f", {unsure} hidden: less sure than {percent(threshold)}"
        return {
            result: written(sure, busy=False, note=note, tone=tone),
            own.board: located(picture, sure),
            least: gr.Slider(visible=any(m.confidence is not None for m in reply.mentions)),
        }

    def hide(picture: Picture | None, reply: Reply | None, threshold: float) -> dict[Any, Any]:
        if picture is None or reply is None:
            return {result: gr.skip()}  # the answer that is being written follows by itself
        return settled_at(picture, reply, threshold)

    def prepare_downloads(
        picture: Picture | None, reply: Reply | None, threshold: float
    ) -> dict[Any, Any]:
        sure = above(reply, threshold) if reply else None
        if picture is None or sure is None or not _count(sure):
            return {downloads: gr.Row(visible=False)}
        with errors_shown():
            png, data = write_downloads(picture, sure)
            return {
                downloads: gr.Row(visible=True),
                drawn_file: str(png),
                data_file: str(data),
            }
        return {downloads: gr.Row(visible=False)}

    def mark(event: gr.EventData) -> dict[Any, Any]:
        sent = event._data if isinstance(event._data, dict) else {}
        region = read_selection(sent.get("box"))
        return {marked: region, selecting: gr.Column(visible=region is not None)}

    def describe(picture: Picture | None, region: Box | None, *settings: Any) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            picture = wanted(picture)
            if region is None:
                raise InputError("Please drag a box on the picture first.")
            yield {**describing.asking, description: waiting()}
            choice = Choice.of(backend, *settings)
            request = Request(
                Task.DESCRIBE_REGION,
                images=(picture.open(),),
                regions=(region,),
                sampling=choice.sampling,
            )
            last: Reply | None = None
            for reply in answers(backend, choice.model, request):
                if reply is None:
                    yield {description: gr.skip()}
                    continue
                last = reply
                yield {
                    description: written(reply, busy=True),
                    asked_last: Asked.now(choice.model, request, reply.raw, [picture]),
                }
            if last is not None:
                yield {description: written(last, busy=False, note="What the selection shows")}

    def filled(example: Example) -> Mapping[Component, Any]:
        return {words: example.words, **cleared}

    locating = gr.on(
        [buttons.run.click, words.submit],
        locate,
        [own.picture, words, least, *controls.inputs],
        [
            *(result, own.board, raw, fold_out, newest, buttons.run, buttons.stop, downloads),
            *(least, asked_last),
        ],
        **ANSWERS,
    )
    buttons.wire(locating, result)
    # The threshold may have been moved while the answer was written.
    for changed in (locating.success, least.change):
        changed(
            hide,
            [own.picture, newest, least],
            [result, own.board, least],
            trigger_mode="always_last",
            **QUICK,
        ).success(
            prepare_downloads,
            [own.picture, newest, least],
            [downloads, drawn_file, data_file],
            show_progress="hidden",
            api_visibility="private",
        )
    own.board.select(mark, None, [marked, selecting], **QUICK)
    telling = describing.run.click(
        describe,
        [own.picture, marked, *controls.inputs],
        [description, describing.run, describing.stop, asked_last],
        **ANSWERS,
    )
    describing.wire(telling, description)
    cleared: dict[Component, Any] = {
        result: NOTHING,
        description: NOTHING,
        raw: "",
        fold_out: gr.Accordion(visible=False, open=False),
        newest: None,
        asked_last: None,
        marked: None,
        selecting: gr.Column(visible=False),
        downloads: gr.Row(visible=False),
        least: gr.Slider(visible=False),
    }
    wire_picture_input(tab, around, own, cleared, cancels=[locating, telling])
    wire_examples(
        tries,
        around,
        own,
        filled,
        [words, *cleared],
        run=buttons.run,
        cancels=[locating, telling],
    )


def write_downloads(picture: Picture, reply: Reply) -> tuple[Path, Path]:
    """Write the picture with its places drawn in, and the places as data; return the files.

    Mentions without places are left out.
    """
    folder = Path(mkdtemp(dir=get_upload_folder()))
    name = Path(picture.name).stem or "picture"
    drawing, data = folder / f"{name}-located.png", folder / f"{name}-located.json"
    annotated(picture, reply.mentions).save(drawing)
    data.write_text(
        export(placed(reply), picture.size, "json", file_name=picture.name), encoding="utf-8"
    )
    return drawing, data


def _count(reply: Reply) -> int:
    return sum(len(mention.regions) for mention in reply.mentions)
