"""Refuses checkpoints that cannot be run here, before their weights are fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoModelForImageTextToText

import vlm_demo.engines.local.checkpoints.yi_vl  # noqa: F401  it registers its classes
from vlm_demo.engines.base import OnProgress
from vlm_demo.engines.load_options import LoadOptions, OwnCode
from vlm_demo.engines.local.checkpoints.adapters import check_adapter
from vlm_demo.engines.local.checkpoints.fetching import (
    checkpoint_config,
    fetch,
    fetch_adapter,
    fetch_json_files,
    list_code,
)
from vlm_demo.engines.local.checkpoints.folders import folder_on_disk
from vlm_demo.engines.local.checkpoints.memory import total_memory
from vlm_demo.engines.local.checkpoints.own_code import (
    PROCESSOR_FILES,
    check_code,
    find_problem,
    needs_own_code,
)
from vlm_demo.errors import LoadError
from vlm_demo.translatable_text import as_text, message

OWN_CODE = message(
    "This model comes with its own code, which does not run without your consent. If you have "
    "read it and trust it, set trust_remote_code and a pinned revision in the menu; otherwise "
    "choose another model."
)
"""Message for checkpoints that bring code which the menu does not trust."""

TIMM_TYPES = frozenset({"timm_wrapper", "timm_backbone", "gemma3n_vision"})
"""Types of vision towers that the package timm computes, in transformers 5.23."""


def fetch_runnable(options: LoadOptions, on_progress: OnProgress) -> Path:
    """Return the folder of a checkpoint, fetching it first if it is not on disk.

    A model that cannot be run here is refused before gigabytes are fetched.

    Raises:
        LoadError: it cannot be run or fetched.
        OutOfMemoryError: it is too large for this machine in any number format.
    """
    checkpoint, revision = options.checkpoint, options.revision
    if options.adapter:  # it is small, and may not be for this model
        check_adapter(fetch_adapter(options.adapter, on_progress), checkpoint)
    if folder_on_disk(checkpoint, revision) is None:
        config = checkpoint_config(checkpoint, revision)
        check_runnable(config, trust_remote_code=options.trust_remote_code)
        if options.trust_remote_code and "auto_map" in config:
            _check_askable(checkpoint, revision, config)
    return fetch(
        checkpoint,
        revision,
        on_progress,
        with_code=options.trust_remote_code,
        memory=total_memory(options.device),
    )


def check_runnable(config: Mapping[str, Any], *, trust_remote_code: bool) -> None:
    """Refuse a model that cannot be run here.

    Args:
        config: the content of its config.json.
        trust_remote_code: whether the checkpoint's own code may run.

    Raises:
        LoadError: transformers does not know it, it takes no pictures, or it needs a package that
            is not installed.
    """
    kind = str(config.get("model_type"))
    if needs_own_code(config):
        if not trust_remote_code:
            raise LoadError(OWN_CODE)
    elif kind not in CONFIG_MAPPING:
        raise LoadError(
            "The installed transformers does not know this kind of model ({kind}). Choose "
            "another model, or update transformers.",
            kind=kind,
        )
    elif CONFIG_MAPPING[kind] not in AutoModelForImageTextToText._model_mapping:
        raise LoadError(
            "This is a {kind} model, which takes no images. Choose a vision-language model.",
            kind=kind,
        )
    if not TIMM_TYPES.isdisjoint(_model_types(config)) and find_spec("timm") is None:
        raise LoadError(
            "This {kind} model needs the package timm, which is not installed. Install it (pip "
            "install timm) and restart, or choose another model.",
            kind=kind,
        )


def check_trust(folder: Path, config: Mapping[str, Any], options: LoadOptions) -> bool:
    """Return whether code of the checkpoint will be run; nothing of it has run yet.

    Args:
        folder: of the checkpoint.
        config: the content of its config.json.
        options: which say whether its code is trusted, and in which revision.

    Raises:
        LoadError: it would have to run without being trusted, or could not be asked even then.
    """
    check_runnable(config, trust_remote_code=options.trust_remote_code)
    if not options.trust_remote_code or "auto_map" not in config:
        return False
    check_code(folder, config, options)
    _check_askable(str(folder), None, config)
    return True


def find_own_code(checkpoint: str, revision: str | None = None) -> OwnCode | None:
    """Return the code that a checkpoint brings for its model; None: it brings none.

    Only its list of files and some small ones are fetched; nothing is run.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    config = checkpoint_config(checkpoint, revision)
    if "auto_map" not in config:
        return None
    commit, files = list_code(checkpoint, revision)
    processor_files = fetch_json_files(checkpoint, revision, PROCESSOR_FILES)
    return OwnCode(
        checkpoint,
        commit,
        files,
        is_needed=needs_own_code(config),
        problem=find_problem(config, processor_files),
    )


def _check_askable(checkpoint: str, revision: str | None, config: Mapping[str, Any]) -> None:
    """Refuse a model that could not be asked even if its code were run.

    Raises:
        LoadError: it could not.
    """
    processor_files = fetch_json_files(checkpoint, revision, PROCESSOR_FILES)
    if problem := find_problem(config, processor_files):
        raise LoadError("This model cannot run here. {problem}", problem=as_text(problem))


def _model_types(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types of a model and of its parts."""
    yield str(config.get("model_type"))
    for part in config.values():
        if isinstance(part, Mapping):
            yield from _model_types(part)
