"""Looks up how a checkpoint is run."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture

log = logging.getLogger(__name__)


def find_architecture(model_type: str, architectures: Mapping[str, Architecture]) -> Architecture:
    """Return the declared architecture of a model type; without one, requests take turns."""
    if model_type not in architectures:
        log.warning(
            "No model family declares the model type %r, so its requests are answered one after "
            "the other. Declare it in `model_types` of a family to run it faster.",
            model_type,
        )
    return architectures.get(model_type, ONE_AT_A_TIME)
