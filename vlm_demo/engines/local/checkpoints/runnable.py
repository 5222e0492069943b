"""Refuses checkpoints that cannot be run here, before their weights are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoModelForImageTextToText

from vlm_demo.engines.base import OnProgress
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch
from vlm_demo.engines.local.checkpoints.folders import folder_on_disk
from vlm_demo.errors import LoadError

OWN_CODE = (
    "This model brings its own program code, which is not run. If you have read it and trust it, "
    "set trust_remote_code and a pinned revision in the menu; otherwise choose another model."
)
"""Message for checkpoints that bring code which the menu does not trust."""


def fetch_runnable(options: LoadOptions, on_progress: OnProgress) -> Path:
    """Return the folder of a checkpoint, fetching it first if it is not on disk.

    A model that cannot be run here is refused before gigabytes are fetched.

    Raises:
        LoadError: it cannot be run or fetched.
    """
    checkpoint, revision = options.checkpoint, options.revision
    if folder_on_disk(checkpoint, revision) is None:
        config = checkpoint_config(checkpoint, revision)
        check_runnable(config, trust_remote_code=options.trust_remote_code)
    return fetch(checkpoint, revision, on_progress, with_code=options.trust_remote_code)


def check_runnable(config: Mapping[str, Any], *, trust_remote_code: bool) -> None:
    """Refuse a model that cannot be run here.

    Args:
        config: the content of its config.json.
        trust_remote_code: whether the checkpoint's own code may run.

    Raises:
        LoadError: transformers does not know it, or it takes no pictures.
    """
    kind, brings_code = str(config.get("model_type")), "auto_map" in config
    if kind not in CONFIG_MAPPING:
        if not brings_code:
            raise LoadError(
                f"The installed transformers does not know this kind of model ({kind}). "
                "Please choose another model, or update transformers."
            )
        if not trust_remote_code:
            raise LoadError(OWN_CODE)
    elif CONFIG_MAPPING[kind] not in AutoModelForImageTextToText._model_mapping:
        raise LoadError(
            f"This is a {kind} model, which takes no pictures. Please choose a "
            "vision-language model."
        )
