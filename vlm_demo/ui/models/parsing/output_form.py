"""The form of the reader: any output of a model, read and drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.i18n import I18nData
from PIL import Image

from vlm_demo.analysis.diagnosis import (
    counts_model_pixels,
    diagnose,
    find_alternative_readings,
)
from vlm_demo.errors import InputError
from vlm_demo.families import all_families, get_family
from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER, answer_value, build_answer
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.image_input import (
    ImageInput,
    build_image_input,
    wire_image_input,
)
from vlm_demo.ui.components.uploaded_images import UploadedImage, store_image
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.models.parsing.diagnosis_html import (
    diagnosis_html,
    hint_html,
    warning_html,
)
from vlm_demo.ui.models.parsing.output import MAX_SIDE, STAND_IN_SIZE, InspectedOutput
from vlm_demo.values import Frame, Size

SHEET_COLOUR = "#e2e8f0"
SHEET_SIDE = 640
"""Longer side, in pixels, of the blank sheet that stands in for a picture."""

HINT = TranslatableText(
    "Paste what a model wrote: its coordinates are read and drawn on the image."
)
MODEL_SIZE_HINT = TranslatableText(
    "These numbers are pixels of the image as it was resized for the model. If its size was "
    "different, enter it."
)

_TASK_TOKEN = re.compile(r"<[A-Z_]{2,40}>")
"""Matches a task token such as Florence-2's in a family's instructions."""


@dataclass(frozen=True, slots=True)
class OutputForm:
    """The components that say what is to be read."""

    image: ImageInput
    raw: gr.Textbox
    family: gr.Dropdown
    space: gr.Dropdown
    token: gr.Dropdown
    width: gr.Number
    height: gr.Number
    model_width: gr.Number
    model_height: gr.Number
    known_prompt: gr.State  # KnownPrompt | None

    @property
    def inputs(self) -> list[Any]:
        """The components, in the order in which `InspectedOutput.read` takes their values."""
        return [
            *(self.image.image, self.raw, self.family, self.space, self.token),
            *(self.width, self.height, self.model_width, self.model_height, self.known_prompt),
        ]

    @property
    def default_sizes(self) -> dict[Component, Any]:
        """The sizes as they are before anybody enters others."""
        width, height = STAND_IN_SIZE
        return {
            self.width: width,
            self.height: height,
            self.model_width: None,
            self.model_height: None,
        }

    def show_missing_sizes(self, output: InspectedOutput) -> Mapping[Component, Any]:
        """Show the sizes that are needed and not known."""
        markup = output.family.markup
        resized = markup is not None and counts_model_pixels(markup.space_for(output.frame))
        needed = {
            self.width: output.image is None,
            self.height: output.image is None,
            self.model_width: resized,
            self.model_height: resized,
        }
        return {component: gr.Number(visible=visible) for component, visible in needed.items()}

    def show_family(self, family: Family) -> dict[Component, Any]:
        """Show the choices that a family leaves open."""
        instructions = " ".join(family.instructions.values())
        tokens = sorted(set(_TASK_TOKEN.findall(instructions)))
        token = tokens[0] if tokens else None
        return {
            self.space: gr.Dropdown(
                _space_choices(family),
                value="",
                info=_own_space_title(family),
                interactive=family.markup is not None,
            ),
            self.token: gr.Dropdown(tokens, value=token, visible=bool(tokens)),
            self.known_prompt: None,
        }


def build_output_form(opening: Opening, page: PageContext) -> OutputForm:
    """Lay out the form and what it shows, and wire them."""
    families = [get_family(spec.family) for spec in page.backend.menu if spec.answers]
    first = next((one for one in families if one.markup is not None), families[0])
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            raw = gr.Textbox(
                label=say("Raw output of a model"),
                placeholder="A red circle [0.10, 0.20, 0.40, 0.60]",
                lines=4,
                max_lines=14,
                elem_id="inspector-raw",
            )
            with gr.Column(min_width=200):
                family = gr.Dropdown(
                    _family_choices(),
                    value=first.name,
                    label=say("Family"),
                    elem_id="inspector-family",
                )
                space = gr.Dropdown(
                    _space_choices(first),
                    value="",
                    label=say("Coordinate space"),
                    info=_own_space_title(first),
                    elem_id="inspector-space",
                )
                token = gr.Dropdown(
                    [],
                    label=say("Requested task"),
                    visible=False,
                    elem_id="inspector-token",
                )
            with gr.Row(elem_classes="sizes"):
                side = partial(gr.Number, precision=0, minimum=1, maximum=MAX_SIDE)
                width = side(STAND_IN_SIZE[0], label=say("Image width"), min_width=90)
                height = side(STAND_IN_SIZE[1], label=say("Image height"), min_width=90)
                model_side = partial(side, None, visible=False, min_width=90)
                model_width = model_side(label=say("Width for the model"))
                model_height = model_side(label=say("Height for the model"))
        with gr.Column(scale=6, min_width=300):
            image = build_image_input("inspector-picture", page.newest_image, page.settings)
    result = build_answer("inspector-answer", canvas="inspector-picture")
    details = gr.HTML(hint_html(HINT), elem_id="inspector-findings", apply_default_css=False)
    known = gr.State(None)
    form = OutputForm(
        *(image, raw, family, space, token, width, height, model_width, model_height, known)
    )

    def update(*values: Any) -> dict[Any, Any]:
        try:
            output = InspectedOutput.read(*values)
        except InputError as error:
            return {result: EMPTY_ANSWER, details: warning_html(error.message)}
        return {**_show_output(output, image, result, details), **form.show_missing_sizes(output)}

    gr.on(
        [component.change for component in form.inputs],
        update,
        form.inputs,
        [result, details, image.canvas, width, height, model_width, model_height],
        trigger_mode="always_last",
        **QUICK,
    )
    family.input(
        lambda name: form.show_family(get_family(name)), family, [space, token, known], **QUICK
    )
    wire_image_input(opening, image, {}, cancels=[])
    return form


def _show_output(
    output: InspectedOutput, image: ImageInput, result: gr.HTML, details: gr.HTML
) -> dict[Any, Any]:
    if not output.raw.strip():
        return {
            result: EMPTY_ANSWER,
            details: hint_html(HINT),
            image.canvas: canvas_value(output.image),
        }
    arguments = (output.raw, output.family, output.frame, output.prompt)
    diagnosis = diagnose(*arguments)
    reply = diagnosis.reply
    sheet = output.image or _make_blank_sheet(output.frame.original)
    frame, space = output.frame, diagnosis.space
    hint = hint_html(MODEL_SIZE_HINT) if space and _misses_model_size(space, frame) else ""
    return {
        result: answer_value(reply, busy=False),
        details: hint + diagnosis_html(diagnosis, find_alternative_readings(*arguments)),
        image.canvas: canvas_value(sheet, reply.mentions),
    }


def _misses_model_size(space: CoordinateSpace, frame: Frame) -> bool:
    return counts_model_pixels(space) and frame.seen == frame.original


def _family_choices() -> list[tuple[str, str]]:
    families = sorted(all_families().values(), key=lambda family: family.title.casefold())
    return [(family.title, family.name) for family in families]


def _space_choices(family: Family) -> list[tuple[str | I18nData, str | int | float]]:
    if family.markup is None:
        return [(say("This family writes no coordinates"), "")]
    return [(say("Its own"), ""), *((say(s.title), n) for n, s in SPACES.items())]


def _own_space_title(family: Family) -> I18nData | None:
    """Return the title of a family's own space, which stands below the choice."""
    return say(family.markup.space.title) if family.markup else None


def _make_blank_sheet(size: Size) -> UploadedImage:
    """Make a blank sheet that stands in for a picture of this size."""
    factor = min(1.0, SHEET_SIDE / max(size))
    small = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    path = store_image(Image.new("RGB", small, SHEET_COLOUR), "sheet")
    name = f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"
    return UploadedImage(path, path, size, name)
