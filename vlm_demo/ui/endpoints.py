"""The page's tasks for scripts: plain data in and out, over the same backend.

The page's "Use via API" link lists them; from Python, `gradio_client` calls them. A picture is an
uploaded file (`gradio_client.handle_file`). Boxes are in pixels of that file.
"""

# Gradio reads the annotations themselves, so they must not be put off as text.

import math
from functools import partial
from typing import Any

from gradio.events import api

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, NoScoresError, PictureError
from vlm_demo.export import to_answer
from vlm_demo.multiple_choice import ranked, to_choices
from vlm_demo.settings import Settings
from vlm_demo.types import Box, Message, Reply, Request, Task
from vlm_demo.ui.caption_tab import STYLES
from vlm_demo.ui.pictures import Picture, take_upload
from vlm_demo.ui.streaming import answers, errors_raised


def add_endpoints(backend: Backend, settings: Settings) -> None:
    """Put the endpoints on the page that is being built."""

    def whole_reply(model: str, request: Request) -> Reply:
        newest = Reply("", "")
        for reply in answers(backend, model or backend.menu[0].name, request):
            newest = reply or newest
        return newest

    def answer(model: str, request: Request, picture: Picture) -> dict[str, Any]:
        return dict(to_answer(whole_reply(model, request), picture.size))

    def opened(sent: object) -> Picture:
        if not isinstance(sent, dict) or not isinstance(sent.get("path"), str):
            raise PictureError("Please send a picture: an uploaded file.")
        return take_upload(sent["path"], settings)

    def chat(
        message: str,
        picture: dict[str, Any] | None = None,
        history: list[list[str]] | None = None,
        model: str = "",
    ) -> dict[str, Any]:
        """Answer a message. `history` lists earlier [message, raw answer] pairs about the picture.

        The result's `raw` is what to send back in `history`.
        """
        with errors_raised():
            seen = opened(picture) if picture else None
            images = (seen.open(),) if seen else ()
            past = _past(history or [])
            if past and images:
                past = (Message("user", past[0].text, images), *past[1:])
            request = Request(Task.CHAT, message, () if past else images, history=past)
            reply = whole_reply(model, request)
            # Without a picture there are no places, and their size does not matter.
            return {**to_answer(reply, seen.size if seen else (1, 1)), "raw": reply.raw}

    def caption(
        picture: dict[str, Any], style: str = "Short", beginning: str = "", model: str = ""
    ) -> dict[str, Any]:
        """Caption a picture. Styles: Short, Detailed, Continue (a beginning), With places."""
        with errors_raised():
            if style not in STYLES:
                raise InputError(f"There is no style {style!r}. Known: {', '.join(STYLES)}.")
            seen = opened(picture)
            request = Request(STYLES[style], beginning, (seen.open(),))
            return answer(model, request, seen)

    def ask(
        picture: dict[str, Any],
        question: str,
        choices: list[str] | None = None,
        model: str = "",
        pattern: str = "",
        schema: str = "",
    ) -> dict[str, Any]:
        """Answer a question about a picture: freely, with one of the choices, or in a given form.

        With choices, the answer is the most probable one, and the result's `choices` lists the
        probability of each. A pattern is a regular expression, a schema a JSON Schema as text.
        """
        with errors_raised():
            seen = opened(picture)
            request = Request(
                Task.VQA,
                question,
                (seen.open(),),
                choices=tuple(str(choice) for choice in choices or ()),
                pattern=pattern,
                schema=schema,
            )
            if not request.choices:
                return answer(model, request, seen)
            try:
                ranking = ranked(request, partial(backend.score, model or backend.menu[0].name))
            except NoScoresError:
                return answer(model, request, seen)
            reply = Reply(ranking.best, ranking.best)
            return {**to_answer(reply, seen.size), "choices": to_choices(ranking)}

    def locate(picture: dict[str, Any], words: str, model: str = "") -> dict[str, Any]:
        """Find what the words name in a picture."""
        with errors_raised():
            seen = opened(picture)
            return answer(model, Request(Task.GROUNDING, words, (seen.open(),)), seen)

    def describe(picture: dict[str, Any], box: list[float], model: str = "") -> dict[str, Any]:
        """Say what is in a box, given as x1, y1, x2, y2 in pixels of the picture."""
        with errors_raised():
            seen = opened(picture)
            region = _box(box, seen)
            request = Request(Task.DESCRIBE_REGION, images=(seen.open(),), regions=(region,))
            return answer(model, request, seen)

    for endpoint in (chat, caption, ask, locate, describe):
        api(endpoint, api_name=endpoint.__name__, concurrency_id="answers", concurrency_limit=16)


def _box(numbers: list[Any], picture: Picture) -> Box:
    fine = len(numbers) == 4 and all(
        isinstance(number, int | float) and math.isfinite(number) for number in numbers
    )
    box = Box.scaled(*map(float, numbers), by=picture.size) if fine else None
    if box is None or box.area == 0:
        raise InputError("Please give a box in the picture: x1, y1, x2, y2 in pixels.")
    return box


def _past(history: list[Any]) -> tuple[Message, ...]:
    turns: list[Message] = []
    for pair in history:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise InputError("The history is a list of [message, raw answer] pairs.")
        turns += [Message("user", str(pair[0])), Message("assistant", str(pair[1]))]
    return tuple(turns)
