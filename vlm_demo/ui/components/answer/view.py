"""An answer as the page shows it: text with coloured phrases, and what became of its places.

Before its first word it says what is waited for, and where there can be none, why and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Literal

import gradio as gr

from vlm_demo.analysis.multiple_choice import Circle, Ranking
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.html_values import Said, Words, as_value, percent, place_in_queue
from vlm_demo.units import format_rate, format_seconds
from vlm_demo.values import Mention, Reply, Timing

_SCRIPT = browser_files.read("components/answer/view.js")

_TEMPLATE = """
<div class="answer" data-board="%BOARD%" data-run="%RUN%" data-field="%FIELD%"
  data-picture="%PICTURE%" hidden>
  <span class="answer-stage sr-only" role="status"></span>
  <p class="answer-waiting" aria-hidden="true" hidden><i></i><span></span><progress
  max="1"></progress></p>
  <div class="answer-problem" role="alert" hidden><p></p></div>
  <div class="answer-remedies" hidden></div>
  <details class="answer-thought" hidden><summary></summary><p></p></details>
  <p class="answer-text" dir="auto" aria-live="polite"></p>
  <p class="answer-note" role="status" hidden></p>
  <ul class="answer-shares" hidden></ul>
  <ol class="answer-orders" hidden></ol>
  <p class="answer-pace" hidden></p>
  <button type="button" class="answer-copy" hidden></button>
</div>
"""

Tone = Literal["", "found", "none", "unreadable", "agreed", "divided"]


def answer(
    elem_id: str, board: str = "", *, run: str = "", field: str = "", picture: str = ""
) -> gr.HTML:
    """Build the component; its value is what `written` returns.

    Args:
        elem_id: its own.
        board: elem_id of the picture whose places are linked with the phrases.
        run: CSS selector of the button that asks again.
        field: CSS selector of what holds the field for the words.
        picture: CSS selector of what holds the chooser of the picture, where that is another.

    What a person chooses below an error comes as the event `select` (see `remedies`).
    """
    template = _TEMPLATE
    places = {
        "BOARD": board,
        "RUN": run,
        "FIELD": field,
        "PICTURE": picture or (board and f"#{board}"),
    }
    for name, place in places.items():
        template = template.replace(f"%{name}%", place)
    return gr.HTML(
        NOTHING,
        html_template=template,
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


NOTHING = as_value({})


def waiting(state: Waiting | None = None) -> str:
    """Value of the component while nothing has been written yet; None: who answers is a secret."""
    if state is None:
        return as_value({"busy": True})
    told = {"words": state.words, "stage": state.stage, "share": state.share}
    return as_value({"busy": True, "waiting": told})


def settled(value: object) -> str:
    """Value of the component when nothing more comes, from the one that the browser holds."""
    try:
        content = json.loads(value) if isinstance(value, str) else {}
    except json.JSONDecodeError:
        content = {}
    if not isinstance(content, dict):
        return NOTHING
    return as_value({**content, "busy": False, "waiting": None})


def written(
    reply: Reply,
    *,
    busy: bool,
    note: Words = "",
    tone: Tone = "",
    secret: bool = False,
) -> str:
    """Value of the component for a reply, complete or still growing (`busy`).

    Under it stand `note`, what the reply itself has to say about how it was asked, and how long it
    took, unless who answered is a secret, which that may give away.
    """
    notes = [words for words in (place_in_queue(reply.queue_position), note, reply.note) if words]
    content = {
        "parts": list(_parts(reply)),
        "thought": reply.reasoning,
        "busy": busy,
        "notes": notes,
        "tone": tone,
        "pace": [] if secret else _pace(reply.timing),
    }
    return as_value(content)


def failed(words: str, remedies: Sequence[Mapping[str, Any]], reply: Reply | None = None) -> str:
    """Value of the component for an error and what can be done, below what was written until then.

    Args:
        words: what happened.
        remedies: see `Remedy.content`.
        reply: what was written; None: nothing.
    """
    parts = list(_parts(reply)) if reply else []
    return as_value({"parts": parts, "problem": {"words": words, "remedies": list(remedies)}})


def compared(ranking: Ranking, *, busy: bool, note: Words = "") -> str:
    """Value of the component for the most probable of some answers, and the others beside it."""
    return as_value(_compared(ranking) | {"notes": [note] if note else [], "busy": busy})


def compared_in_orders(circle: Circle, *, busy: bool) -> str:
    """Value of the component for answers that are compared in one order after another.

    The shares are the mean over the orders, and so is the answer.
    """
    content = _compared(circle.mean) | {
        "busy": busy,
        "notes": [] if busy else [_agreement(circle)],
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


def _agreement(circle: Circle) -> Said:
    """Say in one line whether the order of the answers mattered."""
    count, best = len(circle.rankings), circle.mean.best
    if circle.consistent:
        return Said("The same answer in all {count} orders.", {"count": count})
    wins = sum(ranking.best == best for ranking in circle.rankings)
    return Said(
        "The order matters: “{best}” wins in {wins} of {count} orders.",
        {"best": best, "wins": wins, "count": count},
    )


def _pace(pace: Timing | None) -> list[Said]:
    """Say how fast an answer came."""
    if pace is None:
        return []
    facts = [
        Said("{time}", {"time": format_seconds(pace.seconds)}),
        Said("first token {time}", {"time": format_seconds(pace.first_token_s)}),
    ]
    if pace.tokens:
        words = "1 token" if pace.tokens == 1 else "{count} tokens"
        facts.append(Said(words, {"count": f"{pace.tokens:,}"}))
    if rate := pace.tokens_per_s:
        facts.append(Said("{rate} tokens/s", {"rate": format_rate(rate)}))
    return facts


def _parts(reply: Reply) -> Iterator[dict[str, Any]]:
    """Cut the text at the phrases; of phrases that overlap, the first counts."""
    position = 0
    for start, end, index in sorted(_phrases(reply.mentions)):
        if start < position or end > len(reply.text):
            continue
        if start > position:
            yield {"text": reply.text[position:start]}
        yield {"text": reply.text[start:end], **_look(index, reply.mentions[index])}
        position = end
    if position < len(reply.text):
        yield {"text": reply.text[position:]}


def _look(index: int, mention: Mention) -> dict[str, Any]:
    """How a phrase looks: as its places do, or quiet where it has none."""
    if not mention.regions:
        return {"placeless": True}
    return {"colour": colour_of(index), "dash": list(dash_of(index)), "mention": index}


def _phrases(mentions: tuple[Mention, ...]) -> list[tuple[int, int, int]]:
    return [
        (*mention.span, index)
        for index, mention in enumerate(mentions)
        if mention.span[0] < mention.span[1]
    ]
