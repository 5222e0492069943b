"""The packages that fine-tuning needs beside those of the program: the extra `finetune`."""

from __future__ import annotations

from importlib.util import find_spec

from vlm_demo.errors import TrainingError

PACKAGES = ("trl", "peft", "datasets")
"""Packages of the extra, by the names under which they are imported."""


def check_packages() -> None:
    """Refuse to begin where one is missing.

    Raises:
        TrainingError: it is; the message has the command that installs it.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise TrainingError(
            "Fine-tuning needs the packages {missing}. Install them: pip install "
            '"trl>=1.16,<1.17" "peft>=0.21,<0.22" "datasets>=5.2,<6", or the extra '
            "finetune.",
            missing=", ".join(missing),
        )
