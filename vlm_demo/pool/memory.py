"""Estimates of the memory that models take, and what to do about too little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlm_demo.catalog.spec import MEMORY_OVERHEAD, ModelSpec
from vlm_demo.engines import (
    FreeMemory,
    NumberFormat,
    free_memory,
    weights_memory,
    weights_memory_by_format,
)
from vlm_demo.errors import OutOfMemoryError
from vlm_demo.pool.pooled_model import PooledModel
from vlm_demo.setting_declarations import Device
from vlm_demo.translatable_text import DisplayText, TranslatableText, list_alternatives
from vlm_demo.units import format_bytes


@dataclass(frozen=True, slots=True)
class FormatOption:
    """A number format in which a model can be loaded on this machine."""

    number_format: NumberFormat
    memory: int | None  # bytes to load it and to answer; None: not known
    fits: bool  # into the memory that is free or held by idle models; unknown sizes may


class MemoryAdvisor:
    """Estimates what models of a menu need, and proposes what fits."""

    def __init__(self, menu: Callable[[], Sequence[ModelSpec]], device: Device) -> None:
        self._menu = menu
        self._device = device

    def free_memory(self) -> FreeMemory:
        """Measure the memory that is free for another model."""
        return free_memory(self._device)

    def estimate(self, spec: ModelSpec, parameters: int | None = None) -> int | None:
        """Estimate the bytes to load a model and to answer; None: its size is not known.

        Args:
            spec: the menu's entry.
            parameters: of the model, where the menu does not say.
        """
        if not spec.takes_memory:
            return None
        weights = weights_memory(spec.load_options(self._device))
        return _with_overhead(weights, spec.number_format, spec.parameters or parameters)

    def format_options(self, spec: ModelSpec, room: int) -> list[FormatOption]:
        """Return the number formats that make sense here; () for models on other servers.

        Args:
            spec: the menu's entry.
            room: bytes that the model may take.
        """
        if spec.engine != "local":
            return []
        options = []
        for number_format, weights in weights_memory_by_format(
            spec.load_options(self._device)
        ).items():
            memory = _with_overhead(weights, number_format, spec.parameters)
            fits = memory is None or memory <= room
            options.append(FormatOption(number_format, memory, fits))
        return options

    def too_large_error(
        self, spec: ModelSpec, needed: int, room: int, busy: Sequence[PooledModel]
    ) -> OutOfMemoryError:
        """Say that a model does not fit, and what would.

        Args:
            spec: the menu's entry.
            needed: bytes that it needs.
            room: bytes that it may take.
            busy: models that could be unloaded later.
        """
        lighter = [
            (option, option.memory)
            for option in self.format_options(spec, room)
            if option.fits and option.memory is not None and option.memory < needed
        ]
        remedies: list[DisplayText] = [
            TranslatableText(
                "load it in {format} (about {memory})",
                {"format": option.number_format.label, "memory": format_bytes(memory)},
            )
            for option, memory in lighter[:1]
        ]
        remedies += [
            TranslatableText("wait until {name} has finished", {"name": model.spec.name})
            for model in busy
            if needed <= room + model.weight_bytes
        ][:1]
        alternative = self._find_alternative(spec, room)
        if alternative:
            remedies.append(TranslatableText("choose {name}", {"name": alternative.name}))
        return OutOfMemoryError(
            "{name} needs about {needed} of memory, and {room} are available (including idle "
            "models). You can {remedies}.",
            name=spec.name,
            needed=format_bytes(needed),
            room=format_bytes(room),
            remedies=list_alternatives(remedies or [TranslatableText("close other programs")]),
            formats=[option.number_format.value for option, _ in lighter],
            alternative=alternative.name if alternative else "",
        )

    def _find_alternative(self, spec: ModelSpec, room: int) -> ModelSpec | None:
        """Return the largest model that fits and does the same tasks, of its family if possible."""
        able = [
            (other.family == spec.family, needed, number)
            for number, other in enumerate(self._menu())
            if other.name != spec.name and other.runs_here and {*spec.tasks} <= {*other.tasks}
            for needed in [self.estimate(other)]
            if needed is not None and needed <= room
        ]
        return self._menu()[max(able)[2]] if able else None


def _with_overhead(
    weights: int | None, number_format: NumberFormat, parameters: int | None
) -> int | None:
    """Estimate the bytes to load a model and to answer, from its weights or their number."""
    if weights is None and parameters is not None:
        weights = round(parameters * number_format.bits / 8)
    return None if weights is None else round(weights * MEMORY_OVERHEAD)
