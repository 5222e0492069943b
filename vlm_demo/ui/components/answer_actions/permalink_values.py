"""Why a link that was opened may not be answered here as it was."""

from __future__ import annotations

from vlm_demo.backend import Backend
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.conversations.permalink import Permalink
from vlm_demo.errors import UnknownModelError
from vlm_demo.ui.html_values import TranslatableText


def find_doubts(link: Permalink, backend: Backend) -> list[TranslatableText]:
    """Say why the answer may not be the same here."""
    if not runs_here(link.model, backend):
        return [
            TranslatableText(
                "Its model {model} is not on this page. Please choose another at the top.",
                {"model": link.model},
            )
        ]
    here = weights_revision(backend.spec(link.model))
    if link.revision and here and link.revision != here:
        return [
            TranslatableText(
                "It was asked of revision {then} of the model; here it is {now}, so the answer may "
                "differ.",
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
