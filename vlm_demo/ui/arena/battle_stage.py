"""The stage of a battle: both answers, the buttons that vote, and after the vote, the models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from vlm_demo.arena.battles.paired_streams import PairedReplies
from vlm_demo.arena.votes.vote import Exclusion, Winner
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.ui import browser_files
from vlm_demo.ui.arena.answer_pane import (
    TASKS_WITH_REGIONS,
    AnswerPane,
    build_answer_pane,
    describe_regions,
    has_regions,
)
from vlm_demo.ui.arena.battle_state import BattleState, anonymous_heading, earlier_rounds
from vlm_demo.ui.arena.request_card import model_heading, request_card
from vlm_demo.ui.components.answer.view import answer_value, waiting_value
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.task_form import TASKS_WITHOUT_TEXT, build_inline_field
from vlm_demo.ui.html_values import encode_value
from vlm_demo.ui.i18n import say
from vlm_demo.values import Reply

if TYPE_CHECKING:  # this module also loads the database
    from vlm_demo.arena.battles.arena import Reveal

VOTE_LABELS = {
    Winner.A: "A is better",
    Winner.B: "B is better",
    Winner.TIE: "Tie",
    Winner.BOTH_BAD: "Both are bad",
}
"""The votes and their labels, in the order of their keys, 1 to 4."""

REASONS = (
    "more correct",
    "more complete",
    "better boxes",
    "clearer",
    "follows the request",
    "made things up",
    "missed something",
    "wrong language",
)

ANSWERING = "Both models are answering…"
ANSWERED = "Both have answered. Which is better?"
STOPPED = "This battle was stopped, so it does not count."
SAVING = "Saving your vote…"
NOT_SAVED = "Your vote could not be saved. Please vote again."

_CHOSEN = {
    Winner.A: "You chose A.",
    Winner.B: "You chose B.",
    Winner.TIE: "You called it a tie.",
    Winner.BOTH_BAD: "You called both bad.",
}

_NOT_RATED = {
    Exclusion.IDENTITY: "It is not rated: the text gives away which model is which.",
    Exclusion.REPEAT: "It is not rated: you have already judged these two models on this.",
}

_STATUS_TEMPLATE = '<p class="battle-status" role="status"></p>'

_STATUS_SCRIPT = browser_files.read("arena/battle_status.js")


@dataclass(frozen=True, slots=True)
class BattleStage:
    """The components of the stage, and what they show in each state of a battle."""

    column: gr.Column
    earlier: gr.HTML
    card: gr.HTML
    a: AnswerPane
    b: AnswerPane
    status: gr.HTML
    more: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    opinion: gr.Column
    boxes: gr.Radio
    tags: gr.CheckboxGroup
    comment: gr.Textbox
    keep: gr.Checkbox
    votes: tuple[gr.Button, ...]  # in the order of `VOTE_LABELS`
    after: gr.Row
    keep_image: gr.Checkbox
    next: gr.Button

    @property
    def components(self) -> list[Any]:
        """All components that the methods give values for."""
        return [
            *(self.column, self.earlier, self.card, *self.a.components, *self.b.components),
            *(self.status, self.more, self.ask, self.stop, self.opinion, self.boxes, self.tags),
            *(self.comment, *self.votes, self.after),
        ]

    def hide(self) -> dict[Any, Any]:
        """Return the stage as it is without a battle."""
        return {self.column: gr.Column(visible=False)}

    def show_request(self, battle: BattleState) -> dict[Any, Any]:
        """Show what both are asked, before either has answered."""
        show_image = battle.task in TASKS_WITH_REGIONS
        images = [] if battle.rounds else battle.images
        return {
            self.column: gr.Column(visible=True),
            self.earlier: earlier_rounds(battle),
            self.card: request_card(battle.task, battle.text, images),
            **self.a.clear(anonymous_heading("A", "b"), battle.image, show_image=show_image),
            **self.b.clear(anonymous_heading("B", "b"), battle.image, show_image=show_image),
            self.a.answer: waiting_value(),
            self.b.answer: waiting_value(),
            self.boxes: gr.Radio(value=None),
            self.tags: [],
            self.comment: "",
            **self._show_controls(stop=True, votes=True),
            self.status: _status_value(ANSWERING),
        }

    def show_progress(self, battle: BattleState, sides: PairedReplies) -> dict[Any, Any]:
        """Show what may be seen of both answers so far."""
        return {
            **self._show_answers(battle, sides.a, sides.b, busy=True),
            self.status: _status_value(sides.waiting or ANSWERING),
        }

    def open_voting(self, battle: BattleState, message: str = ANSWERED) -> dict[Any, Any]:
        """Let the person vote, or ask both once more."""
        newest = battle.rounds[-1]
        has_boxes = battle.task in TASKS_WITH_REGIONS or any(
            has_regions(reply) for past in battle.rounds for reply in (past.a, past.b)
        )
        takes_text = battle.task not in TASKS_WITHOUT_TEXT
        return {
            **self._show_answers(battle, newest.a, newest.b, busy=False),
            **self._show_controls(more=takes_text, votes=True, open_to_votes=True),
            self.boxes: gr.Radio(visible=has_boxes),
            self.status: _status_value(message, "votable"),
        }

    def block_voting(self, message: str = SAVING) -> dict[Any, Any]:
        """Take no second vote while the first one is being saved."""
        return {**self._show_controls(votes=True), self.status: _status_value(message)}

    def end(self, message: str) -> dict[Any, Any]:
        """Say why the battle cannot be voted on, and offer another one."""
        return {**self._show_controls(after=True), self.status: _status_value(message, "problem")}

    def reveal_models(self, reveal: Reveal) -> dict[Any, Any]:
        """Say which models answered."""
        vote = reveal.vote
        words = [f"{_CHOSEN[vote.winner]} A was {reveal.a.name}, B was {reveal.b.name}."]
        if vote.exclusion:
            words.append(_NOT_RATED[vote.exclusion])
        both_good = vote.winner is Winner.TIE
        return {
            self.a.heading: _heading_after_vote("A", reveal.a, won=both_good or vote.winner == "a"),
            self.b.heading: _heading_after_vote("B", reveal.b, won=both_good or vote.winner == "b"),
            **self._show_controls(after=True),
            self.status: _status_value(" ".join(words), "voted"),
        }

    def _show_answers(
        self, battle: BattleState, a: Reply, b: Reply, *, busy: bool
    ) -> dict[Any, Any]:
        """Show both answers, with the picture on both sides where one of them has regions."""
        show_image = battle.task in TASKS_WITH_REGIONS or has_regions(a) or has_regions(b)
        updates: dict[Any, Any] = {}
        for pane, reply in ((self.a, a), (self.b, b)):
            anonymous = _without_confidence(reply)
            note, tone = describe_regions(battle.task, anonymous) if not busy else ("", "")
            updates |= pane.draw(battle.image, anonymous, show_image=show_image)
            updates[pane.answer] = answer_value(
                anonymous, busy=busy, note=note, tone=tone, secret=True
            )
        return updates

    def _show_controls(
        self,
        *,
        stop: bool = False,
        more: bool = False,
        votes: bool = False,
        open_to_votes: bool = False,
        after: bool = False,
    ) -> dict[Any, Any]:
        """Show some of the controls, and hide all others."""
        return {
            self.stop: gr.Button(visible=stop),
            self.more: gr.Textbox(value="", visible=more),
            self.ask: gr.Button(visible=more),
            self.opinion: gr.Column(visible=open_to_votes),
            self.after: gr.Row(visible=after),
            **{
                button: gr.Button(visible=votes, interactive=open_to_votes) for button in self.votes
            },
        }


def build_battle_stage() -> BattleStage:
    """Lay out the stage, which is hidden until a battle begins."""
    with gr.Column(visible=False, elem_id="battle-stage") as column:
        earlier = gr.HTML(apply_default_css=False)
        card = gr.HTML(apply_default_css=False)
        with gr.Row(elem_classes="panes", equal_height=False):
            a = build_answer_pane("battle-a", "battle", visible=True)
            b = build_answer_pane("battle-b", "battle", visible=True)
        with gr.Row(elem_classes="search", equal_height=True):
            more = build_inline_field(
                say("Ask both models once more"),
                say("Ask both models…"),
                "battle-more",
                max_lines=3,
            )
            ask = gr.Button(say("Ask both"), scale=0, min_width=120, elem_id="battle-ask")
        with gr.Column(elem_id="battle-opinion") as opinion:
            boxes = gr.Radio(
                [
                    ("A", Winner.A.value),
                    ("B", Winner.B.value),
                    (say("Tie"), Winner.TIE.value),
                    (say("Both bad"), Winner.BOTH_BAD.value),
                ],
                label=say("Whose boxes are better? Optional, and counted as a separate vote"),
                elem_id="battle-boxes",
            )
            with gr.Accordion(say("Say why (optional)"), open=False, elem_id="battle-why"):
                tags = gr.CheckboxGroup(
                    [(say(reason), reason) for reason in REASONS],
                    label=say("What made the difference"),
                    elem_id="battle-tags",
                )
                comment = gr.Textbox(
                    label=say("In your words"),
                    max_lines=2,
                    max_length=500,
                    elem_id="battle-comment",
                )
            keep = gr.Checkbox(
                label=say(
                    "Keep my words and picture with this vote, so that others can learn from them"
                ),
                elem_id="battle-keep",
            )
        with gr.Column(elem_id="battle-bar"):
            status = build_html_component(
                _status_value(""), _STATUS_TEMPLATE, _STATUS_SCRIPT, "battle-status"
            )
            with gr.Row(elem_id="battle-votes"):
                votes = tuple(
                    gr.Button(
                        say(words), min_width=80, interactive=False, elem_id=f"battle-vote-{key}"
                    )
                    for key, words in enumerate(VOTE_LABELS.values(), start=1)
                )
                stop = gr.Button(say("Stop"), variant="stop", min_width=80, elem_id="battle-stop")
            with gr.Row(visible=False, elem_id="battle-after") as after:
                keep_image = gr.Checkbox(
                    label=say("Keep the picture"), value=True, elem_id="battle-keep-picture"
                )
                following = gr.Button(say("Next battle"), variant="primary", elem_id="battle-next")
    return BattleStage(
        *(column, earlier, card, a, b, status, more, ask, stop, opinion, boxes, tags, comment),
        *(keep, votes, after, keep_image, following),
    )


def _status_value(words: str, tone: str = "") -> str:
    return encode_value({"words": words, "tone": tone})


def _without_confidence(reply: Reply) -> Reply:
    """Leave out the confidence, which only some engines report and which would tell them apart."""
    bare = tuple(replace(mention, confidence=None) for mention in reply.mentions)
    return replace(reply, mentions=bare, parsed_places=(), note="", queue_position=0)


def _heading_after_vote(side: str, spec: ModelSpec, *, won: bool) -> str:
    badge = '<i class="won" data-say>your choice</i>' if won else ""
    return f"{anonymous_heading(side)}{badge}<br>{model_heading(spec)}"
