"""What all endpoints have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.settings import Settings
from vlm_demo.ui.endpoints.signatures import Endpoint, expand_sampling
from vlm_demo.ui.streaming import raise_gradio_errors
from vlm_demo.ui.visitors import read_owner

SHARED_ARGUMENTS = {
    "picture": "The image.",
    "model": "A name that `models` lists; empty for the default.",
    "boxes": "Regions that are asked about, each x1, y1, x2, y2 in pixels of the image.",
    "max_new_tokens": "Longest answer; the model's own where it is not given.",
    "temperature": "0 always takes the likeliest word; the model's own where it is not given.",
    "seed": "The same seed draws the same words.",
}
"""Descriptions of arguments that several endpoints take."""

ANSWER = "The text, and phrases with boxes, points and outlines in pixels of the image."
"""Description of what most endpoints return."""


UNDOCUMENTED = ("self", "request")
"""Arguments of endpoints that no program gives."""


@dataclass(frozen=True)
class Endpoints:
    """Endpoints as methods: their names are those of the API."""

    backend: Backend
    settings: Settings

    @contextmanager
    def answering(self, request: gr.Request) -> Iterator[None]:
        """Count a call as an answer of its visitor, and turn errors into Gradio's.

        Raises:
            gr.Error: with a message for people.
        """
        with raise_gradio_errors(), self.backend.quota.admit(read_owner(request)):
            yield


def describe_endpoint(**descriptions: str) -> Callable[[Endpoint], Endpoint]:
    """Complete the signature and the docstring of an endpoint, which Gradio shows to programs.

    The arguments come from here, and where it does not say what the endpoint returns, `ANSWER`.

    Args:
        descriptions: those of the endpoint's own arguments; the others are `SHARED_ARGUMENTS`.

    Raises:
        KeyError: when the endpoint is defined, where an argument has no description.
    """
    known = SHARED_ARGUMENTS | descriptions

    def complete(endpoint: Endpoint) -> Endpoint:
        endpoint = expand_sampling(endpoint)
        names = [
            name for name in inspect.signature(endpoint).parameters if name not in UNDOCUMENTED
        ]
        arguments = "".join(f"\n    {name}: {known[name]}" for name in names)
        summary, _, returns = (inspect.getdoc(endpoint) or "").partition("\n\nReturns:\n    ")
        endpoint.__doc__ = f"{summary}\n\nArgs:{arguments}\n\nReturns:\n    {returns or ANSWER}"
        return endpoint

    return complete
