"""Raw outputs of models, as recorded in the golden data, and pieces that readers dislike."""

import json
from functools import cache

from support import DATA


@cache
def recorded_outputs() -> dict[str, list[tuple[str, str]]]:
    """Raw outputs of each family, with the task token that was asked with."""
    found: dict[str, list[tuple[str, str]]] = {}
    files = [DATA / "vectors.jsonl", *sorted((DATA / "families").glob("*.jsonl"))]
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            case = json.loads(line)
            if "raw" in case:
                name = case.get("family", file.stem)
                found.setdefault(name, []).append((case["raw"], case.get("prompt_task", "")))
    return found


UNFINISHED = [
    *("[", "<", "{", "(", "a, ", "9", " ", "[]", "<a", "`", "```", "```json\n", "//", "<think>"),
    *('{"', "[{'", '{"a":', '{"a": [', '{"a\\', '"\\', "[1,", "(1, ", "<points ", '<points x="1">'),
    *('{"bbox_2d": [1,2,3,4', '[{"bbox_2d": [1,2,3,4], "label": "a" b"}, ', "<|begin_of_box|>"),
]
"""Pieces that open something and close nothing: repeated, they invite a reader to go back."""
