"""An answer as the page shows it: text with coloured phrases, and what became of its places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Literal

import gradio as gr

from vlm_demo.multiple_choice import Circle, Ranking
from vlm_demo.palette import colour_of
from vlm_demo.types import Mention, Reply
from vlm_demo.ui.values import as_value, percent, place_in_queue

_SCRIPT = (Path(__file__).parent / "answer.js").read_text(encoding="utf-8")

_TEMPLATE = """
<div class="answer" data-board="%BOARD%" hidden>
  <details class="answer-thought" hidden><summary>Draft</summary><p></p></details>
  <p class="answer-text" aria-live="polite"></p>
  <p class="answer-note" role="status" hidden></p>
  <ul class="answer-shares" aria-label="How probable each answer is" hidden></ul>
  <ol class="answer-orders" aria-label="The answer in each order" hidden></ol>
  <button type="button" class="answer-copy" hidden>Copy</button>
</div>
"""

Tone = Literal["", "found", "none", "unreadable", "agreed", "divided"]


def answer(elem_id: str, board: str = "") -> gr.HTML:
    """Build the component; its value is what `written` returns.

    Pointing at a phrase highlights its places on the picture whose elem_id is `board`.
    """
    return gr.HTML(
        NOTHING,
        html_template=_TEMPLATE.replace("%BOARD%", board),
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


NOTHING = as_value({})


def waiting() -> str:
    """Value of the component while nothing has been written yet."""
    return as_value({"busy": True})


def settled(value: object) -> str:
    """Value of the component when nothing more comes, from the one that the browser holds."""
    try:
        content = json.loads(value) if isinstance(value, str) else {}
    except json.JSONDecodeError:
        content = {}
    return as_value(content | {"busy": False}) if isinstance(content, dict) else NOTHING


def written(reply: Reply, *, busy: bool, note: str = "", tone: Tone = "") -> str:
    """Value of the component for a reply, complete or still growing (`busy`).

    Under it stand `note` and what the reply itself has to say about how it was asked.
    """
    notes = [words for words in (place_in_queue(reply.ahead), note, reply.note) if words]
    content = {"parts": _parts(reply), "thought": reply.thought, "busy": busy}
    return as_value(content | {"note": "\n".join(notes), "tone": tone})


def compared(ranking: Ranking, *, busy: bool, note: str = "") -> str:
    """Value of the component for the most probable of some answers, and the others beside it."""
    return as_value(_compared(ranking) | {"note": note, "busy": busy})


def compared_in_orders(circle: Circle, *, busy: bool) -> str:
    """Value of the component for answers that are compared in one order after another.

    The shares are the mean over the orders, and so is the answer.
    """
    content = _compared(circle.mean) | {
        "busy": busy,
        "note": "" if busy else _agreement(circle),
        "tone": "" if busy else ("agreed" if circle.consistent else "divided"),
        "orders": [
            {
                "order": _letters(ranking.choices),
                "best": ranking.best,
                "percent": percent(ranking.probability(ranking.best)),
            }
            for ranking in circle.rankings
        ],
    }
    return as_value(content)


def _compared(ranking: Ranking) -> dict[str, Any]:
    shares = [
        {"text": choice, "share": share, "percent": percent(share), "colour": colour_of(index)}
        for index, (choice, share) in enumerate(
            zip(ranking.choices, ranking.probabilities, strict=True)
        )
    ]
    return {"parts": [{"text": ranking.best}], "shares": shares}


def _letters(choices: Sequence[str]) -> str:
    return "  ".join(
        f"{letter} {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)
    )


def _agreement(circle: Circle) -> str:
    """Say in one line whether the order of the answers mattered."""
    count, best = len(circle.rankings), circle.mean.best
    if circle.consistent:
        return f"The same answer in all {count} orders."
    wins = sum(ranking.best == best for ranking in circle.rankings)
    return f"The order matters: “{best}” wins in {wins} of {count} orders."


def _parts(reply: Reply) -> list[dict[str, Any]]:
    """Cut the text at the phrases that have places; of phrases that overlap, the first counts."""
    parts: list[dict[str, Any]] = []
    position = 0
    for start, end, index in sorted(_phrases(reply.mentions)):
        if start < position or end > len(reply.text):
            continue
        if start > position:
            parts.append({"text": reply.text[position:start]})
        parts.append({"text": reply.text[start:end], "colour": colour_of(index), "mention": index})
        position = end
    if position < len(reply.text):
        parts.append({"text": reply.text[position:]})
    return parts


def _phrases(mentions: tuple[Mention, ...]) -> list[tuple[int, int, int]]:
    return [
        (*mention.span, index)
        for index, mention in enumerate(mentions)
        if mention.regions and mention.span[0] < mention.span[1]
    ]
