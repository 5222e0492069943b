"""The calls about films: things are found through one, and what was found is exported."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import gradio as gr
from pydantic import Field

from vlm_demo.analysis.tracking import TrackingStep, track
from vlm_demo.engines.channel import HEARTBEAT_S, Channel
from vlm_demo.errors import InputError, MissingImageError
from vlm_demo.markup.region_json import BoxModel
from vlm_demo.media.film import Film
from vlm_demo.media.film_strip import STRIP_FRAMES, strip_times
from vlm_demo.media.tracks import FrameTime, Track, TrackBox, TrackedFilm
from vlm_demo.rendering.export.film_tracks import FILM_FORMATS, export_film
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.ui.calls import explain_errors
from vlm_demo.ui.components.uploaded_images import file_url
from vlm_demo.ui.files.folders import make_folder
from vlm_demo.ui.studio.answering.answers import StudioAnswers
from vlm_demo.ui.studio.answering.blocks import AnswerBlocks
from vlm_demo.ui.studio.answering.events import Event, end_event, stop_event, text_data
from vlm_demo.ui.studio.answering.protocol import Name, Sent, StudioRequest, Text, read_sent
from vlm_demo.ui.studio.answering.requests import read_sampling
from vlm_demo.ui.visitors import read_owner
from vlm_demo.units import format_film_time
from vlm_demo.values import Box, Reply, ReplyState, Task

MAX_TRACKS = 2_000
"""Largest number of tracks that a browser sends back to be exported."""


class SentPlace(Sent):
    """Where a thing is in one frame."""

    frame: int = Field(strict=True, ge=0, lt=10_000)
    box: BoxModel
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    is_estimated: bool = False


class SentTrack(Sent):
    """One thing through a film."""

    id: int = Field(strict=True, ge=0, lt=1_000_000)
    label: Text
    boxes: list[SentPlace] = Field(max_length=10_000)


class SentFrame(Sent):
    """A frame that was looked at."""

    index: int = Field(strict=True, ge=0, lt=1 << 31)
    seconds: Annotated[float, Field(ge=0, lt=1e7, allow_inf_nan=False)]
    place: int = Field(0, strict=True, ge=0, lt=10_000)
    """Which frame of the strip it is on the page, from 0."""


class SentTracks(Sent):
    """What was found through a film."""

    image: Name
    frames: list[SentFrame] = Field(max_length=10_000)
    tracks: list[SentTrack] = Field(max_length=MAX_TRACKS)

    def to_tracked(self, film: Film) -> TrackedFilm:
        """Return it as a value.

        Raises:
            InputError: it names frames that it does not have.
        """
        frames = tuple(FrameTime(one.index, one.seconds) for one in self.frames)
        if any(place.frame >= len(frames) for one in self.tracks for place in one.boxes):
            raise InputError("What was found in this video is damaged and cannot be saved.")
        return TrackedFilm(film, frames, tuple(map(_to_track, self.tracks)))


@dataclass(frozen=True)
class FilmCalls:
    """The calls as methods, whose names are those of the API."""

    answers: StudioAnswers

    def studio_track(
        self, sent: dict[str, Any], request: gr.Request
    ) -> Generator[list[Event], None, None]:
        """Find things through a film; yield what was found until now after each frame.

        Closing the stream stops the model.

        Args:
            sent: a `StudioRequest` with `targets`, and the film as its only picture.
            request: who asks.
        """
        yield []  # from here on, the stream can be closed
        model, answers, owner = "", self.answers, read_owner(request)
        try:
            asked = read_sent(StudioRequest, sent)
            model = asked.model
            with (
                answers.backend.quota.admit(owner),
                answers.running.run(owner, asked.turn) as stop,
            ):
                result: TrackedFilm | None = None
                with closing(self._steps(asked, owner)) as steps:
                    for step in steps:
                        if stop.is_set():
                            break
                        if step is not None:
                            result = step.result
                        yield [] if step is None else [film_event(step.result)]
                done = self._end(result, model)
                yield [*_text_events(result), stop_event(done) if stop.is_set() else done]
        except Exception as error:  # whatever it is, the visitor is told
            yield [answers.failure(error, model, Task.GROUNDING)]

    def studio_track_export(
        self, form: str, sent: dict[str, Any], request: gr.Request
    ) -> dict[str, Any]:
        """Write what was found through a film, in one of `FILM_FORMATS`: `{url, name}`."""

        def export() -> dict[str, Any]:
            known = next((one for one in FILM_FORMATS if one == form), None)
            if known is None:
                raise InputError("There is no such format.")
            owner, found = read_owner(request), read_sent(SentTracks, sent)
            name = self.answers.images.find(found.image, owner).name
            tracked = found.to_tracked(self.answers.images.find_film(found.image, owner))
            file = export_film(tracked, known, make_folder(owner), name.rpartition(".")[0] or name)
            return {"url": file_url(file), "name": file.name}

        return explain_errors(export)

    def _steps(
        self, asked: StudioRequest, owner: str
    ) -> Generator[TrackingStep | None, None, None]:
        if not asked.images:
            raise MissingImageError("Add a video first.")
        film = self.answers.images.find_film(asked.images[0], owner)
        backend = self.answers.backend
        channel: Channel[TrackingStep] = Channel()
        steps = partial(
            track,
            backend,
            asked.model,
            film,
            asked.targets,
            count=STRIP_FRAMES,
            sampling=read_sampling(backend, asked.model, asked.sampling),
            visitor=owner,
        )
        with closing(channel.iterate(HEARTBEAT_S, newest_only=True)) as items:
            channel.feed(steps, f"film looked at by {asked.model}")
            yield from items

    def _end(self, result: TrackedFilm | None, model: str) -> Event:
        reply = _to_reply(result)
        done = end_event(reply, Task.GROUNDING, self.answers.backend.spec(model), "")
        count = len(result.tracks) if result else 0
        template = message("1 object found in {frames} frames")
        if count != 1:
            template = message("{count} objects found in {frames} frames")
        frames = len(result.frames) if result else 0
        values = {"count": count, "frames": frames}
        return {
            **done,
            "outcome": text_data(TranslatableText(template, values)),
            "tone": "found" if count else "none",
        }


def film_event(result: TrackedFilm) -> Event:
    """Say what was found in the frames that have been looked at."""
    times = strip_times(result.film)
    places = [_nearest(times, frame.seconds) for frame in result.frames]
    return {
        "type": "film",
        "total": STRIP_FRAMES,
        "frames": [
            {"index": frame.index, "seconds": round(frame.seconds, 3), "place": place}
            for frame, place in zip(result.frames, places, strict=True)
        ],
        "tracks": [
            {
                "id": one.id,
                "label": one.label,
                "boxes": [_place_data(place) for place in one.boxes],
            }
            for one in result.tracks
        ],
    }


def _nearest(times: Sequence[float], seconds: float) -> int:
    """Return which of some times, in order, is nearest: frames may be shown unequally long."""
    after = bisect_left(times, seconds)
    near = range(max(after - 1, 0), min(after + 1, len(times)))
    return min(near, key=lambda number: abs(times[number] - seconds))


def _place_data(place: TrackBox) -> Event:
    box = place.box
    return {
        "frame": place.frame,
        "box": {"box": [round(value, 5) for value in (box.x1, box.y1, box.x2, box.y2)]},
        "confidence": place.confidence,
        "is_estimated": place.is_estimated,
    }


def _to_track(sent: SentTrack) -> Track:
    places = []
    for one in sent.boxes:
        box = one.box.to_region()
        assert isinstance(box, Box)
        places.append(TrackBox(one.frame, box, one.confidence, one.is_estimated))
    return Track(sent.id, sent.label, tuple(places))


def _to_reply(result: TrackedFilm | None) -> Reply:
    """Return a line for each thing, with when it is seen."""
    lines = []
    for one in result.tracks if result else ():
        times = [result.frames[place.frame].seconds for place in one.boxes] if result else []
        begin, end = format_film_time(min(times)), format_film_time(max(times))
        lines.append(f"- {one.label} {one.id}: {begin} - {end}")
    text = "\n".join(lines)
    return Reply(text, text, state=ReplyState.FOUND if lines else ReplyState.NONE)


def _text_events(result: TrackedFilm | None) -> list[Event]:
    blocks = AnswerBlocks().update(_to_reply(result), [], is_complete=True)
    return [{"type": "text", "keep": 0, "blocks": blocks}]
