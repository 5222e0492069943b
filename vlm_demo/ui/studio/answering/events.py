"""What Studio's browser application is sent while an answer grows.

An event is a JSON object with a `type`; `ui/studio/types.js` has the same for the browser. Texts
for people are `{words, values}`: the English template, which is translated in the browser, and what
fills its blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import Any

from vlm_demo.analysis.confidence import Calibration
from vlm_demo.analysis.multiple_choice import CircularResult, Ranking
from vlm_demo.analysis.reread import spaces_to_choose
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.prompting.stop_notes import STOP_NOTES, stop_note
from vlm_demo.prompting.targets import TARGET_TASKS
from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text, message, text_to_json
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.studio.answering.blocks import AnswerBlocks
from vlm_demo.ui.studio.answering.mentions import mention_items, mention_styles, target_items
from vlm_demo.values import Reply, ReplyState, StopReason, Task

Event = dict[str, Any]
"""A JSON object with a `type`."""


class Differ:
    """Turns replies, each with all that was written so far, into events with what has changed."""

    def __init__(
        self,
        shown_images: Sequence[int],
        find_calibration: Callable[[Reply], Calibration | None] = lambda _: None,
    ) -> None:
        """Begin an answer.

        Args:
            shown_images: for each picture that the model is shown, its index in the request.
            find_calibration: returns what the confidences of a reply mean, where that is known.
        """
        self._find_calibration = find_calibration
        self._shown_images = shown_images
        self._writer = AnswerBlocks()
        self._blocks: list[str] = []
        self._mentions: list[Event] = []
        self._things: list[Event] = []
        self._reasoning = ""
        self._note: DisplayText = ""

    def events(self, reply: Reply, *, is_complete: bool = False) -> list[Event]:
        """Return what has changed since the reply before.

        While an answer grows, a part of what has changed may be left for later.
        """
        styles = mention_styles(reply.mentions)
        calibration = self._find_calibration(reply) if reply.mentions else None
        mentions = mention_items(reply, styles, self._shown_images, calibration)
        blocks = self._writer.update(reply, styles, is_complete=is_complete)
        things = target_items(reply)
        events: list[Event] = []
        if reply.note != self._note and not is_complete:  # the last event says it with the others
            self._note = reply.note
            events.append({"type": "notes", "items": [text_data(reply.note)]})
        if reply.reasoning != self._reasoning:
            self._reasoning = reply.reasoning
            events.append({"type": "reasoning", "text": reply.reasoning})
        # Mentions come first: a mark in the text names one of them.
        if mentions != self._mentions:
            keep = _count_equal(self._mentions, mentions)
            events.append({"type": "mentions", "keep": keep, "items": mentions[keep:]})
            self._mentions = mentions
        if blocks != self._blocks:
            keep = _count_equal(self._blocks, blocks)
            events.append({"type": "text", "keep": keep, "blocks": blocks[keep:]})
            self._blocks = blocks
        if things != self._things:
            events.append({"type": "things", "items": things})
            self._things = things
        return events


def waiting_event(state: Waiting) -> Event:
    """Say what a request waits for before the first word."""
    return {
        "type": "waiting",
        "text": text_data(state.text),
        "stage": text_data(state.stage),
        "share": state.share,
    }


def ranking_event(ranking: Ranking) -> Event:
    """Say how probable each possible answer is."""
    return {"type": "shares", "items": _shares(ranking), "orders": []}


def orders_event(result: CircularResult) -> Event:
    """Say how probable each possible answer is in the mean, and what each order says."""
    orders = [
        {
            "order": _letter_choices(ranking.choices),
            "best": ranking.best,
            "share": ranking.probability(ranking.best),
        }
        for ranking in result.rankings
    ]
    return {"type": "shares", "items": _shares(result.mean), "orders": orders}


def end_event(
    reply: Reply,
    task: Task,
    spec: ModelSpec,
    space: str,
    notes: Sequence[DisplayText] = (),
    remedies: Sequence[Event] = (),
) -> Event:
    """Say that an answer is complete.

    Args:
        reply: the answer.
        task: what was asked for.
        spec: the model that answered.
        space: the coordinate space that a person chose; "": none.
        notes: what else is said below the answer.
        remedies: what else can be done, each an action with its label and choice.
    """
    outcome, tone = describe_outcome(reply) if task in TARGET_TASKS else (None, "")
    said = [note for note in (*notes, reply.note, stop_note(reply)) if note]
    if outcome is None and reply.state in _PROBLEMS:
        said.append(_PROBLEMS[reply.state])
    spaces = spaces_to_choose(spec, reply)
    timing = reply.timing
    return {
        "type": "done",
        "model": reply.model or spec.name,
        "state": reply.state.value,
        "tone": tone,
        "notes": list(map(text_data, said)),
        "remedies": list(remedies),
        "outcome": outcome and text_data(outcome),
        "raw": reply.raw,
        "raws": [result.raw for result in reply.targets],
        "plain": reply.text,
        "stop": reply.stop and reply.stop.value,
        "timing": timing
        and {
            "first_token_s": round(timing.first_token_s, 3),
            "seconds": round(timing.seconds, 3),
            "tokens": timing.tokens,
            "tokens_per_s": round(timing.tokens_per_s, 2),
        },
        "space": space or reply.space,
        "space_choices": [{"name": one.name, "title": text_data(one.title)} for one in spaces],
    }


def stop_event(done: Event) -> Event:
    """Return the end of an answer that a person stopped."""
    notes = [note for note in done["notes"] if note != text_data(_STOPPED)]
    return {**done, "stop": StopReason.CANCELLED.value, "notes": [*notes, text_data(_STOPPED)]}


def failure_event(message: DisplayText, remedies: Sequence[Event], image_gone: str | None) -> Event:
    """Say that an answer failed; what was written stays.

    Args:
        message: what happened.
        remedies: what can be done, each an action with its label and choice.
        image_gone: the picture that the browser has to send again; None: none.
    """
    return {
        "type": "failed",
        "message": text_data(message),
        "remedies": list(remedies),
        "image_gone": image_gone,
    }


def text_data(text: DisplayText) -> Event:
    """Return a text for people as the browser gets it."""
    content: Event = text_to_json(as_text(text))
    return content


def describe_outcome(reply: Reply) -> tuple[TranslatableText, str]:
    """Say what a search found, and its tone: found, none or unreadable."""
    match reply.state:
        case ReplyState.FOUND:
            count = sum(len(mention.regions) for mention in reply.mentions)
            template = message("1 object found") if count == 1 else message("{count} objects found")
            return TranslatableText(template, {"count": count}), "found"
        case ReplyState.NONE:
            return TranslatableText("Nothing found (the model returned no boxes)."), "none"
    return _PROBLEMS[reply.state], "unreadable"


_STOPPED = STOP_NOTES[StopReason.CANCELLED]

_PROBLEMS = {
    ReplyState.PARTLY_UNREADABLE: TranslatableText(
        "Some coordinates in this answer could not be parsed."
    ),
    ReplyState.UNREADABLE: TranslatableText("The coordinates in this answer could not be parsed."),
    ReplyState.SPACE_UNKNOWN: TranslatableText(
        "Boxes were found. Choose the coordinate format so that they can be drawn."
    ),
}
"""What is said of an answer whose regions are not all drawn."""


def _shares(ranking: Ranking) -> list[Event]:
    pairs = zip(ranking.choices, ranking.probabilities, strict=True)
    return [{"text": choice, "share": probability} for choice, probability in pairs]


def _letter_choices(choices: Sequence[str]) -> str:
    pairs = zip(ascii_uppercase, choices, strict=False)
    return "  ".join(f"{letter} {choice}" for letter, choice in pairs)


def _count_equal(old: Sequence[object], new: Sequence[object]) -> int:
    """Return how many items two lists have in common at their beginning."""
    pairs = zip(old, new, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), _least(old, new))


def _least(old: Sequence[object], new: Sequence[object]) -> int:
    return min(len(old), len(new))
