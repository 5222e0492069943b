"""The calls of the Inspector: what a model is given, and how its output is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.analysis.diagnosis import ConversionTrace, diagnose, placeholder_prompt
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.rendering.palette import colour_of
from vlm_demo.settings import Settings
from vlm_demo.translatable_text import DisplayText, TranslatableText
from vlm_demo.ui.calls import explain_errors
from vlm_demo.ui.components.uploaded_images import file_url, store_image
from vlm_demo.ui.studio.answering.events import text_data
from vlm_demo.ui.studio.answering.protocol import StudioRequest, read_sent
from vlm_demo.ui.studio.answering.requests import build_request
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Size

STAND_IN_SIZE = (640, 480)
"""Width and height of the picture that an output is read for where none is given."""

MAX_SIDE = 100_000
"""Largest width or height, in pixels, that is believed."""

MAX_ITEMS = 300
"""Largest number of places whose numbers are listed."""


@dataclass(frozen=True)
class InspectionCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    images: ImageStore

    def studio_prompt(self, sent: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Return what a model is given for a request; nothing is generated.

        Args:
            sent: a `StudioRequest`.
            request: who asks.

        Returns:
            `{text, rendered, tokens, image_tokens, notes, tiles: [{url, width, height}]}`: the
            prompt token by token and as the template writes it, and pictures as the model sees
            them.
        """

        def inspect() -> dict[str, Any]:
            asked, owner = read_sent(StudioRequest, sent), read_owner(request)
            built = build_request(self.backend, self.images, asked, owner)
            prompt = self.backend.inspect(asked.model, built)
            reason = self.backend.spec(asked.model).family_reason
            notes: list[DisplayText] = [reason, prompt.prompt.note, prompt.note]
            if prompt.prompt.answer_prefix:
                notes.append(TranslatableText("The beginning of the answer is given."))
            return {
                "text": prompt.token_text,
                "rendered": prompt.text,
                "tokens": prompt.tokens,
                "image_tokens": prompt.image_tokens,
                "notes": [text_data(note) for note in notes if note],
                "tiles": [
                    {
                        "url": file_url(store_image(tile, "tile", owner=owner)),
                        "width": tile.width,
                        "height": tile.height,
                    }
                    for tile in prompt.images
                ],
            }

        return explain_errors(inspect)

    def studio_parse(self, raw: str, family: str, size: list[int] | None) -> dict[str, Any]:
        """Say how an output of a model is read: one of this page, or of one that ran elsewhere.

        Args:
            raw: the output, special tokens included.
            family: whose markup it is.
            size: width and height of the picture in pixels; None: not known.

        Returns:
            `{items: [{phrase, written, read, steps, colour}], spans, space, notes, plain, state}`:
            each place as written and in pixels, where its numbers stand in the output, and what
            speaks against the reading.
        """

        def parse() -> dict[str, Any]:
            if not isinstance(raw, str) or len(raw) > self.settings.max_characters * 10:
                raise InputError("This output is too long.")
            own, pixels = get_family(str(family)), _read_size(size)
            frame = own.default_frame(pixels)
            diagnosis = diagnose(raw, own, frame, placeholder_prompt())
            traces = diagnosis.traces[:MAX_ITEMS]
            return {
                "items": [_item(trace, raw) for trace in traces],
                "more": len(diagnosis.traces) - len(traces),
                "spans": [list(trace.place.span) for trace in diagnosis.traces],
                "space": diagnosis.space and text_data(diagnosis.space.title),
                "notes": [text_data(warning.text) for warning in diagnosis.warnings],
                "plain": diagnosis.reply.text,
                "state": diagnosis.reply.state.value,
            }

        return explain_errors(parse)


def _read_size(sent: Any) -> Size:
    if not sent:
        return STAND_IN_SIZE
    is_pair = isinstance(sent, Sequence) and len(sent) == 2
    if not is_pair or not all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in sent):
        raise InputError("Add the image, or enter its width and height in pixels.")
    return int(sent[0]), int(sent[1])


def _item(trace: ConversionTrace, raw: str) -> dict[str, Any]:
    start, end = trace.place.span
    return {
        "phrase": trace.phrase,
        "written": raw[start:end],
        "read": _numbers(trace.steps[-1].numbers) if trace.steps else "",
        "colour": None if trace.mention is None else colour_of(trace.mention),
        "steps": [
            {
                "title": text_data(step.title),
                "detail": text_data(step.detail),
                "numbers": _numbers(step.numbers),
            }
            for step in trace.steps
        ],
    }


def _numbers(numbers: Sequence[float]) -> str:
    return ", ".join(
        f"{number:.1f}".removesuffix(".0") if abs(number) >= 10 else f"{number:.4g}"
        for number in numbers
    )
