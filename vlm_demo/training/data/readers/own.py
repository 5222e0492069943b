"""A benchmark of one's own: the ZIP that Studio saves, with regions that a person has drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from zipfile import BadZipFile, ZipFile

from vlm_demo.analysis.ground_truth import LabelledQuestion, read_archive
from vlm_demo.analysis.ground_truth.archive import LISTING
from vlm_demo.markup.written_answers import AnswerPhrase
from vlm_demo.prompting.targets import read_targets
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt
from vlm_demo.training.data.reply_parts import SEARCHES, to_boxes


def recognize(path: Path) -> bool:
    """Whether a file is a ZIP with a list of questions."""
    if path.suffix != ".zip":
        return False
    try:
        with ZipFile(path) as archive:
            return LISTING in archive.namelist()
    except (OSError, BadZipFile):
        return False


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the questions of a ZIP.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    # The pictures stay there until the computer cleans its temporary files: they are opened later.
    for question in read_archive(path, Path(mkdtemp(prefix="vlm-demo-data-"))):
        yield attempt(question.name, _read_question, question)


def _read_question(question: LabelledQuestion) -> Iterator[TrainingExample]:
    boxes = to_boxes(question.ground_truth)
    if not boxes and question.ground_truth:
        raise RowError(RefusalReason.EMPTY_BOX, "its regions are points, which have no size")
    names = read_targets(question.words) if question.task in SEARCHES else ()
    if len(names) > 1:
        raise RowError(RefusalReason.UNSUPPORTED, "nobody says which of several things a region is")
    phrase = names[0] if names else question.words
    task, text = question.task, phrase
    turn = TrainingTurn(
        task, text, (AnswerPhrase(phrase, boxes),), (TrainingImage(question.image),)
    )
    yield TrainingExample((turn,), question.name)


FORM = DataForm("own", "a benchmark of one's own: the ZIP that Studio saves", recognize, read)
