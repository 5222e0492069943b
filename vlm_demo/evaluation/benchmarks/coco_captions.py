"""COCO captions: one sentence about each picture, compared with five of people.

Layouts: `captions_val2014.json` or `captions_val2017.json` of https://cocodataset.org with the
pictures; Karpathy's `dataset_coco.json`, of which the test split is asked; Parquet of lmms-lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.cider import cider
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.evaluation.published.tables import list_tables, read_json
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Task

_NEEDS = (
    "captions_val2014.json or the like, or dataset_coco.json, and the images; or Parquet with "
    "question_id, image and answer"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return a question for each picture that has captions.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    questions: list[PublishedQuestion] = []
    for path in list_tables(folder):
        if path.suffix != ".json":
            continue
        content = read_json(path)
        try:
            captions = _read_captions(content)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is no file of captions: {error!r}") from error
        for name, texts in captions.items():
            questions.append(_question(name, pictures.find(name), texts))
    if not questions:
        return read_questions(folder, [("image", "answer")], _NEEDS, _read_row)
    pictures.check()
    return questions


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    return _question(row.identity, row.picture("image"), row.texts("answer"))


def _read_captions(content: Any) -> dict[str, list[str]]:
    """Return the captions by the picture's name; {}: the file is something else."""
    if not isinstance(content, dict) or "images" not in content:
        return {}
    if "annotations" not in content:
        return {
            one["filename"]: [sentence["raw"] for sentence in one["sentences"]]
            for one in content["images"]
            if one["split"] == "test"
        }
    texts: dict[Any, list[str]] = {}
    for one in content["annotations"]:
        texts.setdefault(one["image_id"], []).append(one["caption"])
    return {one["file_name"]: texts[one["id"]] for one in content["images"] if one["id"] in texts}


def _question(identity: str, image: QuestionImage, captions: list[str]) -> PublishedQuestion:
    return PublishedQuestion(identity, Task.CAPTION, "", (image,), {"captions": captions})


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:  # noqa: ARG001
    """Keep the caption: its score follows from all captions together."""
    return QuestionScore(" ".join(answer.text.split()), None)


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return CIDEr times 100, as it is published."""
    scores = cider(
        [one.verdict.prediction for one in graded],
        [one.question.truth["captions"] for one in graded],
    )
    units = [100 * score for score in scores]
    mean = sum(units) / len(units) if units else None
    return Summary(
        {"cider": mean},
        units,
        {"idf": f"of the {len(graded)} images that were asked: another part has other scores"},
    )


PUBLISHED = PublishedBenchmark(
    name="coco-captions",
    title="COCO captions",
    needs=_NEEDS,
    rule="CIDEr-D times 100; how rare words are follows from the images that are asked",
    source="https://cocodataset.org",
    measure="cider",
    full=100,
    read=read,
    grade=grade,
    summarize=summarize,
    harness_task="coco2017_cap_val",
)
