"""Which models vLLM serves, and the command and menu lines for that."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vlm_demo.catalog.menu import REPOSITORY
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import checkpoint_config
from vlm_demo.errors import LoadError
from vlm_demo.families import get_family

DATA = Path(__file__).with_name("vllm.toml")
"""What one version of vLLM serves, with its source."""

PORT = 8000
"""The port on which vLLM listens unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class VllmCommand:
    """How a model is served by vLLM and used from here."""

    serve: str  # for the shell of the machine with the GPU
    menu: str  # lines of a menu, in TOML


@cache
def vllm_data() -> Mapping[str, Any]:
    """Return the contents of `DATA`, whose comments explain its keys."""
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def vllm_architecture(spec: ModelSpec) -> str:
    """Return the class under which vLLM serves a model; "": it does not.

    The config.json of a checkpoint on this machine says what class it is; for others the
    catalogue's families do.
    """
    if not spec.checkpoint or spec.adapter or spec.engine != "local":
        return ""  # an adapter would have to be merged first
    if spec.is_here:
        return _own_architecture(spec)
    for served in vllm_data()["served"]:
        if (
            spec.family in served["families"]
            and spec.runs == served.get("runs", "here")
            and spec.name not in served.get("exceptions", ())
        ):
            return str(served["architecture"])
    return ""


def vllm_command(spec: ModelSpec) -> VllmCommand | None:
    """Write the command that serves a model by vLLM, and the menu lines that use it.

    None: vLLM does not serve it.
    """
    architecture = vllm_architecture(spec)
    if not architecture:
        return None
    checkpoint = _portable_checkpoint(spec)
    words = ["vllm", "serve", shlex.quote(checkpoint), "--max-model-len", "auto"]
    if spec.revision:
        words += ["--revision", shlex.quote(spec.revision)]
    if spec.runs == "remote code":
        words.append("--trust-remote-code")
    if get_family(spec.family).chat_template is not None:
        words.append("--trust-request-chat-template")
    words += _options(architecture)
    fields = {
        "name": f"{spec.name} by vLLM",
        "family": spec.family,
        "engine": "remote",
        "checkpoint": checkpoint,
        "base_url": f"http://127.0.0.1:{PORT}/v1",
    }
    # A JSON string is a TOML string, too.
    lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in fields.items()]
    return VllmCommand(" ".join(words), "\n".join(("[[model]]", *lines)))


def _own_architecture(spec: ModelSpec) -> str:
    try:
        names = checkpoint_config(spec.checkpoint, spec.revision).get("architectures") or ()
    except LoadError:
        return ""
    return next((str(name) for name in names if name in vllm_data()["architectures"]), "")


def _portable_checkpoint(spec: ModelSpec) -> str:
    """Return the Hub id, or a folder without what this machine calls the folders above it."""
    path = Path(spec.checkpoint)
    if not path.is_absolute():
        return spec.checkpoint
    inside = path.is_relative_to(REPOSITORY)
    return str(path.relative_to(REPOSITORY)) if inside else path.name


def _options(architecture: str) -> list[str]:
    """Return what a class needs beside the usual options, as the table says."""
    options = (
        served.get("options")
        for served in vllm_data()["served"]
        if served["architecture"] == architecture
    )
    return [option for option in options if option]
