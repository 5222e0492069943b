"""Ten thousand characters of any output are read in fifty milliseconds."""

import time
from collections.abc import Iterator

from support.families import FAMILIES, each
from support.outputs import UNFINISHED, recorded_outputs

from vlm_demo.prompting.family import Family
from vlm_demo.values import Frame, Message, Prompt

LENGTH = 10_000
ALLOWED_S = 0.05

OTHER_WORK_S = 0.006
"""Seconds that `other_work` takes where the fifty milliseconds are meant: a quiet 2.5 GHz Xeon."""


def other_work() -> float:
    started = time.process_time()
    sum(map(str.isdigit, "a1" * 100_000))
    return time.process_time() - started


@each(FAMILIES)
def test_ten_thousand_characters_are_read_in_fifty_milliseconds(family: Family) -> None:
    """A machine that is slower, or busy, gets as much more time as it needs for other work."""
    prompts = {
        task: Prompt((Message("user", task),), frame=Frame((640, 480), (640, 480)))
        for _, task in pieces_for(family)
    }
    for piece, task in pieces_for(family):
        raw = (piece * (LENGTH // len(piece) + 1))[:LENGTH]
        took, allowed = [], ALLOWED_S
        while not took or (min(took) > allowed and len(took) < 9):
            started = time.process_time()
            family.reply(raw, prompts[task])
            took.append(time.process_time() - started)
            if min(took) > allowed:
                allowed = max(ALLOWED_S, ALLOWED_S * other_work() / OTHER_WORK_S)
        assert min(took) <= allowed, piece


def pieces_for(family: Family) -> Iterator[tuple[str, str]]:
    own = [(raw, task) for raw, task in recorded_outputs().get(family.name, []) if raw]
    tasks = {task for _, task in own} | {""}
    yield from ((piece, task) for piece in UNFINISHED for task in sorted(tasks))
    yield from own
    yield from ((raw[: len(raw) // 2], task) for raw, task in own if len(raw) > 1)
