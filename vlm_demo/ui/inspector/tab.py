"""Inspector: why a place is where it is, and what a model was really given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.i18n import I18nData
from PIL import Image

from vlm_demo.analysis.inspection import asked_with, depends_on_seen, diagnose, other_readings
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import all_families, get_family
from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.prompting.family import Family
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.view import NOTHING, answer, written
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.picture_input.input import (
    PictureInput,
    build_picture_input,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture, keep
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.i18n import say
from vlm_demo.ui.inspector.diagnosis_html import findings, pictures_seen, prompt_facts, told, warned
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.values import Frame, Prompt, Size

STAND_IN_SIZE = (640, 480)
"""Of the picture that an output is taken to be about where none is given."""

LARGEST_SIDE = 100_000
LONGEST_OUTPUT = 20_000  # characters
SHEET_COLOUR = "#e2e8f0"

HINT = Said("Paste what a model wrote, or take an answer from “The prompt behind an answer”.")
SEEN_HINT = Said(
    "These numbers count pixels of the picture as it was resized for the model. "
    "If that was another size, please fill it in."
)
WRITING_AGAIN = Said("Writing the prompt again…")
NO_ANSWER = Said("Nothing has been answered on this page yet. Ask something on another tab first.")

_TOKEN = re.compile(r"<[A-Z_]{2,40}>")
"""Task tokens such as Florence-2's, as they stand in a family's instructions."""


@dataclass(frozen=True, slots=True)
class Known:
    """An output that was taken over from the page: its prompt is known while it is unchanged."""

    raw: str
    family: str
    prompt: Prompt  # without pictures

    @classmethod
    def of(cls, raw: str, family: str, prompt: Prompt) -> Known:
        """Leave the pictures out: pixels would stay in memory."""
        messages = tuple(replace(message, images=()) for message in prompt.messages)
        return cls(raw, family, replace(prompt, messages=messages))


@dataclass(frozen=True, slots=True)
class OutputForm:
    """The components that say what is to be read."""

    own: PictureInput
    raw: gr.Textbox
    family: gr.Dropdown
    space: gr.Dropdown
    token: gr.Dropdown
    width: gr.Number
    height: gr.Number
    seen_width: gr.Number
    seen_height: gr.Number
    known: gr.State  # Known | None

    @property
    def inputs(self) -> list[Any]:
        """The components, in the order in which `Output.of` takes their values."""
        return [
            *(self.own.picture, self.raw, self.family, self.space, self.token),
            *(self.width, self.height, self.seen_width, self.seen_height, self.known),
        ]

    @property
    def sizes(self) -> dict[Component, Any]:
        """Sizes as they are before anybody writes others."""
        width, height = STAND_IN_SIZE
        return {
            self.width: width,
            self.height: height,
            self.seen_width: None,
            self.seen_height: None,
        }


@dataclass(frozen=True, slots=True)
class Output:
    """What is to be read: the values of the form."""

    picture: Picture | None
    raw: str
    family: Family
    frame: Frame
    prompt: Prompt

    @classmethod
    def of(
        cls,
        picture: Picture | None,
        raw: str,
        family: str,
        space: str,
        token: str | None,
        width: float | None,
        height: float | None,
        seen_width: float | None,
        seen_height: float | None,
        known: Known | None,
    ) -> Output:
        """Check the values; a browser can send anything.

        Raises:
            InputError: a size cannot be one, or the output is too long.
            UnknownModelError: there is no such family.
        """
        if len(raw) > LONGEST_OUTPUT:
            raise InputError(f"This is too long: at most {LONGEST_OUTPUT:,} characters are read.")
        original = picture.size if picture else _size(width, height)
        seen = original if None in (seen_width, seen_height) else _size(seen_width, seen_height)
        frame = Frame(original, seen, space if space in SPACES else "")
        is_known = known is not None and (known.raw, known.family) == (raw, family)
        prompt = known.prompt if known and is_known else asked_with(token or "")
        if prompt.crop and prompt.frame:  # its numbers count the part that the model saw
            frame = replace(prompt.frame, seen=seen, space=frame.space)
        return cls(picture, raw, get_family(family), frame, prompt)


def build_inspector_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it."""
    with gr.Tabs(elem_id="inspector", overflow_behavior="wrap") as halves:
        with gr.Tab(say("Read an output"), id="output"):
            form = _build_form(tab, around)
        with gr.Tab(say("The prompt behind an answer"), id="prompt") as prompt_half:
            chosen, take_over = _build_prompts(tab, prompt_half, around)

    def take(name: str | None, *asked: Asked | None) -> dict[Any, Any]:
        last = dict(zip(around.asked, asked, strict=True)).get(name or "")
        if last is None:
            return {halves: gr.skip()}
        with errors_shown():
            family = get_family(around.backend.spec(last.model).family)
            prompt = around.backend.inspect(last.model, last.reopened()).prompt
            seen = prompt.frame.seen if prompt.frame else (None, None)
            return {
                **form.sizes,
                **_offered(form, family),
                form.own.picture: last.picture,
                form.own.board: shown(last.picture),
                form.raw: last.raw,
                form.family: family.name,
                form.known: Known.of(last.raw, family.name, prompt),
                form.seen_width: seen[0],
                form.seen_height: seen[1],
                halves: gr.Tabs(selected="output"),
            }
        return {halves: gr.skip()}

    take_over.click(
        take,
        [chosen, *around.asked.values()],
        [halves, form.own.board, *form.inputs],
        **ANSWERS,
    )


# Any output


def _build_form(tab: gr.Tab, around: PageContext) -> OutputForm:
    first = get_family(around.backend.menu[0].family)
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
                    label=say("What its numbers count"),
                    info=_own_space(first),
                    elem_id="inspector-space",
                )
                token = gr.Dropdown(
                    [],
                    label=say("Task that was asked for"),
                    visible=False,
                    elem_id="inspector-token",
                )
            with gr.Row(elem_classes="sizes"):
                side = partial(gr.Number, precision=0, minimum=1, maximum=LARGEST_SIDE)
                width = side(STAND_IN_SIZE[0], label=say("Picture width"), min_width=90)
                height = side(STAND_IN_SIZE[1], label=say("Picture height"), min_width=90)
                seen = partial(side, None, visible=False, min_width=90)
                seen_width = seen(label=say("Width for the model"))
                seen_height = seen(label=say("Height for the model"))
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("inspector-picture", around)
    result = answer("inspector-answer", board="inspector-picture")
    details = gr.HTML(told(HINT), elem_id="inspector-findings", apply_default_css=False)
    known = gr.State(None)
    form = OutputForm(own, raw, family, space, token, width, height, seen_width, seen_height, known)

    def look(*values: Any) -> dict[Any, Any]:
        try:
            output = Output.of(*values)
        except InputError as error:
            return {result: NOTHING, details: warned(str(error))}
        return {**_read(output, own, result, details), **_asked_for(output, form)}

    gr.on(
        [component.change for component in form.inputs],
        look,
        form.inputs,
        [result, details, own.board, width, height, seen_width, seen_height],
        trigger_mode="always_last",
        **QUICK,
    )
    family.input(
        lambda name: _offered(form, get_family(name)), family, [space, token, known], **QUICK
    )
    wire_picture_input(tab, around, own, {}, cancels=[])
    return form


def _read(output: Output, own: PictureInput, result: gr.HTML, details: gr.HTML) -> dict[Any, Any]:
    if not output.raw.strip():
        return {result: NOTHING, details: told(HINT), own.board: shown(output.picture)}
    asked = (output.raw, output.family, output.frame, output.prompt)
    examination = diagnose(*asked)
    reply = examination.reply
    picture = output.picture or _sheet(output.frame.original)
    frame, space = output.frame, examination.space
    hint = told(SEEN_HINT) if space and _lacks_seen(space, frame) else ""
    return {
        result: written(reply, busy=False),
        details: hint + findings(examination, other_readings(*asked)),
        own.board: shown(picture, reply.mentions),
    }


def _lacks_seen(space: CoordinateSpace, frame: Frame) -> bool:
    return depends_on_seen(space) and frame.seen == frame.original


def _asked_for(output: Output, form: OutputForm) -> Mapping[Component, Any]:
    """Show the sizes that are needed and not known."""
    markup = output.family.markup
    resized = markup is not None and depends_on_seen(markup.space_in(output.frame))
    needed = {
        form.width: output.picture is None,
        form.height: output.picture is None,
        form.seen_width: resized,
        form.seen_height: resized,
    }
    return {component: gr.Number(visible=visible) for component, visible in needed.items()}


def _offered(form: OutputForm, family: Family) -> dict[Component, Any]:
    """The choices that a family leaves open."""
    wordings = " ".join(family.instructions.values())
    tokens = sorted(set(_TOKEN.findall(wordings)))
    return {
        form.space: gr.Dropdown(
            _space_choices(family),
            value="",
            info=_own_space(family),
            interactive=family.markup is not None,
        ),
        form.token: gr.Dropdown(tokens, value=tokens[0] if tokens else None, visible=bool(tokens)),
        form.known: None,
    }


def _family_choices() -> list[tuple[str, str]]:
    families = sorted(all_families().values(), key=lambda family: family.title.casefold())
    return [(family.title, family.name) for family in families]


def _space_choices(family: Family) -> list[tuple[str | I18nData, str | int | float]]:
    if family.markup is None:
        return [(say("This family writes no places"), "")]
    return [(say("Its own"), ""), *((say(s.title), n) for n, s in SPACES.items())]


def _own_space(family: Family) -> I18nData | None:
    """What is said below the choice: what its own space is."""
    return say(family.markup.space.title) if family.markup else None


def _size(width: float | None, height: float | None) -> Size:
    """Read two sides in pixels.

    Raises:
        InputError: they are none.
    """
    if not (width and height and 1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise InputError("Please give the picture, or its width and height in pixels.")
    return int(width), int(height)


def _sheet(size: Size) -> Picture:
    """A blank sheet in place of a picture that is not there."""
    factor = min(1.0, 640 / max(size))
    small = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    path = keep(Image.new("RGB", small, SHEET_COLOUR), "sheet")
    name = f"A blank sheet of {size[0]} by {size[1]} pixels, as no picture was given"
    return Picture(path, path, size, name)


# The prompt behind an answer


def _build_prompts(tab: gr.Tab, half: gr.Tab, around: PageContext) -> tuple[gr.Radio, gr.Button]:
    """Lay out what the newest answers came from; return the choice of one, and the button."""
    nothing = gr.HTML(told(NO_ANSWER), elem_id="inspector-nothing", apply_default_css=False)
    with gr.Column(visible=False) as page:
        chosen = gr.Radio([], label=say("Answer, the newest first"), elem_id="inspector-which")
        with gr.Row(elem_classes="inspector-line"):
            facts = gr.HTML(elem_id="inspector-facts", apply_default_css=False)
            take_over = gr.Button(
                say("Inspect this answer"),
                size="sm",
                scale=0,
                min_width=180,
                elem_id="inspector-take",
            )
        with gr.Row(equal_height=False):
            with gr.Column(scale=7, min_width=300):
                tokens = gr.Code(
                    label=say("The prompt, token by token"),
                    language=None,
                    wrap_lines=True,
                    lines=3,
                    show_line_numbers=False,
                    interactive=False,
                    elem_id="inspector-prompt",
                )
                with gr.Accordion(say("Before the processor"), open=False):
                    rendered = gr.Code(
                        label=say("As the template writes it"),
                        language=None,
                        wrap_lines=True,
                        lines=3,
                        show_line_numbers=False,
                        interactive=False,
                        elem_id="inspector-rendered",
                    )
            with gr.Column(scale=4, min_width=280):
                tiles = gr.HTML(elem_id="inspector-tiles", apply_default_css=False)

    def offer(*asked: Asked | None) -> dict[Any, Any]:
        choices = _answers(dict(zip(around.asked, asked, strict=True)))
        names = [name for _, name in choices]
        return {
            nothing: gr.HTML(visible=not choices),
            page: gr.Column(visible=bool(choices)),
            chosen: gr.Radio(choices, value=names[0] if names else None),
        }

    def reveal(name: str | None, *asked: Asked | None) -> Iterator[Any]:
        yield gr.skip()
        last = dict(zip(around.asked, asked, strict=True)).get(name or "")
        if last is None:
            return
        with errors_shown():
            yield {facts: told(WRITING_AGAIN), tokens: "", rendered: "", tiles: ""}
            yield _revealed(around.backend, last, facts, tokens, rendered, tiles)

    states = list(around.asked.values())
    shown_here = [facts, tokens, rendered, tiles]
    for opened in (tab.select, half.select):
        opened(offer, states, [nothing, page, chosen], **QUICK).then(
            reveal, [chosen, *states], shown_here, **ANSWERS
        )
    chosen.input(reveal, [chosen, *states], shown_here, **ANSWERS)
    return chosen, take_over


def _answers(asked: Mapping[str, Asked | None]) -> list[tuple[str, str]]:
    """The answers that are there, newest first: what the page calls each, and its tab."""
    there = [(last.when, name, last) for name, last in asked.items() if last]
    newest_first = sorted(there, key=lambda entry: entry[0], reverse=True)
    return [(f"{say(name)}: {last.title}", name) for _, name, last in newest_first]


def _revealed(
    backend: Backend,
    last: Asked,
    facts: gr.HTML,
    tokens: gr.Code,
    rendered: gr.Code,
    tiles: gr.HTML,
) -> dict[Any, Any]:
    inspection = backend.inspect(last.model, last.reopened())
    files = [keep(picture) for picture in inspection.pictures]
    return {
        facts: prompt_facts(inspection),
        tokens: inspection.token_text,
        rendered: inspection.text,
        tiles: pictures_seen(files, inspection),
    }
