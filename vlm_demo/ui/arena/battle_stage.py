"""The stage of a battle: both answers, the buttons that vote, and after the vote, the models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from vlm_demo.arena.battles.paired_streams import PairedReplies
from vlm_demo.arena.votes.vote import Exclusion, Winner
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message
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
from vlm_demo.ui.components.canvas.canvas import build_view_canvas
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.task_form import TASKS_WITHOUT_TEXT, build_inline_field
from vlm_demo.ui.html_values import encode_value, translatable_html
from vlm_demo.ui.i18n import say
from vlm_demo.values import Mention, Reply, Task

if TYPE_CHECKING:  # this module also loads the database
    from vlm_demo.arena.battles.arena import Reveal

VOTE_LABELS = {
    Winner.A: message("A is better"),
    Winner.TIE: message("Tie"),
    Winner.BOTH_BAD: message("Both are bad"),
    Winner.B: message("B is better"),
}
"""The votes and their labels, from left to right, as the answers stand; their keys are 1 to 4."""

REASONS = (
    message("more correct"),
    message("more complete"),
    message("better boxes"),
    message("clearer"),
    message("follows the request"),
    message("made things up"),
    message("missed something"),
    message("wrong language"),
)

ANSWERING = message("Both models are answering…")
ANSWERED = message("Both have answered. Which is better?")
STOPPED = message("This battle was stopped, so it does not count.")
SAVING = message("Saving your vote…")
NOT_SAVED = message("Your vote could not be saved. Vote again.")

_CHOSEN = {
    Winner.A: message("You chose A."),
    Winner.B: message("You chose B."),
    Winner.TIE: message("You called it a tie."),
    Winner.BOTH_BAD: message("You called both bad."),
}

_NOT_RATED = {
    Exclusion.IDENTITY: message("It is not rated: the text gives away which model is which."),
    Exclusion.UNPROVEN: message(
        "It is not rated: it came too soon, from a browser that keeps no cookie of this page."
    ),
    Exclusion.REPEAT: message("It is not rated: you have already judged these two models on this."),
}

_STATUS_TEMPLATE = '<p class="battle-status" role="status"></p>'

_STATUS_SCRIPT = browser_files.read("arena/battle_status.js")


@dataclass(frozen=True, slots=True)
class BattleStage:
    """The components of the stage, and what they show in each state of a battle."""

    column: gr.Column
    earlier: gr.HTML
    card: gr.HTML
    scene: gr.HTML  # the picture where no answer draws on it
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
    own_votes: gr.HTML
    next: gr.Button

    @property
    def components(self) -> list[Any]:
        """All components that the methods give values for."""
        return [
            *(self.column, self.earlier, self.card, self.scene),
            *(*self.a.components, *self.b.components),
            *(self.status, self.more, self.ask, self.stop, self.opinion, self.boxes, self.tags),
            *(self.comment, *self.votes, self.after, self.own_votes),
        ]

    def hide(self) -> dict[Any, Any]:
        """Return the stage as it is without a battle."""
        return {self.column: gr.Column(visible=False)}

    def show_request(self, battle: BattleState) -> dict[Any, Any]:
        """Show what both are asked, before either has answered."""
        show_image = battle.task in TASKS_WITH_REGIONS
        return {
            self.column: gr.Column(visible=True),
            self.earlier: earlier_rounds(battle),
            self.card: request_card(battle.task, battle.text, ()),
            self.scene: canvas_value(None if show_image else battle.image),
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

    def open_voting(self, battle: BattleState, text: DisplayText = ANSWERED) -> dict[Any, Any]:
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
            self.status: _status_value(text, "votable"),
        }

    def block_voting(self, text: DisplayText = SAVING) -> dict[Any, Any]:
        """Take no second vote while the first one is being saved."""
        return {**self._show_controls(votes=True), self.status: _status_value(text)}

    def end(self, text: DisplayText) -> dict[Any, Any]:
        """Say why the battle cannot be voted on, and offer another one."""
        return {
            **self._show_controls(after=True),
            self.own_votes: "",
            self.status: _status_value(text, "problem"),
        }

    def reveal_models(self, reveal: Reveal, own_votes: int) -> dict[Any, Any]:
        """Say which models answered, and how often the person has voted."""
        vote = reveal.vote
        names = {"a": reveal.a.name, "b": reveal.b.name}
        text = join_texts(
            _CHOSEN[vote.winner],
            TranslatableText("A was {a}, B was {b}.", names),
            _NOT_RATED[vote.exclusion] if vote.exclusion else "",
        )
        both_good = vote.winner is Winner.TIE
        return {
            self.a.heading: _heading_after_vote("A", reveal.a, won=both_good or vote.winner == "a"),
            self.b.heading: _heading_after_vote("B", reveal.b, won=both_good or vote.winner == "b"),
            **self._show_controls(after=True),
            self.own_votes: _board_link(own_votes),
            self.status: _status_value(text, "voted"),
        }

    def _show_answers(
        self, battle: BattleState, a: Reply, b: Reply, *, busy: bool
    ) -> dict[Any, Any]:
        """Show both answers, with the picture on both sides where one of them has regions."""
        show_image = battle.task in TASKS_WITH_REGIONS or has_regions(a) or has_regions(b)
        updates: dict[Any, Any] = {self.scene: canvas_value(None if show_image else battle.image)}
        for pane, reply in ((self.a, a), (self.b, b)):
            anonymous = conceal_family(battle.task, reply)
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
    """Lay out the stage, which is hidden until a battle begins.

    What is asked and both answers scroll above a bar that hides nothing of them.
    """
    with gr.Column(visible=False, elem_id="battle-stage") as column:
        with gr.Column(elem_id="battle-scroll"):
            earlier = gr.HTML(apply_default_css=False)
            card = gr.HTML(apply_default_css=False)
            scene = build_view_canvas("battle-scene", group="battle")
            with gr.Row(elem_classes="panes", equal_height=False):
                a = build_answer_pane("battle-a", "battle", visible=True)
                b = build_answer_pane("battle-b", "battle", visible=True)
            with gr.Row(elem_id="battle-again", equal_height=True):
                more = build_inline_field(
                    say("Ask both models once more"),
                    say("Ask both models…"),
                    "battle-more",
                    max_lines=3,
                )
                ask = gr.Button(say("Ask both"), scale=0, min_width=120, elem_id="battle-ask")
        with gr.Column(elem_id="battle-bar"):
            status = build_html_component(
                _status_value(""), _STATUS_TEMPLATE, _STATUS_SCRIPT, "battle-status"
            )
            with gr.Row(elem_id="battle-votes"):
                votes = tuple(
                    gr.Button(
                        say(words), min_width=60, interactive=False, elem_id=f"battle-vote-{key}"
                    )
                    for key, words in enumerate(VOTE_LABELS.values(), start=1)
                )
                stop = gr.Button(say("Stop"), variant="stop", min_width=60, elem_id="battle-stop")
            with gr.Row(elem_id="battle-opinion") as opinion:
                boxes = gr.Radio(
                    [
                        ("A", Winner.A.value),
                        (say("Tie"), Winner.TIE.value),
                        (say("Both bad"), Winner.BOTH_BAD.value),
                        ("B", Winner.B.value),
                    ],
                    label=say("Which boxes are better? (optional, separate vote)"),
                    elem_id="battle-boxes",
                )
                keep = gr.Checkbox(
                    label=say("Share my prompt and image with this vote (for research)"),
                    elem_id="battle-keep",
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
            with gr.Row(visible=False, elem_id="battle-after") as after:
                keep_image = gr.Checkbox(
                    label=say("Keep the image"), value=True, elem_id="battle-keep-picture"
                )
                own_votes = gr.HTML(elem_id="battle-own-votes", apply_default_css=False)
                following = gr.Button(say("Next battle"), variant="primary", elem_id="battle-next")
    return BattleStage(
        *(column, earlier, card, scene, a, b, status, more, ask, stop, opinion, boxes, tags),
        *(comment, keep, votes, after, keep_image, own_votes, following),
    )


def conceal_family(task: Task, reply: Reply) -> Reply:
    """Return a reply without what only some families or engines give, which would tell them apart.

    Confidences go. Where boxes are asked for, some families write text around them and some none,
    so both are shown as a list of what was found, in the same form.
    """
    mentions = tuple(replace(mention, confidence=None) for mention in reply.mentions)
    bare = replace(reply, mentions=mentions, parsed_places=(), note="", queue_position=0)
    if task not in (Task.GROUNDING, Task.DETECT):
        return replace(bare, text=reply.text.rstrip())
    lines: list[str] = []
    listed: list[Mention] = []
    start = 0
    for mention in mentions:
        if mention.regions:
            listed.append(replace(mention, span=(start, start + len(mention.phrase))))
            lines.append(f"{mention.phrase} ({len(mention.regions)})")
            start += len(lines[-1]) + 1
    return replace(bare, text="\n".join(lines), mentions=tuple(listed))


def _board_link(own_votes: int) -> str:
    """HTML of the link that opens the leaderboard."""
    words = (
        TranslatableText("Leaderboard: you voted once")
        if own_votes == 1
        else TranslatableText("Leaderboard: you voted {count} times", {"count": own_votes})
    )
    return (
        '<a class="link" data-view="leaderboard" href="?view=leaderboard">'
        f"{translatable_html(words)}</a>"
    )


def _status_value(words: DisplayText, tone: str = "") -> str:
    return encode_value({"words": words, "tone": tone})


def _heading_after_vote(side: str, spec: ModelSpec, *, won: bool) -> str:
    badge = '<i class="won" data-say>your choice</i>' if won else ""
    return f"{anonymous_heading(side)}{badge}{model_heading(spec)}"
