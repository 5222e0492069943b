"""Teach the embedded LLaVA two shapes that it has never seen, and measure what it gained and lost.

    python examples/new_shapes.py draw new-shapes --shapes arrow,crown
    vlm-demo finetune --model embedded-llava15 --data new-shapes
    python examples/new_shapes.py score embedded-llava15-new-shapes --shapes arrow,crown

`draw` writes scenes of the program's own painter, and `score` asks about scenes that nothing was
trained on. Shapes: arrow, crown, flag, hourglass, hexagon, bolt. With `--form messages`, `draw`
writes conversations in the markup of LLaVA-1.5 (new-shapes/rows.jsonl) in place of COCO's boxes.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.evaluation import evaluate
from vlm_demo.families import get_family
from vlm_demo.scenes import painting
from vlm_demo.scenes.kinds import COLOURS, KINDS, Kind, article
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.settings import Settings
from vlm_demo.training.data import add_negatives, read_training_data
from vlm_demo.values import Box, Request, Task

OUTLINES: dict[str, list[tuple[float, float]]] = {
    "arrow": [(0, 0.35), (0.55, 0.35), (0.55, 0.1), (1, 0.5), (0.55, 0.9), (0.55, 0.65), (0, 0.65)],
    "crown": [(0, 0.1), (0.25, 0.45), (0.5, 0.05), (0.75, 0.45), (1, 0.1), (1, 0.85), (0, 0.85)],
    "flag": [(0, 0), (1, 0), (0.75, 0.27), (1, 0.55), (0.14, 0.55), (0.14, 1), (0, 1)],
    "hourglass": [(0, 0), (1, 0), (0.55, 0.5), (1, 1), (0, 1), (0.45, 0.5)],
    "hexagon": [(0.25, 0.07), (0.75, 0.07), (1, 0.5), (0.75, 0.93), (0.25, 0.93), (0, 0.5)],
    "bolt": [(0.55, 0), (0.1, 0.55), (0.42, 0.55), (0.3, 1), (0.9, 0.4), (0.55, 0.4), (0.8, 0)],
}
"""Corners of each shape in the unit square."""

SHARE = 0.6
"""Chance that an object of a scene is a new shape, unless there is one already."""


@contextmanager
def new_kinds(names: list[str]) -> Iterator[None]:
    """Let the painter draw new shapes, and questions name them."""
    outline, choose = painting._outline, painting._choose_object

    def choose_object(
        rng: random.Random, objects: list[SceneObject], background: Any, plain: bool
    ) -> tuple[Kind, str]:
        if rng.random() < SHARE and not any(thing.kind.name in names for thing in objects):
            kind = KINDS[rng.choice(names)]
            return kind, painting._choose_colour(rng, kind, background)
        return choose(rng, objects, background, plain)

    def draw_outline(shape: str, variant: int) -> list[tuple[float, float]]:
        return OUTLINES[shape] if shape in names else outline(shape, variant)

    KINDS.update({one: Kind(one, one, "shape", f"{one}s", tuple(COLOURS)) for one in names})
    painting._outline, painting._choose_object = draw_outline, choose_object
    try:
        yield
    finally:
        painting._outline, painting._choose_object = outline, choose
        for name in names:
            del KINDS[name]


def draw_scenes(names: list[str], first_seed: int, count: int) -> list[Scene]:
    """Return scenes with at least one new shape."""
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = painting.draw_scene(first_seed)
        first_seed += 1
        if any(thing.kind.name in names for thing in scene.objects):
            scenes.append(scene)
    return scenes


def write_coco(scenes: list[Scene], folder: Path) -> None:
    """Write pictures, and their boxes as COCO's instances."""
    names = sorted({thing.phrase for scene in scenes for thing in scene.objects})
    images, annotations = [], []
    for number, scene in enumerate(scenes, start=1):
        file, (width, height) = f"{number:04}.png", scene.image.size
        scene.image.save(folder / "images" / file)
        images.append({"id": number, "file_name": file, "width": width, "height": height})
        for thing in scene.objects:
            x1, y1, x2, y2 = thing.box.to_pixels(scene.image.size)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": names.index(thing.phrase) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(data))


def write_rows(folder: Path, seed: int) -> None:
    """Write what a folder in COCO's format teaches LLaVA-1.5 as conversations in its place."""
    examples = add_negatives(read_training_data(folder).examples, seed)
    family = get_family("llava15")
    with (folder / "rows.jsonl").open("w") as file:
        for example in examples:
            (turn,) = example.turns
            (image,) = turn.images
            request = Request(turn.task, turn.text, (image.open(),), regions=turn.regions)
            prompt = family.prompt(request)
            content = [{"type": "image"}, {"type": "text", "text": prompt.messages[0].text}]
            answer = family.write_answer(turn.answer, prompt)
            messages = [
                {"role": "user", "content": content},
                {"role": "assistant", "content": answer},
            ]
            row = {"messages": messages, "images": [example.source]}
            file.write(json.dumps(row) + "\n")
    (folder / "instances.json").unlink()


def score(backend: Backend, model: str, scenes: list[Scene], names: list[str]) -> dict[str, float]:
    """Return shares of right answers about the new shapes."""
    hits: dict[str, list[bool]] = defaultdict(list)

    def answer(task: Task, text: str, scene: Scene) -> Any:
        *_, reply = backend.answer(model, Request(task, text, (scene.image,)))
        return reply

    def says(scene: Scene, name: str, word: str) -> bool:
        reply = answer(Task.VQA, f"Is there {article(name)} {name}?", scene)
        return bool(reply.text.strip().rstrip(".").casefold() == word)

    for scene in scenes:
        for thing in [one for one in scene.unique_objects() if one.kind.name in names][:1]:
            mentions = answer(Task.GROUNDING, thing.phrase, scene).mentions
            box = mentions[0].regions[0] if mentions and mentions[0].regions else None
            hits["found"].append(isinstance(box, Box) and thing.box.iou(box) >= 0.5)
            hits["yes"].append(says(scene, thing.kind.name, "yes"))
        for absent in [name for name in names if not scene.find(name)][:1]:
            hits["no"].append(says(scene, absent, "no"))
        caption = answer(Task.CAPTION, "", scene).text
        there = [thing.kind.name for thing in scene.objects if thing.kind.name in names]
        hits["named"] += [name in caption for name in there]
    scores = {name: round(sum(found) / len(found), 3) for name, found in hits.items()}
    return {**scores, "yes_no": round((scores["yes"] + scores["no"]) / 2, 3)}


def main() -> None:
    """Draw or score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("draw", "score"))
    parser.add_argument("target", help="the folder, or the name of a model on the menu")
    parser.add_argument("--shapes", default="arrow,crown")
    parser.add_argument("--scenes", type=int, default=0, help="default: 200 to draw, 80 to score")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--form", choices=("coco", "messages"), default="coco")
    options = parser.parse_args()
    names = options.shapes.split(",")
    if unknown := set(names) - set(OUTLINES):
        known = ", ".join(OUTLINES)
        parser.error(f"There is no shape {', '.join(sorted(unknown))}. Known: {known}.")
    with new_kinds(names):
        if options.action == "draw":
            scenes = draw_scenes(names, 1_000 + 100_000 * options.seed, options.scenes or 200)
            folder = Path(options.target)
            (folder / "images").mkdir(parents=True)
            write_coco(scenes, folder)
            if options.form == "messages":
                write_rows(folder, options.seed)
            return
        scenes = draw_scenes(names, 900_000_000 + 100_000 * options.seed, options.scenes or 80)
    with closing(Backend.from_settings(Settings.read({}))) as backend:
        new = score(backend, options.target, scenes, names)
        old = evaluate("scenes", backend, options.target, 47 + options.seed, 330)
    print(json.dumps({"new": new, "old": old}))


if __name__ == "__main__":
    main()
