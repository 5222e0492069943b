"""The stored tables, one TOML file a model; `vlm-demo calibrate` writes them.

A table holds for the weights that it was measured with, so for others there is none.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from vlm_demo.analysis.confidence.calibration import Calibration
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.files.atomic_file import atomic_write

FOLDER = Path(__file__).parent / "measured"
"""Where the tables are."""

WEIGHTS = "model.safetensors"
"""Name of the file of weights that a table is for."""


def find_calibration(spec: ModelSpec) -> Calibration | None:
    """Return the calibration of a model; None: it was not measured, or not with these weights.

    The confidence of a detector is a probability already (`engines.detector.sight`).
    """
    if spec.engine == "detector":
        return Calibration((0.0, 1.0), (0.0, 1.0))
    table = _read_table(FOLDER / f"{spec.name}.toml")
    if table is None or spec.folder is None or table["weights"] != hash_weights(spec.folder):
        return None
    return Calibration(tuple(table["confidences"]), tuple(table["probabilities"]))


def write_calibration(spec: ModelSpec, calibration: Calibration, *, error: float) -> Path:
    """Write the table of a model, and return its file.

    Args:
        spec: the menu's entry; its weights are on this computer.
        calibration: the curve.
        error: its expected calibration error on unseen pictures.

    Raises:
        FileError: the file cannot be written.
    """
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{spec.name}.toml"
    weights = hash_weights(spec.folder) if spec.folder else ""
    lines = (
        "# Written by: vlm-demo calibrate. Probabilities that a box has IoU >= 0.5.",
        f'weights = "{weights}"',
        f"expected_calibration_error = {error:.4f}",
        f"confidences = {list(calibration.confidences)}",
        f"probabilities = {list(calibration.probabilities)}",
    )
    with atomic_write(path) as file:
        file.write("\n".join((*lines, "")).encode())
    _read_table.cache_clear()
    return path


def hash_weights(folder: Path) -> str:
    """Return the SHA-256 of the weights in a folder, hexadecimal; "" where there are none."""
    file = folder / WEIGHTS
    if not file.is_file():
        return ""
    state = file.stat()
    return _hash_file(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_file(file: Path, _size: int, _written_ns: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _read_table(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    return tomllib.loads(path.read_text(encoding="utf-8"))
