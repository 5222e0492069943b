"""Runs of evaluations, written as `vlm-demo evaluate` writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm_demo.results.run_files import QUESTIONS_FILE, RESULTS_FILE

RIGHT = {"label": "red circle", "box": [0.1, 0.1, 0.4, 0.5]}
FOUND = {"label": "red circle", "box": [0.12, 0.1, 0.42, 0.5], "confidence": 0.5}


def question(number: int, score: float | None, **more: Any) -> dict[str, Any]:
    return {
        "id": f"q{number}",
        "task": "grounding",
        "pictures": [{"scene": 3_000_000_000_000 + number}],
        "question": f"question {number}",
        "answer": f"answer {number}",
        "boxes": [FOUND],
        "truth": {"answer": f"truth {number}", "boxes": [RIGHT]},
        "prediction": "",
        "score": score,
        **more,
    }


def write_run(
    below: Path,
    model: str,
    score: float | None,
    *,
    benchmark: str = "scenes",
    data: str = "same",
    date: str = "2026-11-30T10:00:00+00:00",
    number_format: str = "auto",
    questions: Sequence[dict[str, Any]] = (),
    measures: dict[str, float] | None = None,
) -> str:
    """Write a run and return its id; without a score, it has not ended."""
    config = {
        "benchmark": benchmark,
        "model": model,
        "family": "llava15",
        "tasks": ["grounding"],
        "data_hash": data,
        "questions": len(questions) or 10,
    }
    name = f"{benchmark}/{model}-{data}-{number_format}-{date[:10]}"
    folder = below / name
    folder.mkdir(parents=True)
    lines = [json.dumps(one) for one in ({"run": config}, *questions)]
    (folder / QUESTIONS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    if score is None:
        return name
    result = {
        "benchmark": benchmark,
        "title": "Drawn scenes" if benchmark == "scenes" else benchmark,
        "model": model,
        "measure": "mean",
        "results": {"mean": score, **(measures or {})},
        "interval_95": {"low": score - 0.05, "high": score + 0.05},
        "n-samples": len(questions) or 10,
        "config": config,
        "number_format": number_format,
        "model_facts": {"parameters": 7_000_000_000, "licence": "MIT", "commercial": "yes"},
        "date": date,
    }
    (folder / RESULTS_FILE).write_text(json.dumps(result), encoding="utf-8")
    return name
