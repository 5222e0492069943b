"""The stage of a battle: what both sides answer, the vote, and who was who."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from vlm_demo.arena.battles.paired_streams import Sides
from vlm_demo.arena.votes.vote import Exclusion, Winner
from vlm_demo.ui.arena.battle_rounds import Fight, earlier_rounds, side_heading
from vlm_demo.ui.arena.sides import (
    WITH_PLACES,
    WORDLESS,
    Pane,
    build_pane,
    has_places,
    named,
    outcome,
    request_card,
)
from vlm_demo.ui.components.answer.view import waiting, written
from vlm_demo.ui.html_values import as_value
from vlm_demo.ui.i18n import say
from vlm_demo.values import Reply

if TYPE_CHECKING:  # what holds battles also loads the database
    from vlm_demo.arena.battles.arena import Reveal

VERDICTS = {
    Winner.A: "A is better",
    Winner.B: "B is better",
    Winner.TIE: "Tie",
    Winner.BOTH_BAD: "Both are bad",
}
"""The votes, in the order of their keys, 1 to 4."""

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
KEEPING = "Keeping your vote…"
NOT_KEPT = "Your vote could not be kept. Please vote again."

_CHOSEN = {
    Winner.A: "You chose A.",
    Winner.B: "You chose B.",
    Winner.TIE: "You called it a tie.",
    Winner.BOTH_BAD: "You found both bad.",
}

_NOT_RATED = {
    Exclusion.IDENTITY: "It is not rated: the words give away who a model is.",
    Exclusion.REPEAT: "It is not rated: you have judged these two on this before.",
}

_STATUS = '<p class="battle-status" role="status"></p>'

_SHOW_STATUS = """
const panes = () => element.closest('#battle-stage').querySelector('.panes');
const line = element.querySelector('.battle-status');
const show = () => {
  const { words = '', tone = '' } = JSON.parse(props.value || '{}');
  line.textContent = say.whole(words);
  if (tone === 'voted' && line.dataset.tone !== tone) panes().scrollIntoView({ block: 'start' });
  line.dataset.tone = tone;
};
watch('value', show);
show();
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The components of the stage, and what they show in each state of a battle."""

    column: gr.Column
    earlier: gr.HTML
    card: gr.HTML
    a: Pane
    b: Pane
    status: gr.HTML
    more: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    opinion: gr.Column
    boxes: gr.Radio
    tags: gr.CheckboxGroup
    comment: gr.Textbox
    keep: gr.Checkbox
    votes: tuple[gr.Button, ...]  # in the order of `VERDICTS`
    after: gr.Row
    keep_picture: gr.Checkbox
    next: gr.Button

    @property
    def components(self) -> list[Any]:
        """All that its methods give values for."""
        return [
            *(self.column, self.earlier, self.card, *self.a.components, *self.b.components),
            *(self.status, self.more, self.ask, self.stop, self.opinion, self.boxes, self.tags),
            *(self.comment, *self.votes, self.after),
        ]

    @property
    def hidden(self) -> dict[Any, Any]:
        """How it looks where there is no battle."""
        return {self.column: gr.Column(visible=False)}

    def begun(self, fight: Fight) -> dict[Any, Any]:
        """Show what both are asked, while nothing is answered yet."""
        placed = fight.task in WITH_PLACES
        pictures = [] if fight.rounds else fight.pictures
        return {
            self.column: gr.Column(visible=True),
            self.earlier: earlier_rounds(fight),
            self.card: request_card(fight.task, fight.words, pictures),
            **self.a.cleared(side_heading("A", "b"), fight.picture, placed=placed),
            **self.b.cleared(side_heading("B", "b"), fight.picture, placed=placed),
            self.a.answer: waiting(),
            self.b.answer: waiting(),
            self.boxes: gr.Radio(value=None),
            self.tags: [],
            self.comment: "",
            **self._controls(stop=True, votes=True),
            self.status: _told(ANSWERING),
        }

    def growing(self, fight: Fight, sides: Sides) -> dict[Any, Any]:
        """Show what may be seen of both answers."""
        return {
            **self._answers(fight, sides.a, sides.b, busy=True),
            self.status: _told(sides.waiting or ANSWERING),
        }

    def votable(self, fight: Fight, words: str = ANSWERED) -> dict[Any, Any]:
        """Let the person vote, or ask both once more."""
        newest = fight.rounds[-1]
        placed = fight.task in WITH_PLACES or any(
            has_places(reply) for past in fight.rounds for reply in (past.a, past.b)
        )
        return {
            **self._answers(fight, newest.a, newest.b, busy=False),
            **self._controls(more=fight.task not in WORDLESS, votes=True, open_to_votes=True),
            self.boxes: gr.Radio(visible=placed),
            self.status: _told(words, "votable"),
        }

    def keeping(self, words: str = KEEPING) -> dict[Any, Any]:
        """Take no second vote while the first one is being kept."""
        return {**self._controls(votes=True), self.status: _told(words)}

    def ended(self, words: str) -> dict[Any, Any]:
        """Say why the battle cannot be voted on, and offer another one."""
        return {**self._controls(after=True), self.status: _told(words, "problem")}

    def revealed(self, reveal: Reveal) -> dict[Any, Any]:
        """Say who was who."""
        vote = reveal.vote
        words = [f"{_CHOSEN[vote.winner]} A was {reveal.a.name}, B was {reveal.b.name}."]
        if vote.exclusion:
            words.append(_NOT_RATED[vote.exclusion])
        both_good = vote.winner is Winner.TIE
        return {
            self.a.heading: _revealed("A", named(reveal.a), won=both_good or vote.winner == "a"),
            self.b.heading: _revealed("B", named(reveal.b), won=both_good or vote.winner == "b"),
            **self._controls(after=True),
            self.status: _told(" ".join(words), "voted"),
        }

    def _answers(self, fight: Fight, a: Reply, b: Reply, *, busy: bool) -> dict[Any, Any]:
        """Show both answers, with the picture on both sides where there are places on one."""
        placed = fight.task in WITH_PLACES or has_places(a) or has_places(b)
        new: dict[Any, Any] = {}
        for pane, reply in ((self.a, a), (self.b, b)):
            seen = _without_confidence(reply)
            note, tone = outcome(fight.task, seen) if not busy else ("", "")
            new |= pane.drawn(fight.picture, seen, placed=placed)
            new[pane.answer] = written(seen, busy=busy, note=note, tone=tone, secret=True)
        return new

    def _controls(
        self,
        *,
        stop: bool = False,
        more: bool = False,
        votes: bool = False,
        open_to_votes: bool = False,
        after: bool = False,
    ) -> dict[Any, Any]:
        """Return which controls there are: all others are hidden."""
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


def build_stage() -> Stage:
    """Lay out the stage, which is hidden until a battle begins."""
    with gr.Column(visible=False, elem_id="battle-stage") as column:
        earlier = gr.HTML(apply_default_css=False)
        card = gr.HTML(apply_default_css=False)
        with gr.Row(elem_classes="panes", equal_height=False):
            a = build_pane("battle-a", "battle", visible=True)
            b = build_pane("battle-b", "battle", visible=True)
        with gr.Row(elem_classes="search", equal_height=True):
            more = gr.Textbox(
                placeholder=say("Ask both models…"),
                label=say("Ask both models once more"),
                show_label=False,
                container=False,
                max_lines=3,
                scale=8,
                min_width=200,
                elem_id="battle-more",
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
                label=say("Whose boxes are better? Optional, and a vote of its own"),
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
            status = gr.HTML(
                _told(""), html_template=_STATUS, js_on_load=_SHOW_STATUS, apply_default_css=False
            )
            with gr.Row(elem_id="battle-votes"):
                votes = tuple(
                    gr.Button(
                        say(words), min_width=80, interactive=False, elem_id=f"battle-vote-{key}"
                    )
                    for key, words in enumerate(VERDICTS.values(), start=1)
                )
                stop = gr.Button(say("Stop"), variant="stop", min_width=80, elem_id="battle-stop")
            with gr.Row(visible=False, elem_id="battle-after") as after:
                keep_picture = gr.Checkbox(
                    label=say("Keep the picture"), value=True, elem_id="battle-keep-picture"
                )
                following = gr.Button(say("Next battle"), variant="primary", elem_id="battle-next")
    return Stage(
        *(column, earlier, card, a, b, status, more, ask, stop, opinion, boxes, tags, comment),
        *(keep, votes, after, keep_picture, following),
    )


def _told(words: str, tone: str = "") -> str:
    return as_value({"words": words, "tone": tone})


def _without_confidence(reply: Reply) -> Reply:
    """Leave out how sure the model is, which not every engine says."""
    bare = tuple(replace(mention, confidence=None) for mention in reply.mentions)
    return replace(reply, mentions=bare, marks=(), note="", ahead=0)


def _revealed(side: str, name: str, *, won: bool) -> str:
    badge = '<i class="won" data-say>your choice</i>' if won else ""
    return f"{side_heading(side)}{badge}<br>{name}"
