"""Few-shot examples pinned above a chat: questions and answers that go before every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from vlm_demo.errors import InputError
from vlm_demo.prompting.family import FamilyLimits
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import ChatTurn, Conversation
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.events import EACH, QUEUED
from vlm_demo.ui.html_values import TranslatableText, encode_value
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors
from vlm_demo.values import Reply

MAX_EXAMPLES = 8
"""Largest number of pinned examples."""

_SCRIPT = browser_files.read("chat/few_shot.js")

_TEMPLATE = '<div class="pins"><p class="none"></p><ul></ul></div>'


@dataclass(frozen=True, slots=True)
class FewShotPanel:
    """The fold-out with the pinned examples, and a form for another one."""

    fold: gr.Accordion
    listing: gr.HTML
    question: gr.Textbox
    answer: gr.Textbox
    with_image: gr.Checkbox
    add: gr.Button


def build_few_shot_panel() -> FewShotPanel:
    """Lay out the fold-out, closed."""
    with gr.Accordion(_title(0), open=False, elem_id="chat-pins") as fold:
        listing = build_html_component(examples_value(()), _TEMPLATE, _SCRIPT, "chat-pinned")
        with gr.Row():
            question = gr.Textbox(
                label=say("Question"), max_lines=4, elem_id="chat-pin-question", min_width=200
            )
            answer = gr.Textbox(
                label=say("Expected answer"), max_lines=4, elem_id="chat-pin-answer", min_width=200
            )
        with gr.Row():
            with_image = gr.Checkbox(
                True,
                label=say("With the picture shown beside the chat"),
                elem_id="chat-pin-pictured",
            )
            add = gr.Button(say("Pin this example"), size="sm", elem_id="chat-pin-add")
    return FewShotPanel(fold, listing, question, answer, with_image, add)


def wire_few_shot_panel(panel: FewShotPanel, components: ChatComponents) -> None:
    """Let people pin answers of the chat or examples of their own, and remove them."""

    def pin(
        event: gr.EventData, conversation: Conversation, examples: Conversation
    ) -> dict[Any, Any]:
        with show_errors():
            example = make_example(_find_turn(conversation, event._data))
            return update_examples(panel, components, add_example(examples, example))
        return update_examples(panel, components, examples)

    def write(
        question: str,
        answer: str,
        with_image: bool,
        sidebar: ChatSidebarState,
        examples: Conversation,
    ) -> dict[Any, Any]:
        with show_errors():
            if not question.strip() or not answer.strip():
                raise InputError("Please write a question and the answer that you expect.")
            images = (sidebar.image,) if with_image and sidebar.image else ()
            example = ChatTurn(question, images, Reply(answer, answer))
            added = update_examples(panel, components, add_example(examples, example))
            return {**added, panel.question: "", panel.answer: ""}
        return update_examples(panel, components, examples)

    def remove(event: gr.EventData, examples: Conversation) -> dict[Any, Any]:
        match event._data:
            case {"index": int(index)} if 0 <= index < len(examples):
                examples = (*examples[:index], *examples[index + 1 :])
        return update_examples(panel, components, examples)

    changed = [panel.fold, panel.listing, components.examples]
    components.thumbnails.like(
        pin, [components.conversation, components.examples], changed, **QUEUED
    )
    panel.add.click(
        write,
        [
            panel.question,
            panel.answer,
            panel.with_image,
            components.sidebar,
            components.examples,
        ],
        [*changed, panel.question, panel.answer],
        **QUEUED,
    )
    panel.listing.select(remove, components.examples, changed, **EACH)


def examples_value(examples: Sequence[ChatTurn]) -> str:
    """Value of the list of examples."""
    items = [
        {
            "pictures": [image.url for image in turn.images],
            "question": turn.question,
            "answer": turn.reply.text if turn.reply else "",
        }
        for turn in examples
    ]
    return encode_value({"examples": items})


def make_example(turn: ChatTurn) -> ChatTurn:
    """Return a turn that stands alone: with the picture that its question was about."""
    images = turn.images or ((turn.newest_image,) if turn.newest_image else ())
    return replace(turn, images=images, notes=())


def add_example(examples: Conversation, new: ChatTurn) -> Conversation:
    """Add an example.

    Raises:
        InputError: there are too many, or this one is there already.
    """
    if len(examples) >= MAX_EXAMPLES:
        raise InputError(f"{MAX_EXAMPLES} examples are pinned. Please remove one first.")
    if any((one.question, one.reply) == (new.question, new.reply) for one in examples):
        raise InputError("This example is pinned already.")
    return (*examples, new)


def select_examples(
    examples: Conversation,
    before: Conversation,
    turn: ChatTurn,
    limits: FamilyLimits,
    model: str,
) -> tuple[Conversation, tuple[TranslatableText, ...]]:
    """Return the examples that a model can be given with a turn, and a note about the others.

    Pictures of the conversation come first: it is about them.
    """
    if not examples:
        return (), ()
    if limits.history == "none":
        note = TranslatableText(
            "{model} answers each question on its own: pinned examples are left out.",
            {"model": model},
        )
        return (), (note,)
    answered = [past for past in before if past.reply is not None]
    free = limits.max_images - sum(len(past.images) for past in (*answered, turn))
    selected: list[ChatTurn] = []
    for example in examples:
        # With too many pictures already, the model starts anew and sees nothing earlier.
        if free - len(example.images) >= 0:
            selected.append(example)
            free -= len(example.images)
    left_out = len(examples) - len(selected)
    note = TranslatableText(
        "{model} sees {count} at a time, so pinned examples are left out: {gone}.",
        {"model": model, "count": _count_pictures(limits.max_images), "gone": left_out},
    )
    return tuple(selected), (note,) if left_out else ()


def _count_pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def _find_turn(conversation: Conversation, sent: object) -> ChatTurn:
    match sent:
        case {"turn": int(index)} if 0 <= index < len(conversation):
            if conversation[index].reply is not None:
                return conversation[index]
    raise InputError("This answer is no longer here.")


def update_examples(
    panel: FewShotPanel, components: ChatComponents, examples: Conversation
) -> dict[Any, Any]:
    """Show the examples that are pinned."""
    return {
        panel.fold: gr.Accordion(label=_title(len(examples))),
        panel.listing: examples_value(examples),
        components.examples: examples,
    }


def _title(count: int) -> str:
    return f"{say('Pinned examples')}{f' ({count})' if count else ''}"
