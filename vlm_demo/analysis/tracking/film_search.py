"""Asks a model for things in the frames of a film, several frames at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Event

from vlm_demo.analysis.tracking.linking import FrameBox, TrackLinker
from vlm_demo.backend import Backend
from vlm_demo.errors import MissingTextError
from vlm_demo.media.film import Film, FilmFrame
from vlm_demo.media.films import sample_frames
from vlm_demo.media.tracks import FrameTime, TrackedFilm
from vlm_demo.prompting.targets import quote_target
from vlm_demo.values import Point, Reply, Request, Sampling, StopReason, Task, bounding_box

FRAMES = 60
"""Number of frames that are looked at unless a caller says otherwise."""

AT_ONCE = 4
"""Number of frames that a model is asked about at the same time: its engine batches them."""


@dataclass(frozen=True, slots=True)
class TrackingStep:
    """What is known after one more frame."""

    frame: FilmFrame
    reply: Reply
    """The model's answer about this frame."""

    result: TrackedFilm
    """All that was found until now."""


def track(
    backend: Backend,
    model: str,
    film: Film,
    names: Sequence[str],
    *,
    count: int = FRAMES,
    rate: float = 0,
    at_once: int = AT_ONCE,
    sampling: Sampling | None = None,
    visitor: str = "",
) -> Generator[TrackingStep, None, None]:
    """Find things through a film; yield after each frame, in order. Closing it stops the work.

    Args:
        backend: answers.
        model: its name on the menu; its family can locate things.
        film: an open film. Frames are read as they are needed, and not kept.
        names: the things to find.
        count: how many frames are looked at, evenly spaced.
        rate: how many frames a second, in place of `count`.
        at_once: how many frames are asked about at the same time.
        sampling: how tokens are drawn; None: as the family says.
        visitor: who asks: see `Request.visitor`.

    Raises:
        MissingTextError: there are no names.
        FilmError: the film cannot be read any more.
        VlmDemoError: the model cannot do this, or failed.
    """
    names = [name for name in names if name.strip()]
    if not names:
        raise MissingTextError("Enter what to find in the video.")
    text = ", ".join(map(quote_target, names))
    linker = TrackLinker()
    times: list[FrameTime] = []
    with closing(sample_frames(film, count=count, rate=rate, prefer_scene_changes=False)) as frames:
        asker = _Asker(backend, model, at_once)
        requests = (
            (
                frame,
                Request(Task.GROUNDING, text, (frame.image,), sampling=sampling, visitor=visitor),
            )
            for frame in frames
        )
        with closing(asker.answer_all(requests)) as answers:
            for frame, reply in answers:
                linker.add_frame(len(times), frame.seconds, _found_boxes(reply, names))
                times.append(FrameTime(frame.index, frame.seconds))
                result = TrackedFilm(film, tuple(times), linker.tracks())
                yield TrackingStep(frame, reply, result)


class _Asker:
    """Asks about several frames at a time, and answers in their order."""

    def __init__(self, backend: Backend, model: str, at_once: int) -> None:
        self._backend = backend
        self._model = model
        self._at_once = at_once
        self._is_over = Event()

    def answer_all(
        self, requests: Iterator[tuple[FilmFrame, Request]]
    ) -> Generator[tuple[FilmFrame, Reply], None, None]:
        """Yield each frame with its answer; no more frames are read than are asked about.

        The first is asked about alone, so that something is to be seen soon.
        """
        waiting: deque[tuple[FilmFrame, Future[Reply]]] = deque()
        ahead = 0
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="film ") as pool:
            try:
                for frame, request in requests:
                    waiting.append((frame, pool.submit(self._answer, request)))
                    if len(waiting) > ahead:
                        first, reply = waiting.popleft()
                        yield first, reply.result()
                        ahead = self._at_once
                while waiting:
                    first, reply = waiting.popleft()
                    yield first, reply.result()
            finally:
                self._is_over.set()
                for _, reply in waiting:
                    reply.cancel()

    def _answer(self, request: Request) -> Reply:
        """Return the complete answer, or what there is of it when nobody waits any more."""
        answer = Reply("", "", stop=StopReason.CANCELLED)
        with closing(self._backend.answer(self._model, request)) as replies:
            for reply in replies:
                answer = reply
                if self._is_over.is_set():
                    break
        return answer


def _found_boxes(reply: Reply, names: Sequence[str]) -> list[FrameBox]:
    """Return the boxes of an answer with what they are of; points have no size and are left out."""
    return [
        FrameBox(mention.target or names[0], bounding_box(region), mention.confidence)
        for mention in reply.mentions
        if mention.target or len(names) == 1
        for region in mention.regions
        if not isinstance(region, Point) and bounding_box(region).area > 0
    ]
