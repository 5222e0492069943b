"""Answers a turn of Studio: the stream of events from the first sign of life to the end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as StopSign

from vlm_demo.analysis.confidence import find_calibration
from vlm_demo.analysis.multiple_choice import Ranking, rank_in_every_order
from vlm_demo.analysis.reread import reread
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import ForgottenImageError, InputError, NoScoresError
from vlm_demo.images.data_uri import decode_data_uri
from vlm_demo.images.opening import open_image
from vlm_demo.prompting.targets import TARGET_TASKS, read_targets
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer.answer_stream import stream_answer
from vlm_demo.ui.components.answer.larger_models import offer_larger_model
from vlm_demo.ui.components.answer.remedies import Remedy, find_remedies
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.streaming import compute_in_thread, error_message
from vlm_demo.ui.studio.answering.events import (
    Differ,
    Event,
    end_event,
    failure_event,
    orders_event,
    ranking_event,
    stop_event,
    text_data,
    waiting_event,
)
from vlm_demo.ui.studio.answering.mentions import make_sendable
from vlm_demo.ui.studio.answering.protocol import EarlierAnswer, StudioRequest, read_sent
from vlm_demo.ui.studio.answering.requests import (
    build_request,
    describe_restart,
    describe_weights,
    visible_image_indices,
)
from vlm_demo.ui.studio.answering.running import RunningTurns
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.values import Reply, ReplyState, Request, TargetResult, Task

Events = Generator[list[Event], None, None]
"""Lists of events; an empty one is a sign of life, at which the stream can be closed."""


@dataclass(frozen=True, slots=True)
class StudioAnswers:
    """Answers turns."""

    backend: Backend
    settings: Settings
    images: ImageStore
    running: RunningTurns

    def answer(self, sent: object, owner: str, picture: str = "") -> Events:
        """Answer a turn; the last event is `done` or `failed`. Closing the stream stops the model.

        Args:
            sent: what the browser sent, a `StudioRequest`.
            owner: the visitor.
            picture: a data URI of the only picture, which is not kept; "": the visitor's pictures.
        """
        yield []  # from here on, the stream can be closed
        try:
            asked = read_sent(StudioRequest, sent)
        except InputError as error:
            yield [failure_event(error_message(error), [], None)]
            return
        try:
            with (
                self.backend.quota.admit(owner),
                self.running.run(owner, asked.turn) as stop,
            ):
                request = self._build(asked, owner, picture)
                with closing(self._stream(asked, request, stop)) as events:
                    yield from events
        except Exception as error:  # whatever it is, the visitor is told
            yield [self.failure(error, asked.model, asked.task)]

    def _build(self, asked: StudioRequest, owner: str, picture: str) -> Request:
        if not picture:
            return build_request(self.backend, self.images, asked, owner)
        most = self.settings.max_upload_bytes
        content = decode_data_uri(picture, max_bytes=most)
        pixels = open_image(content, max_bytes=most, max_pixels=self.settings.max_pixels)
        without = asked.model_copy(update={"images": []})
        return replace(build_request(self.backend, self.images, without, owner), images=(pixels,))

    def _stream(self, asked: StudioRequest, request: Request, stop: StopSign) -> Events:
        if asked.earlier is not None:
            yield self._read_again(asked, request, asked.earlier)
            return
        if asked.test_orders and not request.choices:
            raise InputError("To test the option order, enter possible answers.")
        if not request.choices or request.task is not Task.VQA:
            yield from self._write(asked, request, stop)
            return
        rank = self._rank_orders if asked.test_orders else self._rank
        try:
            yield from rank(asked, request, stop)
        except NoScoresError:
            yield from self._write(asked, request, stop)

    def _write(self, asked: StudioRequest, request: Request, stop: StopSign) -> Events:
        """Let the model write."""
        differ = Differ(
            visible_image_indices(self.backend, asked),
            lambda reply: find_calibration(self._answering(asked, reply)),
        )
        newest = Reply("", "")
        with closing(stream_answer(self.backend, asked.model, request)) as replies:
            for new in replies:
                if stop.is_set():
                    break
                if isinstance(new, Waiting):
                    yield [waiting_event(new)]
                elif new is None:
                    yield []
                else:
                    newest = make_sendable(self._in_space(asked, request, new))
                    yield differ.events(newest)
        spec = self._answering(asked, newest)
        number_format = self.backend.number_format(spec.name)
        notes = (*describe_restart(self.backend, asked), *describe_weights(number_format, newest))
        named = replace(newest, model=spec.name)
        remedies = list(map(_remedy_event, offer_larger_model(self.backend, named, asked.task)))
        done = end_event(newest, asked.task, spec, asked.space, notes, remedies)
        rest = differ.events(newest, is_complete=True)
        yield [*rest, stop_event(done) if stop.is_set() else done]

    def _answering(self, asked: StudioRequest, reply: Reply) -> ModelSpec:
        """Return the model that answers: an entry of the menu may stand for several."""
        return self.backend.spec(reply.model or asked.model)

    def _in_space(self, asked: StudioRequest, request: Request, reply: Reply) -> Reply:
        """Read a reply in the coordinate space that was chosen for it, if one was."""
        if not asked.space:
            return reply
        again = reread(self._answering(asked, reply), request, reply, asked.space)
        return replace(again, model=reply.model)

    def _read_again(
        self, asked: StudioRequest, request: Request, earlier: EarlierAnswer
    ) -> list[Event]:
        """Read an earlier answer in another coordinate space; on a page of one's own, note it."""
        spec = self.backend.spec(asked.model)
        self.backend.check(asked.model, request)
        names = read_targets(request.text) if request.task in TARGET_TASKS else ()
        raws = earlier.raws if len(earlier.raws) == len(names) else [""] * len(names)
        results = tuple(
            TargetResult(name, ReplyState.NONE, raw)
            for name, raw in zip(names if len(names) > 1 else (), raws, strict=False)
        )
        before = Reply(earlier.raw, "", targets=results)
        reply = make_sendable(reread(spec, request, before, asked.space))
        if self.settings.is_private():
            self.backend.choose_space(asked.model, asked.space)
        differ = Differ(
            visible_image_indices(self.backend, asked), lambda _: find_calibration(spec)
        )
        events = differ.events(reply, is_complete=True)
        return [
            *events,
            end_event(reply, asked.task, self.backend.spec(asked.model), asked.space),
        ]

    def _rank(self, asked: StudioRequest, request: Request, stop: StopSign) -> Events:
        """Say how probable each of the possible answers is."""
        differ = Differ(())
        compute = partial(self.backend.score, asked.model, request)
        for logprobs in compute_in_thread(compute):
            if logprobs is None:
                yield []
                continue
            ranking = Ranking.of(request.choices, logprobs)
            best = Reply(ranking.best, ranking.best)
            done = end_event(best, asked.task, self.backend.spec(asked.model), "")
            yield [ranking_event(ranking), *differ.events(best, is_complete=True), done]

    def _rank_orders(self, asked: StudioRequest, request: Request, stop: StopSign) -> Events:
        """Compare the possible answers in one rotation after another."""
        differ, best = Differ(()), Reply("", "")
        circles = rank_in_every_order(request, partial(self.backend.score, asked.model))
        for _ in request.choices:
            for circle in compute_in_thread(lambda: next(circles)):
                if stop.is_set():
                    break
                if circle is None:
                    yield []
                    continue
                best = Reply(circle.mean.best, circle.mean.best)
                yield [orders_event(circle), *differ.events(best, is_complete=True)]
        done = end_event(best, asked.task, self.backend.spec(asked.model), "")
        yield [stop_event(done) if stop.is_set() else done]

    def failure(self, error: Exception, model: str, task: Task) -> Event:
        """Return what a visitor is told of an error, with what can be done."""
        found = find_remedies(error, self.backend, model, task)
        remedies = list(map(_remedy_event, found))
        gone = error.image_id if isinstance(error, ForgottenImageError) else None
        return failure_event(error_message(error), remedies, gone)


def _remedy_event(remedy: Remedy) -> Event:
    return {
        "action": remedy.action.value,
        "label": text_data(remedy.label),
        "choice": remedy.choice,
    }
