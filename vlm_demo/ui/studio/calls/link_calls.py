"""The calls about links to a request; links that the page made earlier still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.conversations.permalink import (
    Permalink,
    decode_link,
    encode_link,
    link_request,
    sha256_of,
)
from vlm_demo.errors import InputError, UnknownModelError
from vlm_demo.markup.region_json import region_to_json
from vlm_demo.prompting.targets import TARGET_TASKS, read_targets
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.calls import explain_errors
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.studio.answering.events import text_data
from vlm_demo.ui.studio.answering.protocol import StudioRequest, read_sent
from vlm_demo.ui.studio.answering.requests import build_request
from vlm_demo.ui.studio.calls.models import REGION_FORMS
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner

VIEW = "Studio"
"""Name of the view that new links open; older ones name the tab that the task then had."""


@dataclass(frozen=True)
class LinkCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    examples: Sequence[Example]
    images: ImageStore

    def studio_permalink(self, action: str, content: Any, request: gr.Request) -> dict[str, Any]:
        """Write or read a link.

        Args:
            action: "encode" or "decode".
            content: a `StudioRequest`, or the code in a page's address.
            request: who asks.

        Returns:
            `{code}`, or the request with `example` (the id of the example with its picture, or
            null), `sha256` and `size` of its picture, and `notes` on what is missing or differs.
        """

        def act() -> dict[str, Any]:
            match action:
                case "encode":
                    return {"code": encode_link(self._link(content, read_owner(request)))}
                case "decode":
                    return self._content(decode_link(str(content)))
            raise InputError("A link can be written or read.")

        return explain_errors(act)

    def _link(self, content: Any, owner: str) -> Permalink:
        sent = read_sent(StudioRequest, content)
        image = self.images.find(sent.images[-1], owner) if sent.images else None
        bare = sent.model_copy(update={"images": [], "history": []})
        asked = build_request(self.backend, self.images, bare, owner)
        revision = weights_revision(self.backend.spec(sent.model))
        file, size = (image.source, image.size) if image else (None, (0, 0))
        link = link_request(VIEW, sent.model, revision, asked, file, size)
        return replace(link, earlier_turns=len(sent.history))

    def _content(self, link: Permalink) -> dict[str, Any]:
        asked, sampling = link.request, link.request.sampling
        notes = find_doubts(link, self.backend)
        if link.earlier_turns:
            notes.append(
                TranslatableText(
                    "The {count} turns before it are not part of the link.",
                    {"count": link.earlier_turns},
                )
            )
        example = self._find_example(link.sha256)
        return {
            "model": link.model,
            "runs_here": runs_here(link.model, self.backend),
            "task": asked.task.value,
            "text": asked.text,
            "targets": list(read_targets(asked.text)) if asked.task in TARGET_TASKS else [],
            "regions": [region_to_json(region) for region in asked.regions],
            "region_form": REGION_FORMS[asked.region_form],
            "choices": list(asked.choices),
            "pattern": asked.pattern,
            "schema": asked.schema,
            "sampling": sampling.to_data() if sampling else {},
            "example": example and example.image.stem,
            "sha256": link.sha256,
            "size": list(link.size),
            "notes": list(map(text_data, notes)),
        }

    def _find_example(self, sha256: str) -> Example | None:
        if not sha256:
            return None
        return next((one for one in self.examples if sha256_of(one.image) == sha256), None)


def find_doubts(link: Permalink, backend: Backend) -> list[TranslatableText]:
    """Say why the answer may not be the same here."""
    if not runs_here(link.model, backend):
        return [
            TranslatableText(
                "Its model {model} is not on this page. Choose another at the top.",
                {"model": link.model},
            )
        ]
    here = weights_revision(backend.spec(link.model))
    if link.revision and here and link.revision != here:
        return [
            TranslatableText(
                "It was answered by revision {then} of the model; here it is {now}, so the "
                "answer may differ.",
                {"then": link.revision[:12], "now": here[:12]},
            )
        ]
    return []


def runs_here(model: str, backend: Backend) -> bool:
    """Tell whether a model is on the menu of this page and can run."""
    try:
        return backend.spec(model).runs_here
    except UnknownModelError:
        return False
