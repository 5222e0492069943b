"""The lines of a run's questions, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from vlm_demo.errors import InputError
from vlm_demo.results.run_files import QUESTIONS_FILE, Run

RIGHT_FROM = 0.5
"""Score from which an answer counts as right among the questions of a run."""

Which = Literal["all", "wrong", "right", "failed"]
"""Questions that are looked at: failed ones have no answer, or no score."""

_LABEL = 80  # characters of a box's name that are shown


@dataclass(frozen=True, slots=True)
class _Line:
    start: int  # in bytes
    verdict: Which


def list_questions(run: Run, which: Which, start: int, count: int) -> tuple[int, list[Any]]:
    """Return how many questions there are of this kind, and some of them.

    Args:
        run: the run.
        which: the kind.
        start: number of questions that are left out.
        count: number of those that are returned, at most.

    Raises:
        InputError: the file is damaged, or gone.
    """
    lines = _chosen(run, which)
    path = run.folder / QUESTIONS_FILE
    try:
        with path.open("rb") as file:
            records = []
            for line in lines[start : start + count]:
                file.seek(line.start)
                records.append(json.loads(file.readline()))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("The questions of this run are damaged, or gone.") from error
    return len(lines), records


def _chosen(run: Run, which: Which) -> Sequence[_Line]:
    path = run.folder / QUESTIONS_FILE
    try:
        state = path.stat()
    except OSError as error:
        raise InputError("The questions of this run are damaged, or gone.") from error
    lines = _index(path, state.st_mtime_ns, state.st_size)
    return lines if which == "all" else [line for line in lines if line.verdict == which]


@lru_cache(maxsize=32)
def _index(path: Path, _written_ns: int, _size: int) -> tuple[_Line, ...]:
    """Return where the lines are; one that is cut off or no question is left out."""
    lines: list[_Line] = []
    with path.open("rb") as file:
        start = len(file.readline())
        for content in file:
            try:
                record = json.loads(content)
                lines.append(_Line(start, _read_verdict(record)))
            except (ValueError, TypeError, AttributeError, RecursionError):
                pass  # a run that is under way writes its last line
            start += len(content)
    return tuple(lines)


def _read_verdict(record: Mapping[str, Any]) -> Which:
    score = record.get("score")
    if record.get("error") or not isinstance(score, int | float):
        return "failed"
    return "right" if score >= RIGHT_FROM else "wrong"


def describe_truth(truth: Mapping[str, Any]) -> str:
    """Return the right answer in words, whatever a benchmark keeps of it."""
    for key in ("answer", "answers", "reference"):
        value = truth.get(key)
        if isinstance(value, list):
            return " / ".join(dict.fromkeys(str(one) for one in value))
        if value not in (None, ""):
            return str(value)
    return ""


def find_truth_boxes(truth: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the right boxes of a question as fractions: `label` and `box`."""
    boxes = [one for one in truth.get("boxes", []) if _is_labelled_box(one)]
    if _is_box(truth.get("box")):
        boxes.append({"label": truth.get("sentence", ""), "box": truth["box"]})
    boxes += _read_coco(truth)
    return [{"label": str(one["label"])[:_LABEL], "box": one["box"]} for one in boxes]


def _read_coco(truth: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the boxes of COCO's annotations, which are in pixels."""
    image, names = truth.get("image"), truth.get("categories")
    if not isinstance(image, dict) or not isinstance(names, dict):
        return []
    boxes = []
    for note in truth.get("annotations", []):
        x, y, width, height = note["bbox"]
        across, down = image["width"], image["height"]
        corners = [x / across, y / down, (x + width) / across, (y + height) / down]
        boxes.append({"label": names.get(str(note["category_id"]), ""), "box": corners})
    return boxes


def _is_labelled_box(value: object) -> bool:
    return isinstance(value, dict) and "label" in value and _is_box(value.get("box"))


def _is_box(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(one, int | float) for one in value)
    )
