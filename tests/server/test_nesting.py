"""JSON that is nested more deeply than Python reads is refused wherever JSON comes in."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlm_demo.arena.ledger.entries import from_line
from vlm_demo.conversations.json_format import from_json
from vlm_demo.conversations.permalink import decode_link
from vlm_demo.engines.local.checkpoints.folders import read_json
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.engines.remote.event_stream import MessageReader, UnreadableMessageError
from vlm_demo.errors import ConversationError, InputError, LoadError
from vlm_demo.prompting.constraint_checks import check_schema
from vlm_demo.ui.batch.form import read_turn
from vlm_demo.ui.components.answer.view import finish_value
from vlm_demo.ui.components.settings.request_settings import read_badge_model

DEEP = b"[" * 200_000


def read_stream(content: bytes) -> list[Any]:
    return list(MessageReader("text/event-stream").feed(b"data: " + content + b"\n\n"))


def read_link(content: bytes) -> Any:
    return decode_link(base64.b64encode(zlib.compress(content)).decode())


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (from_json, ConversationError),
        (read_link, InputError),
        (from_line, InputError),
        (lambda content: check_schema(content.decode()), InputError),
        (read_stream, UnreadableMessageError),
    ],
)
def test_it_is_refused(read: Callable[[bytes], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        read(DEEP)


def test_it_is_refused_in_files_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(DEEP)
    (tmp_path / "model.safetensors").write_bytes(len(DEEP).to_bytes(8, "little") + DEEP)
    with pytest.raises(LoadError):
        read_weights(tmp_path)
    with pytest.raises(LoadError):
        read_json(tmp_path / "config.json")


def test_it_means_nothing_where_a_browser_sends_it() -> None:
    assert read_turn(DEEP.decode()) == {}
    assert read_badge_model(DEEP.decode()) is None
    assert finish_value(DEEP.decode()) == finish_value("{}")
