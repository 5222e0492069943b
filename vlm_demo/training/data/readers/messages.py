"""Conversations as rows: `messages` and `images`, as llava-instruct-mix-vsft and TRL have them.

    {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "..."}]},
                  {"role": "assistant", "content": "..."}], "images": ["a.jpg"]}

`content` is a text or a list of parts, and `<image>` in a text stands for a picture too. Pictures
belong to the questions with their parts; without any part, to the first question. In files of JSON
they are names of files beside it or data addresses, in Parquet the content of files. LLaVA's older
`conversations` with `from` and `value`, and one `image`, are read as well.
Sources: https://huggingface.co/datasets/HuggingFaceH4/llava-instruct-mix-vsft,
https://huggingface.co/docs/trl/dataset_formats, https://github.com/haotian-liu/LLaVA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlm_demo.errors import ImageError
from vlm_demo.images.data_uri import decode_data_uri, is_data_uri
from vlm_demo.images.opening import MAX_BYTES
from vlm_demo.training.data.examples import (
    ImageSource,
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt, find_keys, read_records
from vlm_demo.training.data.labelled_pictures import find_image, read_header
from vlm_demo.training.data.parquet_rows import ParquetRows, list_parquet
from vlm_demo.values import Task

_PLACEHOLDER = re.compile(r"<image>\s?")
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}
_KEYS = {"messages", "conversations"}


def recognize(path: Path) -> bool:
    """Whether a file has conversations as rows, or a folder has Parquet files with them."""
    if files := list_parquet(path):
        return bool(_KEYS & set(ParquetRows(files[0]).columns))
    if path.suffix not in (".json", ".jsonl"):
        return False
    keys = find_keys(path)
    return bool(_KEYS & keys) and "winner" not in keys


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the conversations of a file, or of a folder of Parquet files.

    Raises:
        InputError: it cannot be read.
    """
    if files := list_parquet(path):
        for file in files:
            for source, record in ParquetRows(file).records("messages", "conversations"):
                yield attempt(source, read_row, record, source)
        return
    for source, found in read_records(path):
        if isinstance(found, RowError):
            yield ReadRow(source, error=found)
        else:
            yield attempt(source, read_row, found, source, path.parent)


def read_row(
    record: Mapping[str, Any], source: str, folder: Path | None = None
) -> Iterator[TrainingExample]:
    """Yield the conversation of a row.

    Args:
        record: the row. Its `images` are whatever `open_reference` takes.
        source: where it stands.
        folder: of pictures that are given by name; None: none are.

    Raises:
        RowError: it cannot be learned from.
    """
    references = record.get("images") or record.get("image") or []
    if not isinstance(references, Sequence) or isinstance(references, str | bytes):
        references = [references]
    images = [TrainingImage(open_reference(one, folder)) for one in references]
    messages = record.get("messages") or record.get("conversations")
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise RowError(RefusalReason.UNREADABLE_ROW, "there are no messages")
    yield TrainingExample(tuple(_Conversation(images).turns(messages)), source)


def open_reference(reference: object, folder: Path | None) -> ImageSource:
    """Return the picture that a row names: by file, address of data, content, or Parquet cell.

    Raises:
        RowError: it is missing, or no picture.
    """
    match reference:
        case {"bytes": bytes(content)} | bytes(content):
            return content
        case {"path": str(name)} | {"url": str(name)} | str(name):
            if is_data_uri(name):
                return _decode(name)
            if folder is None:
                raise RowError(RefusalReason.MISSING_IMAGE, f"there is no image {name[:80]}")
            path = find_image(folder, name)
            read_header(path)
            return path
        case None | {"bytes": None}:
            raise RowError(RefusalReason.MISSING_IMAGE, "an image is empty")
        case _ if hasattr(reference, "read"):
            return reference
    raise RowError(RefusalReason.UNREADABLE_ROW, "an image is neither a name nor content")


def _decode(address: str) -> bytes:
    try:
        return decode_data_uri(address, max_bytes=MAX_BYTES)
    except ImageError as error:
        raise RowError(RefusalReason.DAMAGED_IMAGE, str(error)) from error


class _Conversation:
    """Divides the pictures of a row among its questions."""

    def __init__(self, images: Sequence[TrainingImage]) -> None:
        self._images = list(images)

    def turns(self, messages: Sequence[Any]) -> Iterator[TrainingTurn]:
        """Yield the questions with their answers.

        Raises:
            RowError: they do not alternate, or pictures are left over.
        """
        read = [_read_message(message) for message in messages]
        system = "\n".join(text for role, text, _ in read if role == "system")
        talk = [one for one in read if one[0] != "system"]
        roles = [role for role, _, _ in talk]
        if not talk or roles != ["user", "assistant"] * (len(roles) // 2):
            raise RowError(
                RefusalReason.WRONG_ROLES, f"the roles are {', '.join(roles) or 'missing'}"
            )
        if not any(count for _, _, count in talk):
            talk[0] = (talk[0][0], talk[0][1], len(self._images))
        for number in range(0, len(talk), 2):
            (_, question, count), (_, answer, _) = talk[number : number + 2]
            if number == 0 and system:
                question = f"{system}\n\n{question}"
            yield self._turn(question, answer, count)
        if self._images:
            raise RowError(
                RefusalReason.LEFTOVER_IMAGES, f"{len(self._images)} images are left over"
            )

    def _turn(self, question: str, answer: str, count: int) -> TrainingTurn:
        if not answer:
            raise RowError(RefusalReason.NO_ANSWER)
        if count > len(self._images):
            raise RowError(RefusalReason.MISSING_IMAGE, "the words name more images than there are")
        images, self._images = self._images[:count], self._images[count:]
        if not question:  # a picture alone asks what it shows
            return TrainingTurn(Task.CAPTION, "", (answer,), tuple(images))
        return TrainingTurn(Task.CHAT, question, (answer,), tuple(images))


def _read_message(message: object) -> tuple[str, str, int]:
    """Return the role of a message, its text, and how many pictures stand in it."""
    if not isinstance(message, Mapping):
        raise RowError(RefusalReason.UNREADABLE_ROW, "a message is no object")
    role = str(message.get("role") or message.get("from") or "")
    content = message.get("content", message.get("value"))
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, Sequence) or not all(isinstance(part, Mapping) for part in parts):
        raise RowError(RefusalReason.UNREADABLE_ROW, "a message has no content")
    texts = [str(part["text"]) for part in parts if part.get("text")]
    count = sum(part.get("type") in ("image", "image_url") for part in parts)
    if not count:
        count = sum(len(_PLACEHOLDER.findall(text)) for text in texts)
    text = "\n".join(_PLACEHOLDER.sub("", one).strip() for one in texts).strip()
    return _ROLES.get(role, role), text, count


FORM = DataForm(
    "messages",
    "conversations: rows with messages and images, as JSON, JSON lines or Parquet",
    recognize,
    read,
)
