"""What the messages of a server add up to: whole characters, and an end."""

from __future__ import annotations

from vlm_demo.engines.remote.stream_deltas import MAX_CHARACTERS, Delta, DeltaReader
from vlm_demo.values import StopReason


def read(*texts: str) -> str:
    reader = DeltaReader()
    chunks = [reader.read(Delta(text)) for text in texts]
    return "".join([*chunks, reader.read(Delta(stop=StopReason.FINISHED))])


def test_halves_of_a_character_are_joined_across_messages() -> None:
    assert read("a \ud83d", "\ude00 b") == "a \U0001f600 b"
    assert read("\ud83d\ude00") == "\U0001f600"


def test_a_lone_half_is_replaced_wherever_it_stands() -> None:
    assert read("a \ud83d b") == "a \ufffd b"
    assert read("\ude00 a") == "\ufffd a"
    assert read("a \ud83d", " b") == "a \ufffd b"
    assert read("a \ud83d") == "a \ufffd"


def test_an_answer_that_never_ends_is_cut_off() -> None:
    reader = DeltaReader()
    assert not reader.is_full
    reader.read(Delta("x" * (MAX_CHARACTERS + 1)))
    assert reader.is_full
    assert reader.stop is StopReason.LENGTH
