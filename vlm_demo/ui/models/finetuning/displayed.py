"""What the browser is told of models that can learn, of data, and of a run."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Any

from PIL.Image import Image

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.training.finetuning.log import RunLog
from vlm_demo.training.finetuning.obstacles import find_obstacle
from vlm_demo.training.finetuning.process import RunProcess
from vlm_demo.training.finetuning.run_folder import RUN_NAME
from vlm_demo.training.preview import DataPreview, RowPreview
from vlm_demo.translatable_text import text_to_json

THUMBNAIL_SIDE = 240
"""Longest side of a picture of an example, in pixels."""

MAX_CHARACTERS = 6_000
"""Largest number of characters that are shown of a part of an example."""

_WEIGHTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")
"""Files of which one is there when a run has made something."""


def describe_models(menu: Iterable[ModelSpec]) -> list[dict[str, Any]]:
    """Return the models of this computer, each with why it cannot learn; those that can first."""
    here = [spec for spec in menu if spec.is_here and spec.runs_here]
    models = [
        {
            "name": spec.name,
            "title": spec.title or spec.name,
            "obstacle": text_to_json(find_obstacle(spec)),
        }
        for spec in here
    ]
    return sorted(models, key=lambda one: bool(one["obstacle"]))


def describe_preview(preview: DataPreview) -> dict[str, Any]:
    """Return what is shown of data."""
    return {
        "count": preview.count,
        "notes": list(preview.notes),
        "examples": [_describe_row(row) for row in preview.rows],
    }


def describe_run(
    run: RunProcess, log: RunLog, *, is_listed: bool, is_stopping: bool
) -> dict[str, Any]:
    """Return what is shown of a run.

    Args:
        run: the run.
        log: what its log says.
        is_listed: whether its result is on the menu.
        is_stopping: whether it was just told to stop.
    """
    is_running = log.end is None
    has_result = any((run.folder / name).is_file() for name in _WEIGHTS)
    return {
        "model": run.model,
        "name": run.folder.name,
        "is_running": is_running,
        "is_stopping": is_stopping and is_running,
        "is_listed": is_listed,
        "can_go_on": _can_go_on(run, log),
        "can_be_listed": not is_running and has_result and not is_listed,
        **describe_log(log),
    }


def describe_log(log: RunLog) -> dict[str, Any]:
    """Return what is shown of the log of a run."""
    return {
        "stage": log.stage and log.stage.stage.value,
        "done": log.stage and log.stage.done,
        "total": log.stage and log.stage.total,
        "steps": log.steps[-1].steps if log.steps else log.start and log.start.steps,
        "losses": [[step.step, step.loss] for step in log.steps],
        "before": log.before and {"new": log.before.new, "old": log.before.old},
        "after": log.after and {"new": log.after.new, "old": log.after.old},
        "notes": list(log.notes),
        "outcome": log.end and log.end.outcome,
        "text": log.end.text if log.end else "",
    }


def _can_go_on(run: RunProcess, log: RunLog) -> bool:
    is_broken = log.end is not None and log.end.outcome in ("stopped", "failed")
    return is_broken and (run.folder / RUN_NAME).is_file()


def _describe_row(row: RowPreview) -> dict[str, Any]:
    return {
        "source": row.source,
        "problem": row.problem,
        "parts": [{"text": _shorten(part.text), "role": part.role} for part in row.parts],
        "pictures": [_make_thumbnail(image) for image in row.images],
    }


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} …"


def _make_thumbnail(image: Image) -> str:
    """Return a small copy as an address that holds it."""
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
