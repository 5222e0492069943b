"""AI2D: multiple choice about diagrams of school science.

Layouts: the folders `questions` (a JSON file for each diagram) and `images` of
https://prior.allenai.org/projects/diagram-understanding; Parquet of lmms-lab.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.choice_letters import letter_options, read_choice
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import read_list, write_options
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.tables import read_json
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Task

_NEEDS = "the folders questions and images; or Parquet with question, options, answer and image"


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions; see `PublishedBenchmark.read`."""
    pictures = PictureFolder(folder)
    official = sorted(folder.glob("**/questions/*.json"))
    questions = [one for path in official for one in _read_diagram(path, pictures)]
    if not questions:
        columns = ("question", "options", "answer", "image")
        return read_questions(folder, [columns], _NEEDS, _read_row)
    pictures.check()
    return questions


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    options = read_list(row.values["options"])
    return _question(
        row.identity, row.text("question"), options, row.text("answer"), row.picture("image")
    )


def _read_diagram(path: Path, pictures: PictureFolder) -> Iterator[PublishedQuestion]:
    try:
        content = read_json(path)
        image = pictures.find(content["imageName"])
        for text, one in content["questions"].items():
            if one.get("abcLabel"):
                continue  # asked about letters that are drawn over the diagram
            answer = str(one["correctAnswer"])
            yield _question(one["questionId"], text, one["answerTexts"], answer, image)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no file of AI2D's questions: {error!r}") from error


def _question(
    identity: str, text: str, options: list[str], answer: str, image: QuestionImage
) -> PublishedQuestion:
    if not answer.isdigit() or int(answer) >= len(options):
        raise InputError(f"The question {identity} has no option number {answer!r:.20}.")
    return PublishedQuestion(
        id=identity,
        task=Task.CHAT,
        text=write_options(text, options),
        images=(image,),
        truth={"options": options, "answer": list(letter_options(options))[int(answer)]},
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Read the letter."""
    letter = read_choice(answer.text, letter_options(question.truth["options"]))
    return QuestionScore(letter or "", float(letter == question.truth["answer"]))


PUBLISHED = PublishedBenchmark(
    name="ai2d",
    title="AI2D",
    needs=_NEEDS,
    rule="the letter, read by MMBench's rules; what they cannot read is wrong",
    source="https://prior.allenai.org/projects/diagram-understanding",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="ai2d",
)
