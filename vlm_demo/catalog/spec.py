"""What the menu says of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from vlm_demo.catalog.family_choice import FamilyChoice
from vlm_demo.engines import (
    ImageKind,
    LoadOptions,
    NumberFormat,
    Server,
    ServerKind,
    adapter_on_disk,
    folder_on_disk,
)
from vlm_demo.errors import LoadError, NotRunnableError, UnsupportedTaskError
from vlm_demo.families import architectures, get_family
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.request_checks import describe_unsupported_task
from vlm_demo.setting_declarations import Device
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message
from vlm_demo.values import Task

Runs = Literal["here", "converted", "remote", "remote code", "nowhere"]
"""Where a model runs.

here: in this program. converted: the same, once `vlm-demo convert` has made a folder of its
weights. remote: only in the program of its own repository, or on a server that has it. remote code:
with program code from its Hub repository. nowhere: closed or never released.
"""

Commercial = Literal["yes", "no", "on conditions", "unknown"]
"""Whether a licence allows commercial use."""

ESTIMATED_FORMATS: Mapping[str, NumberFormat] = {
    "bf16": NumberFormat.BFLOAT16,
    "8-bit": NumberFormat.EIGHT_BIT,
    "4-bit": NumberFormat.FOUR_BIT,
}
"""Number formats for which the memory of every model is estimated, the finest first, by label."""

MEMORY_OVERHEAD = 1.2
"""Memory while a model answers, divided by that of its weights: a rule of thumb of
https://blog.eleuther.ai/transformer-math/ ("Total Inference Memory"). Many large pictures or long
conversations take more."""


def estimate_memory(parameters: int, number_format: NumberFormat) -> int:
    """Estimate the bytes that a model takes while it answers one request."""
    return round(parameters * number_format.bits / 8 * MEMORY_OVERHEAD)


class Ability(StrEnum):
    """What people look for in a model."""

    CHAT = message("chat")
    SEVERAL_IMAGES = message("several pictures")
    CAPTION = message("caption")
    ASK = message("ask")
    LOCATE = message("locate")
    REGION_INPUT = message("region input")  # in the model's own syntax, not drawn into the picture
    POINTS = message("points")
    MASKS = message("masks")
    READ = message("text reading")


TASKS_OF: Mapping[Ability, tuple[Task, ...]] = {
    Ability.CHAT: (Task.CHAT,),
    Ability.CAPTION: (Task.CAPTION, Task.DETAILED_CAPTION),
    Ability.ASK: (Task.VQA,),
    Ability.LOCATE: (Task.GROUNDING, Task.DETECT, Task.GROUNDED_CAPTION),
    Ability.REGION_INPUT: (Task.DESCRIBE_REGION,),
    Ability.READ: (Task.READ,),
}
"""Tasks that show an ability: a family that can do one of them has it."""

_NEEDS_REGIONS = (Ability.LOCATE, Ability.POINTS, Ability.MASKS)
"""Abilities that show themselves in the regions of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of the menu."""

    name: str  # by which it is chosen
    title: str = ""  # what people read in place of the name; "": the name
    family: str
    checkpoint: str = ""  # Hub id, or folder; "" where there are no weights to be had
    adapter: str = ""  # Hub id, or folder, of a PEFT adapter that is merged into it; "": none
    # remote: a server has it under `checkpoint`; detector: it is no language model; segmenter: it
    # outlines what others find; automatic: it stands for one model of the menu for each kind of
    # picture
    engine: Literal["local", "remote", "detector", "segmenter", "automatic"] = "local"
    base_url: str = ""  # of the server's OpenAI-compatible API, as a rule http://host:port/v1
    server: ServerKind = "vllm"  # what it understands beyond the standard
    api_key_env: str = ""  # environment variable with the key; never the key itself
    revision: str | None = None  # of the Hub repository; None: its newest
    number_format: NumberFormat = NumberFormat.AUTO
    compute_format: NumberFormat = NumberFormat.AUTO  # that quantized weights are computed in
    trust_remote_code: bool = False  # runs code from the Hub: wants a pinned revision
    runs: Runs = "here"
    embedded: bool = False  # comes with the program
    made_for: ImageKind | None = None  # the only kind of picture that it knows; None: no limit
    gated: bool = False  # the Hub asks for an agreement first
    parameters: int | None = None  # all of them, also where only a part works on each word
    licence: str = ""
    commercial: Commercial = "unknown"  # whether the licence allows commercial use
    resolution: str = ""  # how large the model sees a picture, in pixels
    languages: tuple[str, ...] = ()
    also: tuple[Ability, ...] = ()  # what it can do beyond the tasks of its family
    cannot: tuple[Ability, ...] = ()  # what others of its family can do
    alternative: str = ""  # a model of the menu that runs here and is most like it
    source: str = ""  # address of the card or repository that the facts are from
    unverified_fields: tuple[str, ...] = ()  # names of the fields here that could not be checked
    mask_decoder: str = ""  # file that decodes masks which the family writes as codes; "": none
    coordinate_space: str = ""  # what the numbers of its boxes count; "": as its family says
    family_choice: FamilyChoice | None = None  # how the family was chosen; None: the menu says it
    note: DisplayText = ""  # one honest line for the person who chooses

    def load_options(self, device: Device = "auto", api_key: str = "") -> LoadOptions:
        """Return what an engine must know to open the model.

        Args:
            device: where it runs, if it runs here.
            api_key: of its server, where no environment variable holds it.
        """
        server = Server(
            base_url=self.base_url,
            kind=self.server,
            api_key_env=self.api_key_env,
            api_key=api_key,
        )
        return LoadOptions(
            checkpoint=self.checkpoint,
            adapter=self.adapter,
            name=self.name,
            server=server if self.engine == "remote" else None,
            is_detector=self.engine == "detector",
            is_segmenter=self.engine == "segmenter",
            revision=self.revision,
            number_format=self.number_format,
            compute_format=self.compute_format,
            trust_remote_code=self.trust_remote_code,
            context=get_family(self.family).limits.context,
            device=device,
            architectures=architectures(),
        )

    def in_format(self, number_format: NumberFormat) -> ModelSpec:
        """Return an entry for the same model in a number format."""
        if number_format is self.number_format:
            return self  # which may also say what quantized weights are computed in
        return replace(self, number_format=number_format, compute_format=NumberFormat.AUTO)

    @property
    def answers(self) -> bool:
        """Whether it can be asked in words, which a model that only outlines cannot."""
        return self.engine != "segmenter"

    @property
    def takes_memory(self) -> bool:
        """Whether its weights come into this machine's memory, and are worth making room for."""
        return self.engine in ("local", "segmenter")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model can be asked, in the order of `Task`."""
        return tuple(task for task in Task if self.supports(task))

    def supports(self, task: Task) -> bool:
        """Whether the family can do the task, and this checkpoint is no exception."""
        return not self.is_exception(task) and task in get_family(self.family).instructions

    def is_exception(self, task: Task) -> bool:
        """Whether this checkpoint cannot do a task that its family may be able to do."""
        return any(task in TASKS_OF.get(ability, ()) for ability in self._missing)

    @property
    def _missing(self) -> tuple[Ability, ...]:
        """Abilities of its family that it does not have.

        A server that knows only the standard leaves special tokens out, and with them the regions
        of families that write regions in them.
        """
        loses_regions = (
            self.engine == "remote"
            and self.server == "openai"
            and get_family(self.family).keep_special_tokens
        )
        return (*self.cannot, *(_NEEDS_REGIONS if loses_regions else ()))

    def require_runnable(self) -> None:
        """Refuse a model that cannot run.

        Raises:
            NotRunnableError: this program cannot run it; the message says what to do.
        """
        if self.unavailable_reason:
            raise NotRunnableError(self.unavailable_reason)

    def require_embedded_weights(self) -> None:
        """Refuse an embedded model that this copy of the program came without.

        Raises:
            LoadError: it did; the message says how to get it.
        """
        if self.embedded and not self.is_here:
            raise LoadError(
                "The model {name} is missing from this copy of the program. Get the whole "
                "repository (its folder assets/models), or train the model: python -m vlm_demo "
                "train --recipe {name}.",
                name=self.name,
            )

    def check(self, task: Task) -> None:
        """Refuse a task that the model cannot do, or every task if it cannot run.

        Raises:
            NotRunnableError: this program cannot run the model.
            UnsupportedTaskError: the model cannot do the task.
        """
        self.require_runnable()
        if not self.supports(task):
            if not self.is_exception(task):
                raise UnsupportedTaskError(describe_unsupported_task(get_family(self.family), task))
            raise UnsupportedTaskError(
                "{name} cannot do this task ({task}). Choose another model.",
                name=self.name,
                task=task.replace("_", " "),
            )

    def find_family(self) -> Family:
        """Return its family, with what this entry adds to it.

        Raises:
            UnknownModelError: there is no such family.
            SettingsError: the mask decoder cannot be used.
        """
        family = get_family(self.family)
        return family.with_mask_decoder(Path(self.mask_decoder)) if self.mask_decoder else family

    @property
    def family_reason(self) -> DisplayText:
        """As which family it is asked and why, as one sentence."""
        if self.family_choice:
            return self.family_choice.reason
        if self.engine == "automatic":
            return message("The model depends on the image.")
        return TranslatableText(
            "Prompted as {title}: the menu says so.", {"title": get_family(self.family).title}
        )

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What people can use it for, in the order of `Ability`."""
        return tuple(ability for ability in Ability if self._has(ability))

    def _has(self, ability: Ability) -> bool:
        family = get_family(self.family)
        if ability in self._missing:
            return False
        if ability in self.also:
            return True
        match ability:
            case Ability.SEVERAL_IMAGES:
                return family.limits.max_images > 1
            case Ability.REGION_INPUT:
                return family.writes_regions
            case _:
                return any(task in family.instructions for task in TASKS_OF.get(ability, ()))

    def memory(self, number_format: NumberFormat) -> int | None:
        """Estimate the bytes of this machine's memory while it answers.

        None: it takes none, or its size is not known.
        """
        if self.engine == "remote" or self.parameters is None:
            return None
        return estimate_memory(self.parameters, number_format)

    def finest_format(self, free: int) -> NumberFormat | None:
        """Return the finest number format in which the model fits into some bytes, if any."""
        for number_format in ESTIMATED_FORMATS.values():
            memory = self.memory(number_format)
            if memory is not None and memory <= free:
                return number_format
        return None

    def is_called(self, name: str) -> bool:
        """Whether a person may mean this entry: by its name, its adapter, or its checkpoint."""
        return name in (self.name, self.adapter or self.checkpoint)

    @property
    def runs_here(self) -> bool:
        """Whether this program can load it, fetching it first if need be."""
        return not self.unavailable_reason

    @property
    def unavailable_reason(self) -> DisplayText:
        """Why this program cannot run it, and what to do; "" where it can."""
        if self.engine == "remote":
            return ""  # the server can, whatever `runs` says
        template = _OBSTACLES.get(self.runs, "")
        if not template:
            return ""
        values = {"name": self.name, "checkpoint": self.checkpoint, "source": self.source}
        obstacle = TranslatableText(template, values)
        if not self.alternative:
            return obstacle
        nearest = TranslatableText(
            "The nearest model that runs here is {name}.", {"name": self.alternative}
        )
        return join_texts(obstacle, nearest)

    @property
    def folder(self) -> Path | None:
        """Folder of the checkpoint on this machine; None: it is not here."""
        if self.engine == "remote" or not self.checkpoint:
            return None
        return folder_on_disk(self.checkpoint, self.revision)

    @property
    def is_here(self) -> bool:
        """Whether the model can be loaded without a network."""
        if self.adapter and adapter_on_disk(self.adapter) is None:
            return False
        return self.engine == "automatic" or self.folder is not None


_OBSTACLES = {
    "converted": message(
        "{name} runs here once its weights are converted: vlm-demo convert {checkpoint} "
        "FOLDER. Then choose that folder, or choose another model."
    ),
    "remote code": message(
        "{name} comes with its own code, which does not run without your consent. Read that "
        "code, then enter the model in your own menu (--menu) with trust_remote_code = true "
        "and the revision that you have read."
    ),
    "remote": message(
        "{name} runs only in its own program or on a server that has it. See {source}, or "
        "choose another model."
    ),
    "nowhere": message(
        "{name} cannot be run: its weights were never released. Choose another model."
    ),
}
"""Why a model cannot be run here, by `ModelSpec.runs`."""
