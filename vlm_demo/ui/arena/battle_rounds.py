"""A battle as the page knows it, and its earlier turns as the page shows them."""

from __future__ import annotations

import html
from dataclasses import dataclass

from vlm_demo.rendering.palette import colour_of
from vlm_demo.ui.arena.sides import has_places, request_card
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.values import Reply, Task, bounding_box


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of a battle: what both were asked, and what they answered."""

    words: str
    a: Reply
    b: Reply


@dataclass(frozen=True, slots=True)
class Fight:
    """A battle as the page knows it; who is in it, only the arena knows."""

    battle: str
    task: Task
    picture: Picture | None
    words: str  # of the newest turn
    rounds: tuple[Round, ...] = ()  # that both have answered
    told: bool = False  # the page has said what went wrong

    @property
    def pictures(self) -> list[Picture]:
        """Its picture, if it has one."""
        return [self.picture] if self.picture else []


def earlier_rounds(fight: Fight) -> str:
    """HTML of the turns before the newest, with their places drawn small."""
    return "".join(
        '<section class="round">'
        + request_card(fight.task, past.words, [] if index else fight.pictures)
        + f'<div class="two">{_past("A", past.a, fight.picture)}'
        + f"{_past('B', past.b, fight.picture)}</div></section>"
        for index, past in enumerate(fight.rounds)
    )


def _past(side: str, reply: Reply, picture: Picture | None) -> str:
    drawn = _small(picture, reply) if picture and has_places(reply) else ""
    return f"<div>{side_heading(side)}{drawn}<p>{html.escape(reply.text)}</p></div>"


def side_heading(side: str, tag: str = "em") -> str:
    """HTML: what a model is called while nobody may know which it is."""
    return f"<{tag} data-say>Model {side}</{tag}>"


def _small(picture: Picture, reply: Reply) -> str:
    boxes = [
        (bounding_box(region), colour_of(index))
        for index, mention in enumerate(reply.mentions)
        for region in mention.regions
    ]
    shapes = "".join(
        f'<rect x="{box.x1}" y="{box.y1}" width="{box.x2 - box.x1}" height="{box.y2 - box.y1}"'
        f' stroke="{colour}"/>'
        for box, colour in boxes
    )
    return (
        f'<figure><img src="{html.escape(picture.url)}" alt="{html.escape(picture.name)}">'
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
        "</figure>"
    )
