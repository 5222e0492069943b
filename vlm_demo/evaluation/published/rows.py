"""Makes questions of the rows of a benchmark's tables, with their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import PublishedQuestion
from vlm_demo.evaluation.published.tables import Columns, Row, read_rows
from vlm_demo.results.pictures import ParquetImage, QuestionImage


@dataclass(frozen=True, slots=True)
class BenchmarkRow(Row):
    """A row with its place among all rows and the pictures of its folder."""

    number: int  # from 0, over all tables
    pictures: PictureFolder

    @property
    def identity(self) -> str:
        """A name for its question where the data give none."""
        return f"{self.path.stem}-{self.number}"

    def picture(self, *columns: str) -> QuestionImage:
        """Return its picture, from the first of these columns that has one.

        Raises:
            InputError: none of them has.
        """
        for column in columns:
            value = self.values.get(column)
            if isinstance(value, ParquetImage):
                return value
            if isinstance(value, str) and value:
                return self.pictures.find(value)
        raise InputError(f"{self.path} has a row without an image in {' or '.join(columns)}.")


def read_benchmark_rows(
    folder: Path, layouts: Sequence[Columns], needs: str, pictures: PictureFolder
) -> list[BenchmarkRow]:
    """Return the rows of all tables below a folder; see `read_rows`.

    Raises:
        InputError: the folder has another layout, or a table is broken.
    """
    rows = enumerate(read_rows(folder, layouts, needs))
    return [BenchmarkRow(row.path, row.values, number, pictures) for number, row in rows]


def read_questions(
    folder: Path,
    layouts: Sequence[Columns],
    needs: str,
    make: Callable[[BenchmarkRow], PublishedQuestion | None],
) -> list[PublishedQuestion]:
    """Return what `make` makes of each row of the tables; None: the row is not asked.

    Args:
        folder: of the user.
        layouts: columns that a table must have, of each layout that is known.
        needs: what must be in the folder, for people.
        make: may raise InputError.

    Raises:
        InputError: the folder has another layout, a file is broken, pictures are missing, or no
            row can be asked.
    """
    pictures = PictureFolder(folder)
    made = map(make, read_benchmark_rows(folder, layouts, needs, pictures))
    questions = [question for question in made if question is not None]
    if not questions:
        raise InputError(
            f"No question in {folder} has an answer and an image: is it another part of the data?"
        )
    pictures.check()
    return questions
