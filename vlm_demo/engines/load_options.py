"""What an engine must know to open a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.setting_declarations import Device
from vlm_demo.translatable_text import DisplayText

ServerKind = Literal["vllm", "openai"]
"""What a server understands; "openai": only the fields of the standard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that has a model."""

    base_url: str  # of its OpenAI-compatible API, as a rule http://host:port/v1
    kind: ServerKind = "vllm"
    api_key_env: str = ""  # environment variable with the key; "": see `api_key`
    api_key: str = field(default="", repr=False)  # where no variable holds it; "": it needs none


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """A checkpoint, where it runs and how. Values can be pickled, compared and hashed."""

    checkpoint: str  # Hub id or folder; with a server, what that calls it
    server: Server | None = None  # None: the model is loaded here, as the rest says
    name: str = field(default="", compare=False)  # on the menu, for messages
    is_detector: bool = False  # the folder holds the nets of the detector, no language model
    is_segmenter: bool = False  # it outlines what regions mark, and answers nothing in words
    adapter: str = ""  # Hub id or folder of one that is merged into the checkpoint; "": none
    revision: str | None = None  # of the Hub repository; None: its newest
    number_format: NumberFormat = NumberFormat.AUTO
    compute_format: NumberFormat = NumberFormat.AUTO  # that quantized weights are computed in
    trust_remote_code: bool = False  # whether code from the checkpoint may run
    context: int | None = None  # most tokens of prompt and answer; None: the checkpoint's own limit
    device: Device = "auto"
    # How each `model_type` is run; the same for all models, so it tells none apart.
    architectures: Mapping[str, Architecture] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OwnCode:
    """Program code that a checkpoint brings."""

    checkpoint: str  # Hub id or folder
    revision: str  # commit of the Hub's repository; of a folder, a hash of its code files
    files: tuple[str, ...]  # names of the code files
    is_needed: bool  # transformers has no class of its own for the model
    problem: DisplayText = ""  # why the model could not be asked even if the code were run
