"""Conversations that Studio saves: the answers that a person has corrected or called good.

The file is version 2 of "vlm-demo conversation", which the browser writes
(vlm_demo/ui/studio/state/conversation_file.js). Of several answers to a question a corrected one
counts, else one with a thumb up, else the first that was finished; only the first two are learned,
and the last is what later turns build on. Chat turns share their history; each other turn stands
alone. Where nobody corrects anything, `all_answers.py` learns every finished answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from vlm_demo.errors import InputError, describe_validation_error
from vlm_demo.images.data_uri import is_data_uri
from vlm_demo.markup.region_json import RegionModel
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt, read_head, read_records
from vlm_demo.training.data.readers.messages import open_reference
from vlm_demo.training.data.reply_parts import SEARCHES, to_parts
from vlm_demo.values import Mention, Task

_FORMAT, _VERSION = "vlm-demo conversation", 2


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Region(_Lenient):
    phrase: str = ""
    target: str = ""
    regions: list[RegionModel] = []


class _Rating(_Lenient):
    verdict: str = ""


class _SavedAnswer(_Lenient):
    plain: str = ""
    raw: str = ""
    status: str = "done"
    corrected: bool = False
    rating: _Rating | None = None
    mentions: list[_Region] = []

    @property
    def is_approved(self) -> bool:
        """Whether a person stands behind it."""
        return self.corrected or (self.rating is not None and self.rating.verdict == "up")


class _SavedQuestion(_Lenient):
    task: Task = Task.CHAT
    text: str = ""
    targets: list[str] = []
    pictures: list[str] = []
    regions: list[RegionModel] = []
    answers: list[_SavedAnswer] = []


class _SavedPicture(_Lenient):
    key: str
    data: str | None = None


class _SavedFile(_Lenient):
    turns: list[_SavedQuestion]
    pictures: list[_SavedPicture] = []


def recognize(path: Path) -> bool:
    """Whether a file is a conversation, or a folder holds some."""
    return any(_FORMAT in read_head(file)[:200] for file in _find_files(path))


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the conversations of a file or folder that have answers which a person approved.

    Raises:
        InputError: there is none, or one is of an older version.
    """
    return read_conversations(path, all_answers=False)


def read_conversations(path: Path, *, all_answers: bool) -> Iterator[ReadRow]:
    """Yield the conversations of a file, or of all files of a folder.

    Args:
        path: of the file or folder.
        all_answers: whether every finished answer is learned, or only those that are approved.

    Raises:
        InputError: there is none, or one is of an older version.
    """
    files = [file for file in _find_files(path) if _FORMAT in read_head(file)[:200]]
    if not files:
        raise InputError(f"There is no conversation in {path}.")
    for file in files:
        saved = _read_file(file)
        pictures = {one.key: one.data for one in saved.pictures}
        for number, talk in enumerate(_split_talks(saved), start=1):
            source = f"{file.name}, question {number}"
            yield attempt(source, _read_talk, talk, pictures, source, all_answers)


def _find_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _read_file(path: Path) -> _SavedFile:
    [(_, found)] = list(read_records(path))[:1] or [("", RowError(RefusalReason.UNREADABLE_ROW))]
    if isinstance(found, RowError):
        raise InputError(f"{path.name} is damaged: {found}") from found
    if found.get("version") != _VERSION:
        raise InputError(
            f"{path.name} is a conversation of another version. Open it in Studio and save "
            "it once more."
        )
    try:
        return _SavedFile.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path.name} is damaged: {describe_validation_error(error)}") from error


def _split_talks(saved: _SavedFile) -> Iterator[list[_SavedQuestion]]:
    """Yield the turns that share a history: all of a chat, and each other one by itself."""
    chat: list[_SavedQuestion] = []
    for turn in saved.turns:
        if not turn.answers:
            continue
        if turn.task is not Task.CHAT:
            yield [turn]
        else:
            chat.append(turn)
    if chat:
        yield chat


def _read_talk(
    talk: list[_SavedQuestion], pictures: Mapping[str, Any], source: str, all_answers: bool
) -> Iterator[TrainingExample]:
    known: list[str] = []
    turns = []
    for question in talk:
        new = [key for key in question.pictures if key not in known]
        known += new
        images = tuple(_open(pictures.get(key), key) for key in new)
        turn = _read_turn(question, images)
        turns.append(replace(turn, is_learned=True) if all_answers else turn)
    while turns and not turns[-1].is_learned:
        turns.pop()
    if not turns:
        raise RowError(RefusalReason.NOT_APPROVED)
    if not known:
        raise RowError(RefusalReason.NO_IMAGE)
    yield TrainingExample(tuple(turns), source)


def _open(data: Any, key: str) -> TrainingImage:
    if not isinstance(data, str) or not is_data_uri(data):
        raise RowError(RefusalReason.MISSING_IMAGE, f"the image {key} is not in the file")
    return TrainingImage(open_reference(data, None))


def _read_turn(question: _SavedQuestion, images: tuple[TrainingImage, ...]) -> TrainingTurn:
    finished = [answer for answer in question.answers if answer.status == "done"]
    approved = [answer for answer in finished if answer.is_approved]
    approved.sort(key=lambda answer: not answer.corrected)
    if not finished:
        raise RowError(RefusalReason.NO_ANSWER, "no answer was finished")
    answer = (approved or finished)[0]
    regions = tuple(region.to_region() for region in question.regions)
    targets = question.targets or ([question.text] if question.task in SEARCHES else [])
    mentions = [
        Mention(one.phrase, (0, 0), tuple(r.to_region() for r in one.regions), target=one.target)
        for one in answer.mentions
    ]
    parts = to_parts(question.task, answer.plain or answer.raw, mentions, targets)
    if not parts:
        raise RowError(RefusalReason.NO_ANSWER)
    text = question.text or ", ".join(question.targets)
    return TrainingTurn(question.task, text, parts, images, regions, is_learned=bool(approved))


FORM = DataForm(
    "conversation",
    "conversations that Studio saved: corrected answers, and those with a thumb up",
    recognize,
    read,
)
