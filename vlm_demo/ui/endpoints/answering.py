"""What one model is asked, for programs: the tasks of the page's tabs."""

# Gradio reads the annotations itself, so they must not be put off as text.

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from vlm_demo.analysis.multiple_choice import Choice, ranked, to_choices
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, NoScoresError
from vlm_demo.rendering.export import Answer, to_answer
from vlm_demo.settings import Settings
from vlm_demo.ui.endpoints.values import (
    ChatAnswer,
    Upload,
    boxes_on,
    opened,
    sampling_of,
    whole_reply,
)
from vlm_demo.ui.streaming import errors_raised
from vlm_demo.ui.tasks.caption import STYLES
from vlm_demo.values import Message, Reply, Request, Task


class RankedAnswer(Answer):
    """An answer; where it was chosen from some, `choices` has the probability of each."""

    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Answering:
    """The endpoints; each is a method."""

    backend: Backend
    settings: Settings

    def chat(
        self,
        message: str,
        picture: Upload | None = None,
        history: list[list[str]] | None = None,
        model: str = "",
        boxes: list[list[float]] | None = None,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> ChatAnswer:
        """Answer a message, about a picture or not; the result's `raw` goes back in `history`.

        Args:
            message: What is asked; [1], [2] name the boxes.
            picture: What the conversation is about.
            history: Earlier [message, raw answer] pairs about the picture, the oldest first.
            model: A name that `models` lists; empty for the default.
            boxes: Places that are asked about, each x1, y1, x2, y2 in pixels of the picture.
            max_new_tokens: Longest answer; the model's own where it is not given.
            temperature: 0 always takes the likeliest word; the model's own where it is not given.
            seed: The same seed draws the same words.

        Returns:
            The text, and phrases with boxes, points and outlines in pixels of the picture.
        """
        with errors_raised():
            name = self._named(model)
            seen = opened(picture, self.settings) if picture else None
            images = (seen.open(),) if seen else ()
            past = _past(history or [])
            if past and images:
                past = (Message("user", past[0].text, images), *past[1:])
            request = Request(
                Task.CHAT,
                message,
                () if past else images,
                regions=boxes_on(seen, boxes),
                history=past,
                sampling=sampling_of(self.backend, name, max_new_tokens, temperature, seed),
            )
            reply = whole_reply(self.backend, name, request)
            # Without a picture there are no places, and their size does not matter.
            told = to_answer(reply, seen.size if seen else (1, 1))
            return {**told, "raw": reply.raw}

    def caption(
        self,
        picture: Upload,
        style: str = "Short",
        beginning: str = "",
        model: str = "",
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """Say what a picture shows.

        Args:
            picture: The picture.
            style: Short, Detailed, Continue (from the beginning) or With places.
            beginning: Words that the caption goes on from.
            model: A name that `models` lists; empty for the default.
            max_new_tokens: Longest answer; the model's own where it is not given.
            temperature: 0 always takes the likeliest word; the model's own where it is not given.
            seed: The same seed draws the same words.

        Returns:
            The text, and phrases with boxes, points and outlines in pixels of the picture.
        """
        with errors_raised():
            if style not in STYLES:
                raise InputError(f"There is no style {style!r}. Known: {', '.join(STYLES)}.")
            limits = (max_new_tokens, temperature, seed)
            return self._answer(model, picture, limits, Request(STYLES[style], beginning))

    def ask(
        self,
        picture: Upload,
        question: str,
        choices: list[str] | None = None,
        model: str = "",
        pattern: str = "",
        schema: str = "",
        boxes: list[list[float]] | None = None,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> RankedAnswer:
        r"""Answer a question about a picture: freely, with one of the choices, or in a given form.

        Args:
            picture: The picture.
            question: What is asked; [1], [2] name the boxes.
            choices: Possible answers; the most probable one is the answer.
            model: A name that `models` lists; empty for the default.
            pattern: A regular expression that the whole answer matches, such as \d+.
            schema: A JSON Schema, as text, that the answer is valid by.
            boxes: Places that are asked about, each x1, y1, x2, y2 in pixels of the picture.
            max_new_tokens: Longest answer; the model's own where it is not given.
            temperature: 0 always takes the likeliest word; the model's own where it is not given.
            seed: The same seed draws the same words.

        Returns:
            The text, and with choices the probability of each, the first of them the first given.
        """
        with errors_raised():
            name, seen = self._named(model), opened(picture, self.settings)
            request = Request(
                Task.VQA,
                question,
                (seen.open(),),
                regions=boxes_on(seen, boxes),
                choices=tuple(str(choice) for choice in choices or ()),
                pattern=pattern,
                schema=schema,
                sampling=sampling_of(self.backend, name, max_new_tokens, temperature, seed),
            )
            if request.choices:
                try:
                    ranking = ranked(request, partial(self.backend.score, name))
                except NoScoresError:
                    pass  # then the model writes one of them
                else:
                    best = Reply(ranking.best, ranking.best)
                    return {**to_answer(best, seen.size), "choices": to_choices(ranking)}
            told = to_answer(whole_reply(self.backend, name, request), seen.size)
            return cast(RankedAnswer, told)

    def locate(
        self,
        picture: Upload,
        words: str,
        model: str = "",
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """Find what the words name in a picture.

        Args:
            picture: The picture.
            words: What to find, such as: red circle.
            model: A name that `models` lists; empty for the default.
            max_new_tokens: Longest answer; the model's own where it is not given.
            temperature: 0 always takes the likeliest word; the model's own where it is not given.
            seed: The same seed draws the same words.

        Returns:
            The text, and phrases with boxes, points and outlines in pixels of the picture.
        """
        with errors_raised():
            limits = (max_new_tokens, temperature, seed)
            return self._answer(model, picture, limits, Request(Task.GROUNDING, words))

    def describe(
        self,
        picture: Upload,
        box: list[float],
        model: str = "",
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """Say what is in a part of a picture.

        Args:
            picture: The picture.
            box: The part: x1, y1, x2, y2 in pixels of the picture.
            model: A name that `models` lists; empty for the default.
            max_new_tokens: Longest answer; the model's own where it is not given.
            temperature: 0 always takes the likeliest word; the model's own where it is not given.
            seed: The same seed draws the same words.

        Returns:
            The text, and phrases with boxes, points and outlines in pixels of the picture.
        """
        with errors_raised():
            limits = (max_new_tokens, temperature, seed)
            request = Request(Task.DESCRIBE_REGION)
            return self._answer(model, picture, limits, request, [box])

    def _named(self, model: str) -> str:
        return model or self.backend.menu[0].name

    def _answer(
        self,
        model: str,
        picture: Upload,
        limits: Any,
        request: Request,
        boxes: Sequence[object] = (),
    ) -> Answer:
        name, seen = self._named(model), opened(picture, self.settings)
        request = replace(
            request,
            images=(seen.open(),),
            regions=boxes_on(seen, boxes),
            sampling=sampling_of(self.backend, name, *limits),
        )
        return to_answer(whole_reply(self.backend, name, request), seen.size)


def _past(history: list[Any]) -> tuple[Message, ...]:
    turns: list[Message] = []
    for pair in history:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise InputError("The history is a list of [message, raw answer] pairs.")
        turns += [Message("user", str(pair[0])), Message("assistant", str(pair[1]))]
    return tuple(turns)
