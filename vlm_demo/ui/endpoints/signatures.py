"""Arguments that several endpoints share, declared once; Gradio reads them from the signatures."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast, get_type_hints

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class SamplingArguments:
    """How an answer is drawn, where an endpoint asks a model; None: as is usual for the model.

    An endpoint that takes these as `sampling` has an argument for each: see `expand_sampling`.
    """

    max_new_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None


def expand_sampling(endpoint: Endpoint) -> Endpoint:
    """Give an endpoint that takes `sampling` an argument for each field in its place."""
    signature = inspect.signature(endpoint)
    parameters = dict(signature.parameters)
    if parameters.pop("sampling", None) is None:
        return endpoint
    fields = inspect.signature(SamplingArguments).parameters
    expanded = signature.replace(parameters=[*parameters.values(), *fields.values()])

    @wraps(endpoint)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = expanded.bind(*args, **kwargs).arguments
        drawn = {name: given.pop(name) for name in fields if name in given}
        return endpoint(**given, sampling=SamplingArguments(**drawn))

    hints = get_type_hints(endpoint) | get_type_hints(SamplingArguments)
    call.__annotations__ = {name: hint for name, hint in hints.items() if name != "sampling"}
    call.__signature__ = expanded  # type: ignore[attr-defined]  # what `inspect` looks for
    return cast(Endpoint, call)
