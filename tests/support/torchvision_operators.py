"""Lets tests use a torchvision whose compiled operators do not fit the installed torch.

PyPI's torchvision is compiled for CUDA. Beside a torch for CPUs its import fails, since it
describes operators that its library would define. Image and video processors call none of them, so
empty definitions do. A torchvision whose library loads is left alone.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

OPERATORS = ("nms", "qnms")
"""Operators that `torchvision/_meta_registrations.py` describes without looking for them."""


def is_torchvision_installed() -> bool:
    """Whether torchvision is there; looks without importing anything."""
    return PathFinder.find_spec("torchvision") is not None


class OperatorDefinitions(MetaPathFinder):
    """Defines the operators when torchvision is first looked for; finds no module itself."""

    library: Any = None  # the definitions end with it

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name != "torchvision":
            return
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name)
        if spec is not None and spec.origin is not None and not _loads(Path(spec.origin).parent):
            self._define()

    def _define(self) -> None:
        import torch

        if hasattr(torch.ops.torchvision, OPERATORS[0]):
            return  # another finder of this process has defined them
        type(self).library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in OPERATORS:
            self.library.define(
                f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )


def _loads(folder: Path) -> bool:
    """Whether the library of compiled operators can be loaded."""
    import torch

    try:
        for library in folder.glob("_C*"):
            torch.ops.load_library(str(library))
            return True
    except OSError:
        pass
    return False
