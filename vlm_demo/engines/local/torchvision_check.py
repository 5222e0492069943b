"""Lets transformers do without a torchvision that cannot be imported.

torchvision is compiled for one build of torch. Over another one it installs, but its import fails
("operator torchvision::nms does not exist"). transformers only looks whether the package is there
(`is_torchvision_available` in utils/import_utils.py, 5.23), and then fails itself, for all models.
"""

from __future__ import annotations

import importlib
import logging
import sys
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

from vlm_demo.translatable_text import message

log = logging.getLogger(__name__)

REMEDY = message(
    "Install the torchvision build that matches your torch (see "
    "https://pytorch.org/get-started/locally) and restart."
)
"""What to do about a torchvision that is missing or does not fit."""


@cache
def torchvision_problem() -> str:
    """Say why torchvision cannot be used; "" where it can be, or is not installed.

    One that cannot be imported is hidden from then on: it counts as not installed.
    """
    if find_spec("torchvision") is None:
        return ""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        sys.modules["torchvision"] = None  # type: ignore[assignment]  # no import finds it now
        problem = " ".join(str(error).split())
        log.warning(
            "torchvision is installed but cannot be imported (%s), so models that prepare their "
            "images with it cannot be loaded; others can. %s",
            problem,
            REMEDY,
        )
        return problem
    return ""


class _BeforeTransformers(MetaPathFinder):
    """Checks torchvision when transformers is about to be imported; finds no module itself."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "transformers":
            sys.meta_path.remove(self)
            torchvision_problem()


def check_torchvision() -> None:
    """Check torchvision before transformers looks for it: now, or when it is first imported."""
    if "transformers" in sys.modules:
        torchvision_problem()
    else:
        sys.meta_path.insert(0, _BeforeTransformers())
