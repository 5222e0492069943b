"""Write a benchmark of one's own, with boxes that are known to be right, and score a model."""

from pathlib import Path
from tempfile import TemporaryDirectory

from vlm_demo import Backend, Box, Task, default_menu, open_image
from vlm_demo.analysis.ground_truth import LabelledQuestion, write_archive
from vlm_demo.evaluation import evaluate

PICTURES = Path(__file__).parents[1] / "assets" / "examples"

# The corners x1, y1, x2, y2 of each thing, in pixels of its picture.
LABELS = {
    ("animals.png", "elephant"): (346, 108, 605, 330),
    ("animals.png", "lion"): (160, 41, 284, 180),
    ("horse.png", "strawberry"): (94, 418, 224, 577),
}

with TemporaryDirectory() as folder:
    questions = []
    for (name, words), (x1, y1, x2, y2) in LABELS.items():
        size = open_image(PICTURES / name).size
        box = Box.normalize(x1, y1, x2, y2, by=size)
        questions.append(
            LabelledQuestion(PICTURES / name, size, name, Task.GROUNDING, words, (box,))
        )
    archive = Path(folder) / "own-benchmark.zip"
    write_archive(questions, archive)
    backend = Backend(default_menu())
    for measure, value in evaluate("own", backend, "embedded-llava15", data=archive).items():
        print(f"{measure}: {value:.2f}")
    backend.close()
