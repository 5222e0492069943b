"""An answer as the page shows it: text with coloured phrases, and what was found.

Before the first word it shows what it waits for. Where there is no answer, it says why and what can
be done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Literal

import gradio as gr

from vlm_demo.analysis.multiple_choice import CircularResult, Ranking
from vlm_demo.prompting.stop_notes import STOP_NOTES, stop_note
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.translatable_text import DisplayText, TranslatableText, message
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.html_values import encode_value
from vlm_demo.units import format_percent, format_rate, format_seconds
from vlm_demo.values import Mention, Reply, ReplyState, StopReason, TargetResult, Timing

_SCRIPT = browser_files.read("components/answer/view.js")

_TEMPLATE = """
<div class="answer" data-canvas="%CANVAS%" data-run="%RUN%" data-field="%FIELD%"
  data-picture="%PICTURE%" hidden>
  <span class="answer-stage sr-only" role="status"></span>
  <p class="answer-waiting" aria-hidden="true" hidden><i></i><span></span><progress
  max="1"></progress></p>
  <div class="answer-problem" role="alert" hidden><p></p></div>
  <div class="answer-remedies" hidden></div>
  <details class="answer-reasoning" hidden><summary></summary><p></p></details>
  <p class="answer-text" dir="auto" aria-live="polite"></p>
  <ul class="answer-things" hidden></ul>
  <p class="answer-note" role="status" hidden></p>
  <ul class="answer-shares" hidden></ul>
  <ol class="answer-orders" hidden></ol>
  <p class="answer-pace" hidden></p>
  <button type="button" class="answer-copy" hidden></button>
</div>
"""

Tone = Literal["", "found", "none", "unreadable", "agreed", "divided"]
"""How the note below an answer is coloured."""

PARTLY_UNREADABLE = TranslatableText("Some coordinates could not be parsed.")
"""What is said about an answer of which only some regions are drawn."""

SPACE_UNKNOWN = TranslatableText(
    "Boxes were found. Choose the coordinate format so that they can be drawn."
)
"""Said of an answer whose regions cannot be drawn yet."""

EMPTY_ANSWER = encode_value({})
"""Value of the component while there is no answer."""


def build_answer(
    elem_id: str, canvas: str = "", *, run: str = "", field: str = "", image_input: str = ""
) -> gr.HTML:
    """Build the component; its value is what `answer_value` and the like return.

    What a person chooses below an error comes as the event `select` (see `remedies`).

    Args:
        elem_id: its id.
        canvas: elem_id of the canvas whose regions are linked with the phrases.
        run: CSS selector of the button that asks again.
        field: CSS selector of the element that holds the text field.
        image_input: CSS selector of the element that holds the chooser of the picture, where it is
            not the canvas.
    """
    template = browser_files.fill(
        _TEMPLATE,
        canvas=canvas,
        run=run,
        field=field,
        picture=image_input or (canvas and f"#{canvas}"),
    )
    return build_html_component(EMPTY_ANSWER, template, _SCRIPT, elem_id)


def waiting_value(state: Waiting | None = None) -> str:
    """Value of the component before the first word; None: which model answers is a secret."""
    if state is None:
        return encode_value({"busy": True})
    waiting = {"words": state.text, "stage": state.stage, "share": state.share}
    return encode_value({"busy": True, "waiting": waiting})


def finish_value(value: object) -> str:
    """Value of the component when nothing more comes, from the one that the browser holds."""
    try:
        content = json.loads(value) if isinstance(value, str) else {}
    except (ValueError, RecursionError):
        content = {}
    if not isinstance(content, dict):
        return EMPTY_ANSWER
    finished = {**content, "busy": False, "waiting": None}
    if content.get("busy") and content.get("parts"):  # a complete answer is not busy any more
        notes = content.get("notes")
        earlier = notes if isinstance(notes, list) else []
        finished["notes"] = [*earlier, STOP_NOTES[StopReason.CANCELLED]]
    return encode_value(finished)


def answer_value(
    reply: Reply,
    *,
    busy: bool,
    note: DisplayText = "",
    tone: Tone = "",
    secret: bool = False,
) -> str:
    """Value of the component for a reply, complete or still growing (`busy`).

    Below it come a line for each of several things that were looked for, `note`, the reply's own
    note on how the model was asked, why the answer ended where that was not its end, and how long
    it took: unless the model is a `secret`, which that might give away.
    """
    queue = _describe_queue_position(reply.queue_position)
    content = {
        "parts": list(_split_text(reply)),
        "things": [] if queue else [_target_content(reply, one) for one in reply.targets],
        "reasoning": reply.reasoning,
        "busy": busy,
        "notes": [text for text in (queue, note, reply.note, stop_note(reply)) if text],
        "tone": tone,
        "pace": [] if secret else _timing_facts(reply.timing),
    }
    return encode_value(content)


def failure_value(
    text: DisplayText, remedies: Sequence[Mapping[str, Any]], reply: Reply | None = None
) -> str:
    """Value of the component for an error and what can be done, below what was written by then.

    Args:
        text: what happened.
        remedies: the `Remedy.content` of each.
        reply: what was written; None: nothing.
    """
    parts = list(_split_text(reply)) if reply else []
    return encode_value({"parts": parts, "problem": {"words": text, "remedies": list(remedies)}})


def ranking_value(ranking: Ranking, *, busy: bool, note: DisplayText = "") -> str:
    """Value of the component for possible answers: the most probable one, and all probabilities."""
    return encode_value(_ranking_content(ranking) | {"notes": [note] if note else [], "busy": busy})


def rotations_value(result: CircularResult, *, busy: bool) -> str:
    """Value of the component for possible answers that are compared in one order after another.

    The probabilities are the mean over the orders, and the answer is the most probable by it.
    """
    content = _ranking_content(result.mean) | {
        "busy": busy,
        "notes": [] if busy else [_describe_agreement(result)],
        "tone": "" if busy else ("agreed" if result.is_consistent else "divided"),
        "orders": [
            {
                "order": _letter_choices(ranking.choices),
                "best": ranking.best,
                "percent": format_percent(ranking.probability(ranking.best)),
            }
            for ranking in result.rankings
        ],
    }
    return encode_value(content)


def _ranking_content(ranking: Ranking) -> dict[str, Any]:
    shares = [
        {
            "text": choice,
            "share": probability,
            "percent": format_percent(probability),
            "colour": colour_of(index),
        }
        for index, (choice, probability) in enumerate(
            zip(ranking.choices, ranking.probabilities, strict=True)
        )
    ]
    return {"parts": [{"text": ranking.best}], "shares": shares}


def _letter_choices(choices: Sequence[str]) -> str:
    return "  ".join(
        f"{letter} {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)
    )


def _describe_agreement(result: CircularResult) -> TranslatableText:
    """Say in one line whether the order of the answers mattered."""
    count, best = len(result.rankings), result.mean.best
    if result.is_consistent:
        return TranslatableText("The same answer in all {count} orders.", {"count": count})
    wins = sum(ranking.best == best for ranking in result.rankings)
    return TranslatableText(
        "The order matters: “{best}” wins in {wins} of {count} orders.",
        {"best": best, "wins": wins, "count": count},
    )


def _timing_facts(timing: Timing | None) -> list[DisplayText]:
    """Say how long an answer took, and how fast it came."""
    if timing is None:
        return []
    facts: list[DisplayText] = [
        format_seconds(timing.seconds),
        TranslatableText("first token {time}", {"time": format_seconds(timing.first_token_s)}),
    ]
    if timing.tokens:
        template = message("1 token") if timing.tokens == 1 else message("{count} tokens")
        facts.append(TranslatableText(template, {"count": f"{timing.tokens:,}"}))
    if rate := timing.tokens_per_s:
        facts.append(TranslatableText("{rate} tokens/s", {"rate": format_rate(rate)}))
    return facts


def _split_text(reply: Reply) -> Iterator[dict[str, Any]]:
    """Cut the text at the phrases; of phrases that overlap, the first counts."""
    position = 0
    for start, end, index in sorted(_phrase_spans(reply.mentions)):
        if start < position or end > len(reply.text):
            continue
        if start > position:
            yield {"text": reply.text[position:start]}
        yield {"text": reply.text[start:end], **_phrase_style(index, reply.mentions[index])}
        position = end
    if position < len(reply.text):
        yield {"text": reply.text[position:]}


def _phrase_style(index: int, mention: Mention) -> dict[str, Any]:
    """Return how a phrase looks: as its regions do, or quiet where it has none."""
    if not mention.regions:
        return {"placeless": True}
    return {"colour": colour_of(index), "dash": list(dash_of(index)), "mention": index}


def _target_content(reply: Reply, result: TargetResult) -> dict[str, Any]:
    """Return what the page shows of one of several things: how often it is there, and where."""
    own = [i for i, one in enumerate(reply.mentions) if one.target == result.name and one.regions]
    content = {
        "name": result.name,
        "state": result.state,
        "count": reply.count_regions(result.name),
    }
    return content | (_phrase_style(own[0], reply.mentions[own[0]]) if own else {})


def _phrase_spans(mentions: tuple[Mention, ...]) -> list[tuple[int, int, int]]:
    return [
        (*mention.span, index)
        for index, mention in enumerate(mentions)
        if mention.span[0] < mention.span[1]
    ]


def describe_outcome(reply: Reply) -> tuple[DisplayText, Tone]:
    """Say whether a complete answer names regions: found, none, unreadable or not drawn yet."""
    match reply.state:
        case ReplyState.FOUND:
            count = sum(len(mention.regions) for mention in reply.mentions)
            template = message("1 object found") if count == 1 else message("{count} objects found")
            return TranslatableText(template, {"count": count}), "found"
        case ReplyState.PARTLY_UNREADABLE:
            return PARTLY_UNREADABLE, "unreadable"
        case ReplyState.NONE:
            return message("Nothing found (the model returned no boxes)."), "none"
        case ReplyState.UNREADABLE:
            return PARTLY_UNREADABLE, "unreadable"
        case ReplyState.SPACE_UNKNOWN:
            return SPACE_UNKNOWN, "unreadable"


def _describe_queue_position(position: int) -> DisplayText:
    """Say how many requests are answered before this one; "": none."""
    if not position:
        return ""
    template = message("The model is busy: {count} requests are ahead of this one.")
    if position == 1:
        template = message("The model is busy: one request is ahead of this one.")
    return TranslatableText(template, {"count": position})
