"""Several answers to one request, side by side."""

from __future__ import annotations

import html
import queue
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.components import Component

from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.ui.components.answer.text import places_found
from vlm_demo.ui.components.answer.view import NOTHING, Tone, answer
from vlm_demo.ui.components.canvas.canvas import located, region_view, shown
from vlm_demo.ui.components.model_choice import ABILITIES, facts_line
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.html_values import Said, Words, as_html
from vlm_demo.ui.streaming import HEARTBEAT_S, PACE_S, in_thread
from vlm_demo.values import Mention, Message, Region, Reply, ReplyState, Task

TASKS = {
    ABILITIES[task]: task
    for task in (Task.CHAT, Task.CAPTION, Task.GROUNDED_CAPTION, Task.VQA, Task.GROUNDING)
}
"""What several models can be asked here."""

WITH_PLACES = (Task.GROUNDING, Task.GROUNDED_CAPTION, Task.DETECT)
"""Tasks whose answers should hold places."""

WORDLESS = (Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION, Task.DESCRIBE_REGION)
"""Tasks that are asked without words."""

HINTS = {
    Task.CHAT: ("Message", "Ask about the picture, or about anything"),
    Task.VQA: ("Question", "What colour is the circle?"),
    Task.GROUNDING: ("What to find", "red circle"),
}
"""What the words of each task are called, and an example of them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Side(Generic[T]):
    """How far one of several answers has come."""

    newest: T | None = None
    seconds: float = 0.0  # since all were asked, when this was new
    done: bool = False
    error: Exception | None = None


def side_by_side(
    sources: Sequence[Callable[[], Generator[T | None, None, None]]],
) -> Generator[tuple[Side[T], ...], None, None]:
    """Read several answers at once, each at its own pace; one that fails leaves the others alone.

    The first yield comes at once and others from time to time, whether anything is new or not.
    The sources yield None while they have nothing new. Closing the iterator closes them.
    """
    arrived: queue.SimpleQueue[tuple[int, Side[T]]] = queue.SimpleQueue()
    stopped = Event()
    began = time.monotonic()

    def read(index: int) -> None:
        side: Side[T] = Side()
        try:
            with closing(sources[index]()) as items:
                for item in items:
                    if stopped.is_set():
                        return
                    if item is not None:
                        side = Side(item, time.monotonic() - began)
                        arrived.put((index, side))
        except Exception as error:  # the border of a thread: shown where it is read
            side = replace(side, error=error)
        finally:
            arrived.put((index, replace(side, done=True)))

    sides: list[Side[T]] = [Side() for _ in sources]
    try:
        yield tuple(sides)
        for index in range(len(sources)):
            in_thread(partial(read, index), f"answer {index} of {len(sources)}")
        while not all(side.done for side in sides):
            try:
                index, sides[index] = arrived.get(timeout=HEARTBEAT_S)
                while True:
                    index, sides[index] = arrived.get_nowait()
            except queue.Empty:
                yield tuple(sides)
            time.sleep(PACE_S)
    finally:
        stopped.set()


@dataclass(frozen=True, slots=True)
class Pane:
    """The components that show one of several answers."""

    column: gr.Column
    heading: gr.HTML
    board: gr.HTML
    answer: gr.HTML
    foot: gr.HTML  # what is to be said below the answer

    @property
    def components(self) -> list[Any]:
        """All of them, as outputs of an event."""
        return [self.column, self.heading, self.board, self.answer, self.foot]

    def cleared(self, heading: str, picture: Picture | None, *, placed: bool) -> dict[Any, Any]:
        """Return how it looks before the answer: `placed` says whether the picture is shown."""
        return {
            self.column: gr.Column(visible=True),
            self.heading: heading,
            self.board: shown(picture if placed else None),
            self.answer: NOTHING,
            self.foot: "",
        }

    def drawn(
        self, picture: Picture | None, reply: Reply, *, placed: bool, regions: Sequence[Region] = ()
    ) -> dict[Component, Any]:
        """Return the board with the places of an answer, or the region that it is about."""
        if picture is None or not placed:
            return {}
        if regions and not has_places(reply):
            name = " ".join(f"[{number}]" for number, _ in enumerate(regions, start=1))
            reply = replace(reply, mentions=(Mention(name, (0, 0), tuple(regions)),))
        return {self.board: located(picture, reply)}


def build_pane(elem_id: str, group: str, *, visible: bool = False) -> Pane:
    """Lay out a place for one of several answers; all boards of the `group` zoom together."""
    with gr.Column(visible=visible, min_width=300, elem_id=elem_id, elem_classes="pane") as column:
        return Pane(
            column,
            gr.HTML(elem_classes="pane-heading", apply_default_css=False),
            region_view(f"{elem_id}-board", group=group),
            answer(f"{elem_id}-answer", board=f"{elem_id}-board"),
            gr.HTML(elem_classes="pane-foot", apply_default_css=False),
        )


def named(spec: ModelSpec) -> str:
    """HTML that says which model it is, how large, on what terms, and where it runs."""
    return f"<b>{html.escape(spec.name)}</b><span>{facts_line(spec)}</span>"


def has_places(reply: Reply) -> bool:
    """Whether something of an answer is drawn on the picture."""
    return any(mention.regions for mention in reply.mentions)


def outcome(task: Task, reply: Reply) -> tuple[str, Tone]:
    """Say what became of the places in a complete answer, where it should hold some."""
    if task not in WITH_PLACES:
        return "", ""
    if reply.state is ReplyState.UNREADABLE:
        return "The answer holds places that cannot be read.", "unreadable"
    return places_found(reply)


def amount(text: str) -> str:
    """HTML that says how long a text is."""
    words = len(text.split())
    return as_html(Said("1 word") if words == 1 else Said("{count} words", {"count": words}))


def request_card(
    task: Task,
    words: str,
    pictures: Sequence[Picture],
    *,
    earlier: Sequence[Message] = (),
    notes: Sequence[Words] = (),
) -> str:
    """HTML of what several models are asked: the pictures, the words, and what went before."""
    images = "".join(
        f'<img src="{html.escape(picture.url)}" alt="{html.escape(picture.name)}">'
        for picture in pictures
    )
    turns = sum(message.role == "user" for message in earlier)
    before = "".join(
        f"<li>{_ROLES[message.role]} {html.escape(message.text)}</li>" for message in earlier
    )
    count = (
        Said("After one earlier turn")
        if turns == 1
        else Said("After {count} earlier turns", {"count": turns})
    )
    fold = (
        f"<details><summary>{as_html(count)}</summary><ol>{before}</ol></details>" if turns else ""
    )
    name = ABILITIES.get(task, task.replace("_", " ").capitalize())
    small = f"<small>{' · '.join(map(as_html, notes))}</small>" if notes else ""
    return (
        f'<div class="request-card"><div class="thumbs">{images}</div><div class="asked">'
        f'<span class="task" data-say>{html.escape(name)}</span><p>{html.escape(words.strip())}</p>'
        f"{fold}{small}</div></div>"
    )


_ROLES = {
    "user": "<b data-say>You</b>",
    "assistant": "<b data-say>Model</b>",
    "system": "<b data-say>System</b>",
}
