"""The file of answers of a run: one JSON line a question, written as soon as it is answered.

A run that was stopped goes on from there. The first line says which run it is; a last line that was
cut off is asked again, and so are questions whose answer failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vlm_demo.errors import FileError, InputError, SettingsError
from vlm_demo.evaluation.published.question import Answer, LabelledBox
from vlm_demo.evaluation.published.summary import Graded
from vlm_demo.results.run_files import QUESTIONS_FILE
from vlm_demo.values import Box


class AnswerJournal:
    """The answers of one run in a file, or in memory only."""

    def __init__(
        self, folder: Path | None, run: Mapping[str, Any], *, data: Path | None = None
    ) -> None:
        """Open the file of a run, or begin it.

        Args:
            folder: of the run; None: the answers are not kept.
            run: plain data that says which run it is; only the same run goes on.
            data: folder of the benchmark's data, in which its pictures are found again.

        Raises:
            SettingsError: the file is of another run.
            InputError: the file is damaged.
            FileError: it cannot be written.
        """
        self.answers: dict[str, Answer] = {}
        """The answers so far, by the question's id."""

        self._folder = folder
        self._data = data
        if folder is not None:
            self._path = folder / QUESTIONS_FILE
            self._begin(run)

    def add(self, graded: Graded) -> None:
        """Write an answer and its verdict.

        Raises:
            FileError: the file cannot be written.
        """
        question, answer = graded.question, graded.answer
        self.answers[question.id] = answer
        if self._folder is None:
            return
        data = self._data or self._folder
        record = {
            "id": question.id,
            **({"group": question.group} if question.group else {}),
            "task": str(question.task),
            "pictures": [image.refer(data, self._folder) for image in question.images],
            "question": question.text,
            "answer": answer.text,
            "boxes": [_box_to_data(box) for box in answer.boxes],
            "truth": dict(question.truth),
            "prediction": graded.verdict.prediction,
            "score": graded.verdict.score,
            **({"judgement": answer.judgement} if answer.judgement else {}),
            **({"error": answer.error} if answer.error else {}),
        }
        line = json.dumps(record, ensure_ascii=False)
        with self._writing(), self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _begin(self, run: Mapping[str, Any]) -> None:
        """Read what is there, and write it again without what was cut off or failed."""
        kept = self._read(run)
        if kept is None:
            kept = [json.dumps({"run": run}, ensure_ascii=False)]
        with self._writing():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(
                f"{self._path} cannot be written: {error.strerror or error}."
            ) from error

    def _read(self, run: Mapping[str, Any]) -> list[str] | None:
        """Read the answers of an earlier start; return the lines to keep, None without a file."""
        if not self._path.is_file():
            return None
        lines = self._path.read_bytes().decode("utf-8", errors="replace").split("\n")
        if not lines[0].strip():
            return None
        kept: list[str] = []
        last = max(number for number, line in enumerate(lines, start=1) if line.strip())
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if number == 1:
                    self._check(record["run"], run)
                elif not record.get("error"):
                    self.answers[record["id"]] = _read_answer(record)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                if number == last and number > 1:
                    break  # the program was stopped while it wrote this line
                raise InputError(
                    f"{self._path}, line {number}, is damaged. Give another folder as --out."
                ) from error
            if number == 1 or not record.get("error"):
                kept.append(line)
        return kept

    def _check(self, found: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        different = [key for key in run if found.get(key) != run[key]]
        if different:
            raise SettingsError(
                f"{self._path} is of another run: {', '.join(different)} differs. Give "
                "another folder as --out."
            )


def _box_to_data(box: LabelledBox) -> dict[str, Any]:
    corners = [round(value, 5) for value in box.box.corners]
    return {"label": box.label, "box": corners, "confidence": box.confidence}


def _read_answer(record: Mapping[str, Any]) -> Answer:
    boxes = tuple(
        LabelledBox(str(one["label"]), Box(*map(float, one["box"])), one["confidence"])
        for one in record["boxes"]
    )
    return Answer(str(record["answer"]), boxes, str(record.get("judgement", "")))
