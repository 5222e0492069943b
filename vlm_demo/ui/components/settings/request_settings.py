"""The model and the sampling of a request, read from the values of the page's components."""

from __future__ import annotations

import json
from dataclasses import dataclass

from vlm_demo.backend import Backend
from vlm_demo.catalog.thinking import has_thinking_switch
from vlm_demo.families import get_family
from vlm_demo.ui.components.settings.sampling_values import build_sampling
from vlm_demo.values import Sampling


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What every request of the page depends on."""

    model: str
    sampling: Sampling

    @classmethod
    def read(
        cls,
        backend: Backend,
        model: str,
        temperature: float,
        top_p: float,
        max_new_tokens: float,
        repetition_penalty: float,
        seed: str | float | None,
        thinking: str | None = "",
        badge: object = None,
    ) -> RequestSettings:
        """Read the values of the components, in the order of `Controls.inputs`.

        Where `badge` says that the settings are still those of the model that was chosen before,
        the model's own are taken. A model that cannot turn its reasoning on or off is not asked to.

        Raises:
            UnknownModelError: there is no such model on the menu.
            InputError: the seed is not a whole number.
        """
        own = get_family(backend.spec(model).family).sampling
        if read_badge_model(badge) not in (None, model):
            return cls(model, own)
        if thinking and not has_thinking_switch(backend.spec(model)):
            thinking = ""
        sampling = build_sampling(
            own, temperature, top_p, max_new_tokens, repetition_penalty, seed, thinking
        )
        return cls(model, sampling)


def read_badge_model(badge: object) -> str | None:
    """Read from the value of the badge which model the settings are of; None: it does not say."""
    try:
        content = json.loads(badge) if isinstance(badge, str) else None
    except (ValueError, RecursionError):
        return None
    model = content.get("model") if isinstance(content, dict) else None
    return model if isinstance(model, str) else None
