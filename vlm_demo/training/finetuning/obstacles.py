"""Which models of the menu cannot be fine-tuned here, and why."""

from __future__ import annotations

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import TrainingError
from vlm_demo.translatable_text import DisplayText, TranslatableText


def check_trainable(spec: ModelSpec) -> None:
    """Refuse a model that cannot be fine-tuned here, before anything is read or loaded.

    Raises:
        TrainingError: it cannot; the message says why.
        NotRunnableError: it cannot even be run.
    """
    spec.require_runnable()
    if reason := find_obstacle(spec):
        raise TrainingError(
            "{name} cannot be fine-tuned: {reason}. Choose another model.",
            name=spec.name,
            reason=reason,
        )


def find_obstacle(spec: ModelSpec) -> DisplayText:
    """Return why a model that can be run cannot be fine-tuned; "": it can."""
    match spec.engine:
        case "remote":
            return TranslatableText("it runs on a server, which keeps its weights")
        case "automatic":
            return TranslatableText("it stands for several models; choose one of them")
        case "detector" | "segmenter":
            return TranslatableText("it is no language model, and what it knows is fixed")
    if spec.trust_remote_code:
        return TranslatableText("it is run by its own code, of which nothing is known here")
    if spec.adapter:
        return TranslatableText(
            "it is already an adapter; choose its base, "
            "and give the earlier data again with the new"
        )
    return ""
