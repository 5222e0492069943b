"""Battle: two models answer the same, nobody knows which, and a person votes.

Until the vote, nothing that goes to the browser says who the models are. The battle lives in the
arena: the page holds its name, on the server, and shows what the arena gives out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.arena.battles.active_battles import Status
from vlm_demo.arena.votes.vote import Winner
from vlm_demo.errors import BattleError, VlmDemoError, VotesError
from vlm_demo.ui.arena.battle_rounds import Fight, Round
from vlm_demo.ui.arena.battle_stage import NOT_KEPT, STOPPED, VERDICTS, build_stage
from vlm_demo.ui.arena.compare import build_words, check_words, words_of
from vlm_demo.ui.arena.sides import HINTS, TASKS, WORDLESS
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.model_choice import ABILITIES
from vlm_demo.ui.components.picture_input.examples import Example
from vlm_demo.ui.components.picture_input.input import (
    build_examples,
    build_picture_input,
    wire_examples,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.components.settings.sampling_values import sampled
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.ui.visitors import voter_of
from vlm_demo.values import Request, Sampling

RETRIES_S = (1.0, 2.0, 4.0)
"""Waits between tries to keep a vote, before the person is asked to vote again."""

VOTES: dict[str, Any] = QUEUED | {
    "concurrency_id": "votes",
    "concurrency_limit": 16,
    "trigger_mode": "once",
}
"""Settings of the events that vote, or take votes back."""

EXAMPLES_EACH = 2
"""Examples that are offered, of each task that takes words."""

NO_BATTLE = "There is no battle here. Please begin one."


def build_battle(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the view and wire it to the arena.

    Args:
        tab: the tab at whose opening the newest picture of the page comes in.
        around: the page around it.
    """
    arena, controls = around.arena, around.controls
    fighting = gr.State(None)  # Fight | None
    with gr.Column(elem_id="battle-setup") as setup, gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("battle-picture", around)
        with gr.Column(scale=5, min_width=300):
            kind = gr.Radio(
                [(say(name), name) for name in TASKS],
                value="Chat",
                label=say("Task"),
                elem_id="battle-task",
            )
            words = build_words("battle-words")
            run = gr.Button(say("Ask two models"), variant="primary", elem_id="battle-run")
            gr.HTML(
                "<p class='told' data-say>Two models answer side by side. Who they are is told "
                "after your vote.</p>",
                apply_default_css=False,
            )
            tries = build_examples(_tries(around))
    stage = build_stage()
    with gr.Row(elem_id="battle-data"):
        delete = gr.Button(say("Delete my data"), size="sm", elem_id="battle-delete")
        with gr.Row(visible=False, elem_id="battle-sure") as sure:
            gr.HTML("<p data-say>Delete all your votes for good?</p>", apply_default_css=False)
            really = gr.Button(say("Delete"), variant="stop", size="sm", elem_id="battle-really")
            rather_not = gr.Button(say("Keep them"), size="sm", elem_id="battle-rather-not")

    def answer(
        before: Fight | None, fight: Fight, voter: str, sampling: Sampling
    ) -> Iterator[dict[Any, Any]]:
        """Stream one turn; where it could not be asked, the page is as before."""
        yield {**stage.begun(fight), setup: gr.Column(visible=False), fighting: fight}
        try:
            pictures = () if fight.rounds or fight.picture is None else (fight.picture.open(),)
            request = Request(fight.task, fight.words, pictures, sampling=sampling)
            sides = None
            with closing(arena.answer(fight.battle, voter, request)) as rounds:
                for new in rounds:
                    yield {fighting: gr.skip()} if new == sides else stage.growing(fight, new)
                    sides = new
        except BattleError as error:
            told = replace(before or fight, told=True)
            yield {**left_of(before, voter, str(error)), fighting: told}
            return
        except VlmDemoError:
            if before is None:
                yield {**stage.hidden, setup: gr.Column(visible=True), fighting: None}
            else:
                yield {**stage.votable(before), fighting: before}
            raise
        if sides is not None:
            done = replace(fight, rounds=(*fight.rounds, Round(fight.words, sides.a, sides.b)))
            yield {**stage.votable(done), fighting: done}

    def left_of(fight: Fight | None, voter: str, words: str) -> dict[Any, Any]:
        """Say what went wrong, with the vote where there can still be one."""
        try:
            votable = fight and arena.status(fight.battle, voter) is Status.VOTABLE
        except BattleError:
            votable = False
        return stage.votable(fight, words) if fight and votable else stage.ended(words)

    def begin(
        visit: gr.Request, picture: Picture | None, name: str, text: str, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            task = TASKS[name]
            check_words(task, text, picture)
            voter = voter_of(visit)
            asked = "" if task in WORDLESS else text.strip()
            fight = Fight(arena.begin(task, voter), task, picture, asked)
            yield from answer(None, fight, voter, sampled(Sampling(), *settings))

    def go_on(visit: gr.Request, before: Fight | None, text: str, *settings: Any) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            if before is None:
                raise BattleError(NO_BATTLE)
            check_words(before.task, text, before.picture)
            fight = replace(before, words=text.strip(), told=False)
            yield from answer(before, fight, voter_of(visit), sampled(Sampling(), *settings))

    def settle(visit: gr.Request, fight: Fight | None) -> dict[Any, Any]:
        """Say what became of a battle whose answers did not come to their end."""
        if fight is None or fight.told:
            return {fighting: gr.skip()}
        try:
            over = arena.status(fight.battle, voter_of(visit)) in (Status.ANSWERING, Status.VOID)
        except BattleError as error:
            return stage.ended(str(error))
        return stage.ended(STOPPED) if over else {fighting: gr.skip()}

    def vote_for(winner: Winner) -> Callable[..., Iterator[Any]]:
        def vote(
            visit: gr.Request,
            fight: Fight | None,
            boxes: str | None,
            tags: Sequence[str] | None,
            comment: str | None,
            keep: bool,
        ) -> Iterator[Any]:
            yield gr.skip()
            with errors_shown():
                if fight is None:
                    raise BattleError(NO_BATTLE)
                voter = voter_of(visit)
                yield stage.keeping()
                try:
                    yield from kept(fight, voter, winner, boxes, tags, comment, keep)
                except VlmDemoError as error:
                    yield left_of(fight, voter, str(error))
                except Exception:  # whatever it is, the battle is not lost
                    yield left_of(fight, voter, NOT_KEPT)
                    raise

        return vote

    def kept(
        fight: Fight,
        voter: str,
        winner: Winner,
        boxes: str | None,
        tags: Sequence[str] | None,
        comment: str | None,
        keep: bool,
    ) -> Iterator[Any]:
        """Vote, and again where the database fails: a lock or a full disk may pass."""
        for wait_s in (*RETRIES_S, None):
            try:
                reveal = arena.vote(
                    fight.battle,
                    voter,
                    winner,
                    boxes=Winner(boxes) if boxes else None,
                    tags=tags or (),
                    comment=comment or "",
                    keep=keep,
                )
            except VotesError as error:
                if wait_s is None:
                    raise
                yield stage.keeping(f"{error} Trying again…")
                time.sleep(wait_s)
            else:
                yield stage.revealed(reveal)
                return

    def follow(keep_picture: bool) -> dict[Any, Any]:
        """Make room for the next battle."""
        gone = {} if keep_picture else {own.board: shown(None), own.picture: None}
        return {
            **stage.hidden,
            setup: gr.Column(visible=True),
            fighting: None,
            words: "",
            **gone,
            **({} if keep_picture else {around.newest: None}),
        }

    def forget(visit: gr.Request) -> dict[Any, Any]:
        with errors_shown():
            count = arena.forget(voter_of(visit))
            gr.Info("One vote was deleted." if count == 1 else f"{count} votes were deleted.")
            return {**follow(True), **sure_about(False)}
        return sure_about(False)

    def filled(example: Example) -> Mapping[Component, Any]:
        return {kind: ABILITIES[example.task], words: example.words}

    def sure_about(asked: bool) -> dict[Any, Any]:
        return {sure: gr.Row(visible=asked), delete: gr.Button(visible=not asked)}

    everything = [fighting, setup, *stage.components]
    asking: list[Any] = [
        gr.on(
            [run.click, words.submit],
            begin,
            [own.picture, kind, words, *controls.settings],
            everything,
            **ANSWERS,
        ),
        gr.on(
            [stage.ask.click, stage.more.submit],
            go_on,
            [fighting, stage.more, *controls.settings],
            everything,
            **ANSWERS,
        ),
    ]
    for event in asking:
        event.then(settle, fighting, everything, **QUICK)
    stage.stop.click(None, None, None, cancels=asking, **QUICK)
    said = [fighting, stage.boxes, stage.tags, stage.comment, stage.keep]
    for winner, button in zip(VERDICTS, stage.votes, strict=True):
        button.click(vote_for(winner), said, everything, **VOTES)
    cleared = [*everything, words, own.board, own.picture, around.newest]
    stage.next.click(follow, stage.keep_picture, cleared, **QUICK)
    kind.change(words_of, kind, words, **QUICK)
    wire_picture_input(tab, around, own, {}, cancels=[])
    wire_examples(tries, around, own, filled, [kind, words], run=run, cancels=[])
    for button, asked in ((delete, True), (rather_not, False)):
        button.click(partial(sure_about, asked), None, [sure, delete], **QUICK)
    really.click(forget, None, [*cleared, sure, delete], cancels=asking, **VOTES)


def _tries(around: PageContext) -> tuple[Example, ...]:
    """Return a few examples of each task; of a list of possible answers, a battle knows nothing."""
    return tuple(
        example
        for task in HINTS
        for example in [
            example for example in around.examples_for(task) if "|" not in example.words
        ][:EXAMPLES_EACH]
    )
