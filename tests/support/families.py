"""The families and their golden data, as several tests go through them."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support import DATA
from vlm_demo.families import all_families
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.tasks import CAPTION_TASKS
from vlm_demo.values import Frame, Message, Prompt, Task

FAMILIES = tuple(all_families().values())
ASKED = tuple(family for family in FAMILIES if family.instructions)
READERS = tuple(
    {(type(family), id(family.markup)): family for family in reversed(FAMILIES)}.values()
)[::-1]
"""One family for each way in which output is read."""

WITH_MARKUP = tuple(family for family in FAMILIES if family.markup)


def each(families: Iterable[Family]) -> pytest.MarkDecorator:
    """Run a test once for each family."""
    return pytest.mark.parametrize("family", families, ids=lambda family: family.name)


def representatives(*methods: str) -> list[Family]:
    """One family for each way in which these methods of `Family` are implemented.

    What a method of the base class does is tested on one family, and again on those that
    override it.
    """
    implementations = {
        tuple(getattr(type(family), method) for method in methods): family
        for family in reversed(ASKED)
    }
    return list(implementations.values())[::-1]


def first_task(family: Family) -> Task:
    """Chat where the family can chat, or else the first task that takes words."""
    tasks = [t for t in family.instructions if t not in CAPTION_TASKS or family.accepts_prefix(t)]
    return Task.CHAT if Task.CHAT in tasks else tasks[0]


@dataclass(frozen=True)
class GoldenCase:
    """One line of golden data."""

    family: str
    line: int
    data: dict[str, Any]

    def __str__(self) -> str:
        label = self.data.get("case", self.data.get("task"))
        return f"tests/data/families/{self.family}.jsonl:{self.line} ({label})"


def golden_cases(family: Family, kind: str = "") -> Iterator[GoldenCase]:
    """The golden data of a family, of one kind or of all."""
    lines = (DATA / "families" / f"{family.name}.jsonl").read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        data = json.loads(line)
        if kind in ("", data["kind"]):
            yield GoldenCase(family.name, number, data)


def check_each(cases: Iterable[object], check: Callable[[Any], None]) -> None:
    """Check all cases; fail with every case that is wrong, and why."""
    failures = []
    for case in cases:
        try:
            check(case)
        except Exception as error:  # shown with its line below
            failures.append(f"{case}: {type(error).__name__}: {error}")
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


def asked_prompt(case: dict[str, Any]) -> Prompt:
    """The prompt that a recorded output answers, as far as reading it depends on one."""
    size = tuple(case["image_size"])
    seen = tuple(case.get("input_size", size))
    question = Message("user", case.get("prompt_task", ""))
    return Prompt((question,), frame=Frame(size, seen, case.get("coordinate_space", "")))
