"""Japanese-Heron-Bench: 102 Japanese questions about 21 pictures of Japan, marked by a judge.

Layout: `questions_ja.jsonl` (with `context`) and `answers_gpt4.jsonl` of
https://github.com/turingmotors/heron (playground/data/japanese-heron-bench), and its pictures. If
`rule.json` is there too, the judge is asked in its words. Each judgement stands alone: the
published script lets later ones see earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.heron import read_marks, relative_score
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.evaluation.published.tables import list_tables, read_json, read_rows
from vlm_demo.values import Task

_NEEDS = (
    "questions_ja.jsonl with question_id, image, category, context and text, answers_gpt4.jsonl "
    "with question_id, prompt and text, and the images"
)

_JUDGE_INSTRUCTION = (
    "Two assistants answered a question about the picture that the context describes. Rate how "
    "helpful, relevant, accurate and detailed each answer is, from 1 to 10, a higher mark being "
    "better. Write only the two marks on the first line, that of Assistant 1 first, with a blank "
    "between. Then explain them, without favouring the one that comes first. An answer that is "
    "wrong, evades the question or does not fit the context deserves a low mark."
)
"""What the judge is asked unless the folder has a rule of its own."""


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions with their reference answers.

    Raises:
        InputError: the folder has another layout, an answer is missing, or pictures are.
    """
    make = partial(_read_row, _read_references(folder), _read_rules(folder))
    layouts = [("question_id", "image", "category", "context", "text")]
    return read_questions(folder, layouts, _NEEDS, make)


def _read_row(
    references: Mapping[str, str], rules: Mapping[str, str], row: BenchmarkRow
) -> PublishedQuestion:
    identity = row.text("question_id")
    if identity not in references:
        raise InputError(f"The question {identity} has no answer in answers_gpt4.jsonl.")
    truth = {
        "context": row.text("context"),
        "reference": references[identity],
        "rule": rules.get(row.text("category"), ""),
    }
    images = (row.picture("image"),)
    return PublishedQuestion(
        identity, Task.CHAT, row.text("text"), images, truth, row.text("category")
    )


def _read_references(folder: Path) -> Mapping[str, str]:
    rows = read_rows(folder, [("question_id", "prompt", "text")], _NEEDS)
    answers = [row for row in rows if row.path.name == "answers_gpt4.jsonl"]
    return {row.text("question_id"): row.text("text") for row in answers}


def _read_rules(folder: Path) -> Mapping[str, str]:
    """Return the judge's instructions by category, of a file rule.json; {}: there is none."""
    for path in list_tables(folder):
        if path.name == "rule.json":
            try:
                return {name: str(rule["prompt"]) for name, rule in read_json(path).items()}
            except (AttributeError, KeyError, TypeError) as error:
                raise InputError(f"{path} is no file of rules: {error!r}") from error
    return {}


def judge_prompt(question: PublishedQuestion, answer: Answer) -> str:
    """Return what the judge reads: context, question, both answers, and what to do."""
    truth = question.truth
    return (
        f"[Context]\n{truth['context']}\n\n[Question]\n{question.text}\n\n"
        f"[Assistant 1]\n{truth['reference']}\n\n[End of Assistant 1]\n\n"
        f"[Assistant 2]\n{answer.text}\n\n[End of Assistant 2]\n\n"
        f"[System]\n{truth['rule'] or _JUDGE_INSTRUCTION}"
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:  # noqa: ARG001
    """Read the judge's marks; an answer that it wrote about otherwise stays without a score."""
    marks = read_marks(answer.judgement)
    if marks is None:
        return QuestionScore("the judge gave no marks", None)
    reference, model = marks
    return QuestionScore(f"{reference:g} {model:g}", model)


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the score of each category, their mean, and how many answers have no marks."""
    marks: dict[str, list[tuple[float, float]]] = {}
    for one in graded:
        given = read_marks(one.answer.judgement)
        if given is not None:
            marks.setdefault(one.question.group, []).append(given)
    categories = {group: relative_score(own) for group, own in marks.items()}
    known = [score for score in categories.values() if score is not None]
    return Summary(
        {"score": sum(known) / len(known) if known else None, **categories},
        (),
        {"judgements_without_marks": sum(one.verdict.score is None for one in graded)},
    )


PUBLISHED = PublishedBenchmark(
    name="heron-bench",
    title="Japanese-Heron-Bench",
    needs=_NEEDS,
    rule="a judge marks the reference and the answer; 100 times the ratio of the means for each "
    "category, and the mean of the categories",
    source="https://github.com/turingmotors/heron",
    measure="score",
    full=100,
    read=read,
    grade=grade,
    summarize=summarize,
    judge_prompt=judge_prompt,
)
