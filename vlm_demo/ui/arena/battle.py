"""Battle: two models answer the same request, nobody knows which, and a person votes.

Until the vote, nothing that goes to the browser says which models they are. The battle lives in the
arena: the page holds its name, on the server, and shows what the arena gives out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from vlm_demo.arena.battles.active_battles import BattleStatus
from vlm_demo.arena.votes.vote import Selection, Winner
from vlm_demo.errors import BattleError, VlmDemoError, VotesError
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message
from vlm_demo.ui.arena.battle_setup import (
    BattleSetup,
    VoteDeletion,
    build_battle_setup,
    build_vote_deletion,
)
from vlm_demo.ui.arena.battle_stage import (
    NOT_SAVED,
    STOPPED,
    VOTE_LABELS,
    BattleStage,
    build_battle_stage,
)
from vlm_demo.ui.arena.battle_state import BattleRound, BattleState
from vlm_demo.ui.arena.request_form import TASKS, check_request
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.image_input import (
    wire_examples,
    wire_image_input,
    wire_random_example,
)
from vlm_demo.ui.components.settings.sampling_values import build_sampling
from vlm_demo.ui.components.task_form import TASKS_WITHOUT_TEXT
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUEUED, QUICK
from vlm_demo.ui.streaming import show_errors, show_message
from vlm_demo.ui.visitors import read_owner, read_standing, read_voter
from vlm_demo.values import Request, Sampling

RETRIES_S = (1.0, 2.0, 4.0)
"""Waits between attempts to save a vote, before the person is asked to vote again."""

VOTES: dict[str, Any] = QUEUED | {
    "concurrency_id": "votes",
    "concurrency_limit": 16,
    "trigger_mode": "once",
}
"""Settings of the events that cast or delete votes."""

NO_BATTLE = message("There is no battle here. Start one.")


def build_battle(opening: Opening, page: PageContext) -> None:
    """Lay out the view and wire it to the arena.

    Args:
        opening: the newest picture of the page comes in at it.
        page: what the page shares with its tabs.
    """
    setup, stage = build_battle_setup(page), build_battle_stage()
    view = _BattleView(page, setup, stage, build_vote_deletion(), gr.State(None))
    asking = view.wire_requests()
    view.wire_votes(asking)
    wire_image_input(opening, setup.image, {}, cancels=[])
    filled = [setup.task, setup.text]
    wire_examples(
        setup.examples, setup.image, setup.fill_example, filled, run=setup.run, cancels=[]
    )
    wire_random_example(
        setup.random, setup.pool, setup.image, setup.fill_example, filled, run=setup.run
    )


@dataclass(frozen=True, slots=True)
class _BattleView:
    """The components of the view, and what happens on them."""

    page: PageContext
    setup: BattleSetup
    stage: BattleStage
    deletion: VoteDeletion
    battle: gr.State  # BattleState | None

    @property
    def components(self) -> list[Any]:
        """What a battle changes."""
        return [self.battle, self.setup.column, *self.stage.components]

    def wire_requests(self) -> list[Any]:
        """Wire what asks the two models, and return those events."""
        setup, stage, settings = self.setup, self.stage, self.page.controls.sampling_inputs
        asking: list[Any] = [
            gr.on(
                [setup.run.click, setup.text.submit],
                self.begin,
                [setup.image.image, setup.task, setup.text, *settings],
                self.components,
                **ANSWERS,
            ),
            gr.on(
                [stage.ask.click, stage.more.submit],
                self.ask_again,
                [self.battle, stage.more, *settings],
                self.components,
                **ANSWERS,
            ),
        ]
        for event in asking:
            event.then(self.settle, self.battle, self.components, **QUICK)
        stage.stop.click(None, None, None, cancels=asking, **QUICK)
        return asking

    def wire_votes(self, asking: list[Any]) -> None:
        """Wire what votes, deletes votes, and makes room for the next battle."""
        setup, stage, deletion = self.setup, self.stage, self.deletion
        opinion = [self.battle, stage.boxes, stage.tags, stage.comment, stage.keep]
        for winner, button in zip(VOTE_LABELS, stage.votes, strict=True):
            button.click(self.vote_for(winner), opinion, self.components, **VOTES)
        image = setup.image
        emptied = [*self.components, setup.text, image.canvas, image.image, self.page.newest_image]
        stage.next.click(self.start_over, stage.keep_image, emptied, **QUICK)
        deletion.confirm.click(
            self.delete_votes, None, [*emptied, *deletion.components], cancels=asking, **VOTES
        )

    def begin(
        self, visit: gr.Request, image: UploadedImage | None, name: str, text: str, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            task = TASKS[name]
            check_request(task, text, image)
            voter = read_voter(visit)
            text = "" if task in TASKS_WITHOUT_TEXT else text.strip()
            battle = BattleState(self.page.arena.begin(task, voter), task, image, text)
            yield from self._stream(None, battle, visit, _battle_sampling(*settings))

    def ask_again(
        self, visit: gr.Request, before: BattleState | None, text: str, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            if before is None:
                raise BattleError(NO_BATTLE)
            check_request(before.task, text, before.image)
            battle = replace(before, text=text.strip(), is_problem_shown=False)
            yield from self._stream(before, battle, visit, _battle_sampling(*settings))

    def _stream(
        self,
        before: BattleState | None,
        battle: BattleState,
        visit: gr.Request,
        sampling: Sampling,
    ) -> Iterator[dict[Any, Any]]:
        """Stream one turn; where it could not be asked, the page is as before."""
        stage, setup = self.stage, self.setup
        voter, owner = read_voter(visit), read_owner(visit)
        yield {**stage.show_request(battle), **setup.hide(), self.battle: battle}
        try:
            first = not battle.rounds
            images = (battle.image.open(),) if first and battle.image else ()
            request = Request(battle.task, battle.text, images, sampling=sampling, visitor=owner)
            sides = None
            with (
                self.page.backend.quota.admit(owner),
                closing(self.page.arena.answer(battle.battle, voter, request)) as updates,
            ):
                for new in updates:
                    yield (
                        {self.battle: gr.skip()}
                        if new == sides
                        else stage.show_progress(battle, new)
                    )
                    sides = new
        except BattleError as error:
            state = replace(before or battle, is_problem_shown=True)
            yield {**self._show_problem(before, voter, error.message), self.battle: state}
            return
        except VlmDemoError:
            if before is None:
                yield {**stage.hide(), **setup.show(), self.battle: None}
            else:
                yield {**stage.open_voting(before), self.battle: before}
            raise
        if sides is not None:
            newest = BattleRound(battle.text, sides.a, sides.b)
            complete = replace(battle, rounds=(*battle.rounds, newest))
            yield {**stage.open_voting(complete), self.battle: complete}

    def _show_problem(
        self, battle: BattleState | None, voter: str, text: DisplayText
    ) -> dict[Any, Any]:
        """Say what went wrong, and let the person vote where that is still possible."""
        try:
            votable = battle and self._status(battle, voter) is BattleStatus.VOTABLE
        except BattleError:
            votable = False
        if battle and votable:
            return self.stage.open_voting(battle, text)
        return self.stage.end(text)

    def _status(self, battle: BattleState, voter: str) -> BattleStatus:
        return self.page.arena.status(battle.battle, voter)

    def settle(self, visit: gr.Request, battle: BattleState | None) -> dict[Any, Any]:
        """Say what became of a battle whose answers were not completed."""
        if battle is None or battle.is_problem_shown:
            return {self.battle: gr.skip()}
        try:
            over = self._status(battle, read_voter(visit)) in (
                BattleStatus.ANSWERING,
                BattleStatus.VOID,
            )
        except BattleError as error:
            return self.stage.end(error.message)
        return self.stage.end(STOPPED) if over else {self.battle: gr.skip()}

    def vote_for(self, winner: Winner) -> Callable[..., Iterator[Any]]:
        """Return the handler of a button that votes."""

        def vote(
            visit: gr.Request,
            battle: BattleState | None,
            boxes: str | None,
            tags: Sequence[str] | None,
            comment: str | None,
            keep: bool,
        ) -> Iterator[Any]:
            yield gr.skip()
            with show_errors():
                if battle is None:
                    raise BattleError(NO_BATTLE)
                voter = read_voter(visit)
                yield self.stage.block_voting()
                opinion = {
                    "boxes": Winner(boxes) if boxes else None,
                    "tags": tags or (),
                    "comment": comment or "",
                    "keep": keep,
                    "standing": read_standing(visit),
                }
                try:
                    yield from self._save_vote(battle, voter, winner, opinion)
                except VlmDemoError as error:
                    yield self._show_problem(battle, voter, error.message)
                except Exception:  # whatever it is, the battle is not lost
                    yield self._show_problem(battle, voter, NOT_SAVED)
                    raise

        return vote

    def _save_vote(
        self,
        battle: BattleState,
        voter: str,
        winner: Winner,
        opinion: Mapping[str, Any],
    ) -> Iterator[Any]:
        """Vote, and try again where the database fails: a lock or a full disk may pass."""
        for wait_s in (*RETRIES_S, None):
            try:
                reveal = self.page.arena.vote(battle.battle, voter, winner, **opinion)
            except VotesError as error:
                if wait_s is None:
                    raise
                yield self.stage.block_voting(join_texts(error.message, message("Trying again…")))
                time.sleep(wait_s)
            else:
                yield self.stage.reveal_models(reveal, self._count_votes(voter))
                return

    def _count_votes(self, voter: str) -> int:
        return self.page.leaderboards.leaderboard(Selection(voter=voter)).votes

    def start_over(self, keep_image: bool) -> dict[Any, Any]:
        """Make room for the next battle."""
        image = self.setup.image
        gone = {image.canvas: canvas_value(None), image.image: None, self.page.newest_image: None}
        return {
            **self.stage.hide(),
            **self.setup.show(),
            self.battle: None,
            self.setup.text: "",
            **({} if keep_image else gone),
        }

    def delete_votes(self, visit: gr.Request) -> dict[Any, Any]:
        answered = self.deletion.show_question(False)
        with show_errors():
            count = self.page.arena.forget(read_voter(visit))
            deleted = message("One vote was deleted.")
            if count != 1:
                deleted = message("{count} votes were deleted.")
            text = TranslatableText(deleted, {"count": count})
            show_message(gr.Info, text)
            return {**self.start_over(True), **answered}
        return answered


def _battle_sampling(*settings: Any) -> Sampling:
    """Return the settings for both models; each reasons or not as it does by itself."""
    return replace(build_sampling(Sampling(), *settings), thinking=None)
