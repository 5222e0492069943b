"""The calls of Studio's browser application, through Gradio's HTTP API.

A call is two requests, as https://www.gradio.app/guides/querying-gradio-apps-with-curl says:

    const base = new URL("gradio_api/", document.baseURI);
    const post = await fetch(new URL("call/studio_answer", base), {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ data: [request] }),        // one item for each argument
    });
    const { event_id } = await post.json();
    const stream = await fetch(new URL(`call/studio_answer/${event_id}`, base), { signal });

The stream has server-sent events. `event: generating` has `data: [VALUE]` for each value that a
streaming call yields, and at the end `event: complete` has the last of them once more: ignore it
there. Any other call has only `event: complete` with `data: [VALUE]`. `event: error` has a message
or null as its data; `event: heartbeat` means nothing. Aborting the fetch of the stream stops the
call. A file is uploaded first: POST `upload` with the form field `files`, which answers with a list
of paths.

Calls that fail for a reason that people can understand return `{error: {words, values}}`, and
`image_gone` where a picture has to be sent again: no HTTP status tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.arena import open_feedback
from vlm_demo.backend import Backend
from vlm_demo.errors import ImageError
from vlm_demo.server.operators import is_operator
from vlm_demo.settings import Settings
from vlm_demo.ui.calls import add_call, explain_errors
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.events import MAX_ANSWERS
from vlm_demo.ui.studio.answering.answers import StudioAnswers
from vlm_demo.ui.studio.answering.events import Event
from vlm_demo.ui.studio.answering.protocol import MAX_NAME
from vlm_demo.ui.studio.answering.running import RunningTurns
from vlm_demo.ui.studio.calls.answer_calls import AnswerCalls
from vlm_demo.ui.studio.calls.base import MAX_CALLS
from vlm_demo.ui.studio.calls.conversation_calls import ConversationCalls
from vlm_demo.ui.studio.calls.film_calls import FilmCalls
from vlm_demo.ui.studio.calls.inspection_calls import InspectionCalls
from vlm_demo.ui.studio.calls.link_calls import LinkCalls
from vlm_demo.ui.studio.calls.model_calls import add_model_calls
from vlm_demo.ui.studio.calls.outline_calls import OutlineCalls
from vlm_demo.ui.studio.calls.record_calls import RecordCalls
from vlm_demo.ui.studio.calls.start import find_example, start_content
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner


@dataclass(frozen=True)
class StudioEndpoints:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    examples: Sequence[Example]
    images: ImageStore
    running: RunningTurns

    @property
    def answers(self) -> StudioAnswers:
        """What answers turns."""
        return StudioAnswers(self.backend, self.settings, self.images, self.running)

    def studio_start(self, request: gr.Request) -> dict[str, Any]:
        """Return what the page shows before anything is asked, and what this visitor may do."""
        settings, manages = self.settings, is_operator(request)
        rights = {
            "may_manage_models": manages,
            "may_add_models": manages and (settings.is_public() or settings.allow_checkpoints),
        }
        return explain_errors(lambda: start_content(self.backend, settings, self.examples) | rights)

    def studio_image(self, source: str, name: str, request: gr.Request) -> dict[str, Any]:
        """Check a picture and keep it for this visitor.

        Args:
            source: the path that the upload returned, "example:" and the id of an example, or the
                address of a picture on the web.
            name: what the visitor calls it.
            request: who asks.
        """

        def add() -> dict[str, Any]:
            owner = read_owner(request)
            kind, _, example_id = str(source).partition(":")
            if kind.lower() in ("http", "https"):
                return {**self.images.add_address(str(source), owner)}
            if kind != "example":
                return {**self.images.add_upload(source, str(name)[:MAX_NAME], owner)}
            example = find_example(self.examples, example_id)
            if example is None:
                raise ImageError("There is no such example.")
            return {**self.images.add_file(example.image, example.title, owner)}

        return explain_errors(add)

    def studio_image_kind(self, image: str, request: gr.Request) -> dict[str, Any]:
        """Return of what kind a picture is, an `ImageKind`; None: nobody here can tell."""

        def recognize() -> dict[str, Any]:
            (picture,) = self.images.open_all((image,), read_owner(request))
            kind = self.backend.recognize(picture)
            return {"kind": kind and kind.value}

        return explain_errors(recognize)

    def studio_frame(self, image: str, frame: int, request: gr.Request) -> dict[str, Any]:
        """Keep another frame of an animation, or page of a document, as a picture of its own."""
        return explain_errors(
            lambda: {**self.images.add_frame(str(image), int(frame), read_owner(request))}
        )

    def studio_thumbnails(
        self, image: str, frames: list[int], request: gr.Request
    ) -> dict[str, Any]:
        """Return the addresses of small pictures of frames or pages: `{urls}`; "": damaged."""
        return explain_errors(
            lambda: {
                "urls": self.images.draw_thumbnails(
                    str(image), list(map(int, frames)), read_owner(request)
                )
            }
        )

    def studio_full_image(self, image: str, request: gr.Request) -> dict[str, Any]:
        """Return the address of a picture in full resolution."""
        return explain_errors(
            lambda: {"url": self.images.full_url(str(image), read_owner(request))}
        )

    def studio_answer(self, sent: dict[str, Any], request: gr.Request) -> Iterator[list[Event]]:
        """Answer a turn; see `protocol.StudioRequest` and `events`."""
        yield from self.answers.answer(sent, read_owner(request))

    def studio_look(
        self, sent: dict[str, Any], picture: str, request: gr.Request
    ) -> Iterator[list[Event]]:
        """Answer about a picture of a camera, a data URI that is not kept; see `studio_answer`."""
        yield from self.answers.answer(sent, read_owner(request), str(picture))

    def studio_stop(self, turn: str, request: gr.Request) -> dict[str, Any]:
        """Stop a turn of this visitor; its stream then ends with `done`."""
        return {"stopped": self.running.stop(read_owner(request), str(turn))}


def add_studio_endpoints(
    backend: Backend, settings: Settings, examples: Sequence[Example]
) -> StudioEndpoints:
    """Add the calls to the page, which is being built."""
    images = ImageStore(settings)
    endpoints = StudioEndpoints(backend, settings, examples, images, RunningTurns())
    answers = AnswerCalls(backend, images)
    inspection = InspectionCalls(backend, settings, images)
    links = LinkCalls(backend, examples, images)
    records = RecordCalls(backend, settings, images, open_feedback(settings))
    for call in (
        endpoints.studio_start,
        endpoints.studio_image,
        endpoints.studio_frame,
        endpoints.studio_image_kind,
        endpoints.studio_thumbnails,
        endpoints.studio_full_image,
        endpoints.studio_stop,
        answers.studio_export,
        answers.studio_consensus,
        answers.studio_correct,
        answers.studio_score,
        inspection.studio_parse,
        links.studio_permalink,
        records.studio_feedback,
        records.studio_benchmark,
        ConversationCalls().studio_conversation,
    ):
        add_call(call, "studio", MAX_CALLS)
    films = FilmCalls(endpoints.answers)
    add_call(films.studio_track_export, "studio", MAX_CALLS)
    for asking in (
        films.studio_track,
        endpoints.studio_answer,
        endpoints.studio_look,
        answers.studio_check,
        inspection.studio_prompt,
        records.studio_benchmark_run,
        OutlineCalls(backend, images).studio_outline,
    ):
        add_call(asking, "answers", MAX_ANSWERS)
    add_model_calls(backend, settings)
    return endpoints
