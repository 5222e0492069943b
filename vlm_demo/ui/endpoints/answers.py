"""Endpoints that ask one model: the tasks of the page's tabs."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import gradio as gr

from vlm_demo.analysis.multiple_choice import ChoiceData, rank_choices, ranking_to_data
from vlm_demo.errors import InputError, NoScoresError
from vlm_demo.markup.region_json import RegionsInPixels, regions_to_px
from vlm_demo.rendering.export import AnswerData, reply_to_data
from vlm_demo.ui.components.task_form import CAPTION_STYLES
from vlm_demo.ui.endpoints.base import Endpoints, describe_endpoint
from vlm_demo.ui.endpoints.payloads import (
    Upload,
    open_upload,
    read_boxes,
    read_sampling,
    wait_for_reply,
)
from vlm_demo.ui.endpoints.signatures import SamplingArguments
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Message, Reply, Request, Task

MAX_PAIRS = 500
"""Largest number of earlier messages with their answers: as many turns as Studio takes."""


class ChatAnswer(AnswerData):
    """An answer, and what to send back as history."""

    raw: str


class RankedAnswer(AnswerData):
    """An answer; where choices were given, `choices` has the probability of each."""

    choices: list[ChoiceData]


class AnswerEndpoints(Endpoints):
    """Endpoints that ask one model."""

    @describe_endpoint(
        message="What is asked; [1], [2] name the boxes.",
        picture="What the conversation is about.",
        history="Earlier [message, raw answer] pairs about the image, the oldest first.",
    )
    def chat(
        self,
        request: gr.Request,
        message: str,
        picture: Upload | None = None,
        history: list[list[str]] | None = None,
        model: str = "",
        boxes: list[list[float]] | None = None,
        *,
        sampling: SamplingArguments,
    ) -> ChatAnswer:
        """Answer a message, about a picture or not; the result's `raw` goes back in `history`."""
        with self.answering(request):
            name = self._choose_model(model)
            image = open_upload(picture, self.settings, request) if picture else None
            images = (image.open(),) if image else ()
            messages = _read_history(history or [])
            if messages and images:
                messages = (Message("user", messages[0].text, images), *messages[1:])
            asked = Request(
                Task.CHAT,
                message,
                () if messages else images,
                regions=read_boxes(image, boxes),
                history=messages,
                sampling=read_sampling(self.backend, name, sampling),
                visitor=read_owner(request),
            )
            reply = wait_for_reply(self.backend, name, asked)
            # Without a picture there are no places, and the size does not matter.
            answer = reply_to_data(reply, image.size if image else (1, 1))
            return {**answer, "raw": reply.raw}

    @describe_endpoint(
        style="Short, Detailed, Continue (from the beginning) or With places.",
        beginning="Words that the caption goes on from.",
    )
    def caption(
        self,
        request: gr.Request,
        picture: Upload,
        style: str = "Short",
        beginning: str = "",
        model: str = "",
        *,
        sampling: SamplingArguments,
    ) -> AnswerData:
        """Say what a picture shows."""
        with self.answering(request):
            if style not in CAPTION_STYLES:
                raise InputError(
                    "There is no style {style}. Known: {caption_styles}.",
                    style=repr(style),
                    caption_styles=", ".join(CAPTION_STYLES),
                )
            asked = Request(CAPTION_STYLES[style], beginning)
            return self._answer_about(request, picture, model, sampling, asked)

    @describe_endpoint(
        question="What is asked; [1], [2] name the boxes.",
        choices="Possible answers; the most probable one is the answer.",
        pattern=r"A regular expression that the whole answer matches, such as \d+.",
        schema="A JSON Schema, as text, that the answer is valid by.",
    )
    def ask(
        self,
        request: gr.Request,
        picture: Upload,
        question: str,
        choices: list[str] | None = None,
        model: str = "",
        pattern: str = "",
        schema: str = "",
        boxes: list[list[float]] | None = None,
        *,
        sampling: SamplingArguments,
    ) -> RankedAnswer:
        """Answer a question about a picture: freely, with one of the choices, or in a given form.

        Returns:
            The text, and with choices the probability of each, in the order given.
        """
        with self.answering(request):
            name, image = self._choose_model(model), open_upload(picture, self.settings, request)
            asked = Request(
                Task.VQA,
                question,
                (image.open(),),
                regions=read_boxes(image, boxes),
                choices=tuple(str(choice) for choice in choices or ()),
                pattern=pattern,
                schema=schema,
                sampling=read_sampling(self.backend, name, sampling),
                visitor=read_owner(request),
            )
            if asked.choices:
                try:
                    ranking = rank_choices(asked, partial(self.backend.score, name))
                except NoScoresError:
                    pass  # then the model writes one of them
                else:
                    route = self.backend.route(name, asked)
                    best = Reply(ranking.best, ranking.best, note=route.note, model=route.spec.name)
                    return {**reply_to_data(best, image.size), "choices": ranking_to_data(ranking)}
            answer = reply_to_data(wait_for_reply(self.backend, name, asked), image.size)
            return cast(RankedAnswer, answer)

    @describe_endpoint(words="What to find, such as: red circle.")
    def locate(
        self,
        request: gr.Request,
        picture: Upload,
        words: str,
        model: str = "",
        *,
        sampling: SamplingArguments,
    ) -> AnswerData:
        """Find what the words name in a picture."""
        with self.answering(request):
            asked = Request(Task.GROUNDING, words)
            return self._answer_about(request, picture, model, sampling, asked)

    @describe_endpoint(words="The classes to find, separated by commas, such as: cat, dog.")
    def detect(
        self,
        request: gr.Request,
        picture: Upload,
        words: str,
        model: str = "",
        *,
        sampling: SamplingArguments,
    ) -> AnswerData:
        """Find every object of some classes in a picture."""
        with self.answering(request):
            asked = Request(Task.DETECT, words)
            return self._answer_about(request, picture, model, sampling, asked)

    @describe_endpoint()
    def read(
        self,
        request: gr.Request,
        picture: Upload,
        model: str = "",
        *,
        sampling: SamplingArguments,
    ) -> AnswerData:
        """Read the text in a picture."""
        with self.answering(request):
            asked = Request(Task.READ)
            return self._answer_about(request, picture, model, sampling, asked)

    @describe_endpoint(box="The part: x1, y1, x2, y2 in pixels of the image.")
    def describe(
        self,
        request: gr.Request,
        picture: Upload,
        box: list[float],
        model: str = "",
        *,
        sampling: SamplingArguments,
    ) -> AnswerData:
        """Describe a part of a picture."""
        with self.answering(request):
            asked = Request(Task.DESCRIBE_REGION)
            return self._answer_about(request, picture, model, sampling, asked, [box])

    @describe_endpoint(
        boxes="What to outline: each x1, y1, x2, y2 in pixels of the image.",
        model="The model that outlines; empty for the one that can soonest.",
    )
    def outline(
        self, request: gr.Request, picture: Upload, boxes: list[list[float]], model: str = ""
    ) -> list[RegionsInPixels | None]:
        """Outline the things in boxes, such as those that `locate` has found.

        Returns:
            For each box, a polygon, a mask with holes and parts apart, or null.
        """
        with self.answering(request):
            image = open_upload(picture, self.settings, request)
            regions = read_boxes(image, boxes)
            outlines = self.backend.outliner.outline(image.open(), regions, model)
            return [
                regions_to_px([outline], image.size) if outline else None for outline in outlines
            ]

    def _choose_model(self, model: str) -> str:
        return model or self.backend.menu[0].name

    def _answer_about(
        self,
        request: gr.Request,
        picture: Upload,
        model: str,
        sampling: SamplingArguments,
        asked: Request,
        boxes: Sequence[object] = (),
    ) -> AnswerData:
        name, image = self._choose_model(model), open_upload(picture, self.settings, request)
        asked = replace(
            asked,
            images=(image.open(),),
            regions=read_boxes(image, boxes),
            sampling=read_sampling(self.backend, name, sampling),
            visitor=read_owner(request),
        )
        return reply_to_data(wait_for_reply(self.backend, name, asked), image.size)


def _read_history(history: list[Any]) -> tuple[Message, ...]:
    if len(history) > MAX_PAIRS:
        raise InputError(
            "The history has {count} pairs; at most {most} are taken. Leave out the oldest.",
            count=f"{len(history):,}",
            most=MAX_PAIRS,
        )
    turns: list[Message] = []
    for pair in history:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise InputError("The history is a list of [message, raw answer] pairs.")
        turns += [Message("user", str(pair[0])), Message("assistant", str(pair[1]))]
    return tuple(turns)
