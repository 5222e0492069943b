"""Compares a real vLLM with the local engine: the same model, the same requests, every task.

    VLM_DEMO_VLLM=PYTHON python tests/real_vllm/compare.py [PICTURES]

PYTHON is that of an environment in which vLLM for CPUs is installed (docs/models-and-servers.md).
Both sides compute in float32. Prints a table; texts that differ are listed below it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean

from vlm_demo.backend import Backend
from vlm_demo.bench.vllm_serve import vllm_serve
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Serving
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Box, Message, Reply, Request, Sampling, Task

MODEL = "embedded-llava15"
SEED = 47
AT_ONCE = 8
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
COUNT_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"count": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["count"],
        "additionalProperties": False,
    }
)

Ask = Callable[[Request], Reply]


@dataclass
class Row:
    """How the answers to one kind of request agree."""

    kind: str
    asked: int = 0
    equal: int = 0
    overlaps: list[float] = field(default_factory=list)  # IoU of each local box with vLLM's
    differing: list[tuple[str, str]] = field(default_factory=list)

    def add(self, local: Reply, remote: Reply, same: bool) -> None:
        """Count a pair of answers."""
        self.asked += 1
        self.equal += same
        if not same:
            self.differing.append((local.raw, remote.raw))
        boxes, others = _boxes(local), _boxes(remote)
        pairs = zip(boxes, others, strict=False)
        self.overlaps += [box.iou(other) for box, other in pairs]
        self.overlaps += [0.0] * abs(len(boxes) - len(others))


@dataclass(frozen=True)
class Sides:
    """The same model twice."""

    local: Ask
    remote: Ask
    metrics_url: str  # of vLLM
    stream_remote: Callable[[Request], Iterator[Reply]]


KINDS: dict[str, Callable[[Scene], Request]] = {
    "caption": lambda scene: Request(Task.CAPTION, images=(scene.image,)),
    "detailed caption": lambda scene: Request(Task.DETAILED_CAPTION, images=(scene.image,)),
    "caption from a given beginning": lambda scene: Request(Task.CAPTION, "In", (scene.image,)),
    "grounded caption": lambda scene: Request(Task.GROUNDED_CAPTION, images=(scene.image,)),
    "short answer": lambda scene: Request(Task.VQA, _colour_question(scene), (scene.image,)),
    "chat, Japanese": lambda scene: Request(Task.CHAT, "何がありますか?", (scene.image,)),
    "find one thing": lambda scene: Request(
        Task.GROUNDING, scene.objects[0].phrase, (scene.image,)
    ),
    "find what is absent": lambda scene: Request(Task.GROUNDING, "purple wombat", (scene.image,)),
    "describe a region": lambda scene: Request(
        Task.DESCRIBE_REGION, images=(scene.image,), regions=(scene.objects[0].box,)
    ),
    "choices": lambda scene: Request(
        Task.VQA, _colour_question(scene), (scene.image,), choices=COLOURS
    ),
    "pattern": lambda scene: Request(
        Task.VQA, "How many objects are there?", (scene.image,), pattern="[0-9]|one|two|three"
    ),
    "JSON schema, both valid": lambda scene: Request(
        Task.VQA, "How many objects are there?", (scene.image,), schema=COUNT_SCHEMA
    ),
    "cut off after 4 tokens": lambda scene: Request(
        Task.CAPTION, images=(scene.image,), sampling=Sampling(max_new_tokens=4)
    ),
}
"""Requests of one turn, by what they show."""


def compare(sides: Sides, scenes: Sequence[Scene]) -> list[Row]:
    """Ask both sides everything about each scene."""
    rows = [_compare_kind(sides, kind, scenes) for kind in KINDS]
    return [*rows, _compare_two_turns(sides, scenes), _compare_together(sides, scenes)]


def _compare_kind(sides: Sides, kind: str, scenes: Sequence[Scene]) -> Row:
    row = Row(kind)
    for request in map(KINDS[kind], scenes):
        local, remote = sides.local(request), sides.remote(request)
        row.add(local, remote, _agree(request, local, remote))
    return row


def _compare_two_turns(sides: Sides, scenes: Sequence[Scene]) -> Row:
    row = Row("second turn of a chat")
    for scene in scenes:
        first = Request(Task.CHAT, "How many objects are there?", (scene.image,))
        history = (
            Message("user", first.text, first.images),
            Message("assistant", sides.local(first).raw),
        )
        second = Request(Task.CHAT, f"Where is the {scene.objects[0].phrase}?", history=history)
        local, remote = sides.local(second), sides.remote(second)
        row.add(local, remote, _agree(second, local, remote))
    return row


def _compare_together(sides: Sides, scenes: Sequence[Scene]) -> Row:
    """Send 8 requests at once; vLLM computes them in one batch, and so does the local engine."""
    row = Row(f"{AT_ONCE} at once, mixed")
    kinds = list(KINDS.values())[:AT_ONCE]
    for scene in scenes:
        requests = [kind(scene) for kind in kinds]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            local = list(threads.map(sides.local, requests))
            remote = list(threads.map(sides.remote, requests))
        for request, one, other in zip(requests, local, remote, strict=True):
            row.add(one, other, _agree(request, one, other))
    return row


def measure_stop(sides: Sides, scene: Scene) -> float:
    """Break an answer off, and return the seconds until vLLM computes nothing any more."""
    replies = sides.stream_remote(Request(Task.DETAILED_CAPTION, images=(scene.image,)))
    with closing(replies):  # type: ignore[type-var]  # they are generators
        next(reply for reply in replies if reply.raw)
    start = time.monotonic()
    while _running_requests(sides.metrics_url):
        if time.monotonic() - start > 30:
            raise TimeoutError("vLLM goes on after a stop.")
        time.sleep(0.01)
    return time.monotonic() - start


def _running_requests(metrics_url: str) -> float:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(metrics_url) as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running")
    )


def _agree(request: Request, local: Reply, remote: Reply) -> bool:
    """Whether two answers are the same; of JSON, only whether both are valid by the schema.

    The small model knows no JSON: what it counts depends on the blanks that a grammar allows.
    """
    if request.schema:
        return all(json.loads(reply.text)["count"] in range(10) for reply in (local, remote))
    return local.raw.strip() == remote.raw.strip()


def _boxes(reply: Reply) -> list[Box]:
    return [
        region
        for mention in reply.mentions
        for region in mention.regions
        if isinstance(region, Box)
    ]


def _colour_question(scene: Scene) -> str:
    return f"What colour is the {scene.objects[0].kind.name}?"


@contextmanager
def open_sides(python: str) -> Iterator[Sides]:
    """Load the model here, and serve it by a real vLLM while the block runs."""
    spec = find(default_menu(), MODEL)
    with (
        tempfile.TemporaryDirectory() as folder,
        vllm_serve(python, Path(spec.checkpoint), Path(folder) / "vllm.log", threads=1) as server,
    ):
        remote = ModelSpec(
            name="vllm",
            family=spec.family,
            engine="remote",
            checkpoint=server.model,
            base_url=server.base_url,
        )
        backend = Backend((spec, remote), device="cpu", serving=Serving(batch=AT_ONCE, threads=1))
        with closing(backend):
            yield Sides(
                partial(_answer, backend, spec.name),
                partial(_answer, backend, remote.name),
                server.base_url.removesuffix("/v1") + "/metrics",
                partial(backend.answer, remote.name),
            )


def _answer(backend: Backend, model: str, request: Request) -> Reply:
    *_, reply = backend.answer(model, request)
    return reply


def draw_scenes(count: int) -> list[Scene]:
    """Draw scenes that the model has not been trained on."""
    return [draw_scene(seed) for seed in islice(scene_seeds("test", SEED), count)]


def main(pictures: int) -> None:
    """Print the comparison as a table in Markdown."""
    scenes = draw_scenes(pictures)
    with open_sides(os.environ.get("VLM_DEMO_VLLM", "")) as sides:
        rows, stop_s = compare(sides, scenes), measure_stop(sides, scenes[0])
    print("| Requests | Equal texts | Mean IoU of boxes |\n|---|---|---|")
    for row in rows:
        overlap = f"{fmean(row.overlaps):.3f}" if row.overlaps else "–"
        print(f"| {row.kind} | {row.equal} of {row.asked} | {overlap} |")
    print(f"\nvLLM was at rest {stop_s:.2f} s after a stop.")
    for row in rows:
        for local, remote in row.differing:
            print(f"\n{row.kind}\n  here: {local!r}\n  vLLM: {remote!r}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
