"""What the browser is told about evaluations: rows of models, columns of benchmarks, cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.evaluation.published.running import describe_model
from vlm_demo.families import all_families, get_family
from vlm_demo.results.published import PublishedFigure
from vlm_demo.results.question_lines import describe_truth, find_truth_boxes
from vlm_demo.results.run_files import Run, Runs
from vlm_demo.results.scoreboard import Cell, Column, ScoreboardRow, build_scoreboard
from vlm_demo.translatable_text import DisplayText, TranslatableText, message, text_to_json
from vlm_demo.ui.components.model_filters import SIZES
from vlm_demo.units import format_parameters

OTHER_DATA = message(
    "Other questions than the column's: {own} of {title}, where others were asked {others}. The "
    "two cannot be compared."
)
"""Why a cell is grey."""

_ORIGINAL = message("original")


def board_data(
    runs: Runs, published: list[PublishedFigure], menu: Mapping[str, ModelSpec]
) -> dict[str, Any]:
    """Return what the view shows at first.

    Args:
        runs: of the folder of results.
        published: figures of others.
        menu: the models of this page, by name.
    """
    scoreboard = build_scoreboard(runs.by_id)
    columns = {column.name: column for column in scoreboard.columns}
    return {
        "benchmarks": [_column_data(column) for column in scoreboard.columns],
        "rows": [_row_data(row, menu.get(row.model), columns) for row in scoreboard.rows],
        "unfinished": [unfinished_data(run) for run in runs.by_id.values() if run.result is None],
        "published": [figure.model_dump() for figure in published],
        "sizes": {words: list(limits) for words, limits in _finite_sizes().items()},
    }


def _finite_sizes() -> dict[str, tuple[float, float]]:
    """Return the sizes by which lists are filtered; JSON knows no infinity."""
    return {words: (least, min(most, 1e15)) for words, (least, most) in SIZES.items()}


def _column_data(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "title": column.title,
        "measure": column.measure,
        "full": column.full,
        "rule": column.rule,
        "source": column.source,
        "n": column.questions,
        "tasks": list(column.tasks),
    }


def _row_data(
    row: ScoreboardRow, spec: ModelSpec | None, columns: Mapping[str, Column]
) -> dict[str, Any]:
    newest = max((cell.result for cell in row.cells.values()), key=lambda one: one.date)
    facts = newest.model_facts if spec is None else describe_model(spec)
    parameters = facts.get("parameters")
    return {
        "key": f"{row.model}\n{row.number_format}",
        "model": row.model,
        "title": (spec.title if spec else "") or row.model,
        "family": _family_title(newest.config.family),
        "format": _ORIGINAL if row.number_format == "auto" else row.number_format,
        "parameters": parameters,
        "size": format_parameters(parameters) if isinstance(parameters, int) else "",
        "licence": str(facts.get("licence") or ""),
        "commercial": str(facts.get("commercial") or "unknown"),
        "weights": _openness(facts),
        "usable": spec is not None and spec.runs_here,
        "cells": {name: _cell_data(cell, columns[name]) for name, cell in row.cells.items()},
    }


def _openness(facts: Mapping[str, Any]) -> str:
    if facts.get("runs") == "nowhere":
        return "closed"
    return "server" if facts.get("engine") == "remote" else "open"


def _family_title(name: str) -> str:
    return get_family(name).title if name in all_families() else name


def _cell_data(cell: Cell, column: Column) -> dict[str, Any]:
    result = cell.result
    interval = result.interval_95
    return {
        "run": cell.run,
        "score": result.score,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "n": result.n_samples,
        "failed": result.failed,
        "unscored": result.unscored,
        "date": result.date[:10],
        "processor": result.processor,
        "version": result.versions.get("vlm_demo", ""),
        "measures": {name: value for name, value in result.results.items() if value is not None},
        "other": None if cell.is_comparable else text_to_json(_why_other(cell, column)),
    }


def _why_other(cell: Cell, column: Column) -> DisplayText:
    counts = {"own": cell.result.n_samples, "others": column.questions}
    return TranslatableText(OTHER_DATA, {**counts, "title": column.title})


def unfinished_data(run: Run) -> dict[str, Any]:
    """Return what is said of a run that has not ended."""
    return {
        "benchmark": run.config.benchmark,
        "model": run.config.model,
        "answered": run.answered,
        "questions": run.config.questions,
    }


def question_data(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the browser shows of the line of a question."""
    truth = record.get("truth")
    truth = truth if isinstance(truth, dict) else {}
    return {
        "id": str(record.get("id", "")),
        "group": str(record.get("group", "")),
        "task": str(record.get("task", "")),
        "question": str(record.get("question", "")),
        "answer": str(record.get("answer", "")),
        "prediction": str(record.get("prediction", "")),
        "score": record.get("score"),
        "error": str(record.get("error", "")),
        "judgement": str(record.get("judgement", "")),
        "boxes": [one for one in record.get("boxes", []) if isinstance(one, dict)],
        "truth": describe_truth(truth),
        "truth_boxes": find_truth_boxes(truth),
        "pictures": len(record.get("pictures", [])),
    }
