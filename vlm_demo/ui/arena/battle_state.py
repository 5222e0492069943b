"""A battle as the page knows it, and the HTML of its earlier turns."""

from __future__ import annotations

import html
from dataclasses import dataclass

from vlm_demo.rendering.palette import colour_of
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.arena.answer_pane import has_regions
from vlm_demo.ui.arena.request_card import request_card
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.values import Reply, Task, bounding_box


@dataclass(frozen=True, slots=True)
class BattleRound:
    """One turn of a battle: what both models were asked, and what they answered."""

    text: str
    a: Reply
    b: Reply


@dataclass(frozen=True, slots=True)
class BattleState:
    """A battle as the page knows it; only the arena knows which models are in it."""

    battle: str  # its name in the arena
    task: Task
    image: UploadedImage | None
    text: str  # of the newest turn
    rounds: tuple[BattleRound, ...] = ()  # those that both have answered
    is_problem_shown: bool = False  # the page already says what went wrong

    @property
    def images(self) -> list[UploadedImage]:
        """Its picture, if it has one."""
        return [self.image] if self.image else []


def earlier_rounds(battle: BattleState) -> str:
    """HTML of the turns before the newest, with their regions drawn small."""
    return "".join(
        '<section class="round">'
        + request_card(battle.task, past.text, [] if index else battle.images)
        + f'<div class="two">{_earlier_answer("A", past.a, battle.image)}'
        + f"{_earlier_answer('B', past.b, battle.image)}</div></section>"
        for index, past in enumerate(battle.rounds)
    )


def anonymous_heading(side: str, tag: str = "em") -> str:
    """HTML of what a model is called before the vote."""
    name = translatable_html(TranslatableText("Model {side}", {"side": side}))
    return f"<{tag}>{name}</{tag}>"


def _earlier_answer(side: str, reply: Reply, image: UploadedImage | None) -> str:
    thumbnail = _thumbnail(image, reply) if image and has_regions(reply) else ""
    text = html.escape(reply.text)
    return f"<div>{anonymous_heading(side)}{thumbnail}<p>{text}</p></div>"


def _thumbnail(image: UploadedImage, reply: Reply) -> str:
    """HTML of the picture with the bounding boxes of an answer."""
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
        f'<figure><img src="{html.escape(image.url)}" alt="{html.escape(image.name)}">'
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
        "</figure>"
    )
