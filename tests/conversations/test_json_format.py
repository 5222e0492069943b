"""Conversations as files: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import EARLIER_VERSIONS

from vlm_demo.conversations import (
    SavedConversation,
    SavedImage,
    SavedTurn,
    from_json,
    to_json,
    to_markdown,
)
from vlm_demo.errors import ConversationError
from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Point,
    Polygon,
    Reply,
    ReplyState,
    StopReason,
    Timing,
)

LEFT = Box(0, 0.1, 0.4, 0.9)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FRACTIONS = st.floats(0, 1)
BOXES = st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS).map(
    lambda edges: Box.normalize(*edges, by=(1, 1))
)
POINTS = st.builds(Point, FRACTIONS, FRACTIONS)
REGIONS = st.one_of(
    BOXES, POINTS, st.lists(POINTS, min_size=3, max_size=5).map(lambda p: Polygon(tuple(p)))
)
SEVERAL = st.lists(REGIONS, max_size=3).map(tuple)
SAVED_PICTURES = st.lists(st.builds(SavedImage, TEXTS, st.binary(max_size=20)), max_size=2).map(
    tuple
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    raw, text = draw(TEXTS), draw(TEXTS)
    mention = Mention(draw(TEXTS), (0, len(text)), draw(SEVERAL), 1, draw(FRACTIONS))
    mark = ParsedPlace((0, len(raw)), (1, 2.5), draw(REGIONS))
    stop = draw(st.none() | st.sampled_from(StopReason))
    pace = Timing(0.5, 1.5, 7)
    return Reply(
        *(raw, text, (mention,), ReplyState.FOUND, draw(TEXTS), (mark,)), stop=stop, timing=pace
    )


TURNS = st.builds(
    SavedTurn, TEXTS, SAVED_PICTURES, SEVERAL, st.none() | replies(), TEXTS, TEXTS, SAVED_PICTURES
)
CONVERSATIONS = st.builds(
    SavedConversation,
    st.lists(TURNS, max_size=3).map(tuple),
    st.lists(TURNS, max_size=1).map(tuple),
)


@pytest.mark.thorough
@given(CONVERSATIONS)
def test_a_conversation_comes_back_from_its_file_as_it_was(conversation: SavedConversation) -> None:
    again = from_json(to_json(conversation).encode())
    assert again == conversation
    paces = [turn.reply.timing for turn in again.turns if turn.reply]
    assert all(pace == Timing(0.5, 1.5, 7) for pace in paces)  # it does not count as equality
    to_markdown(conversation, with_images=False)


def test_conversations_of_earlier_versions_are_opened() -> None:
    content = (EARLIER_VERSIONS / "conversation.json").read_bytes()
    conversation = from_json(content)
    assert json.loads(to_json(conversation)) == json.loads(content)
    reply = conversation.turns[0].reply
    assert reply is not None
    assert reply.reasoning == "one"
    assert reply.timing == Timing(0.5, 2.25, 40)
    assert [len(mention.regions) for mention in reply.mentions] == [2, 1]
    assert conversation.turns[1].reply is None


def file_with(**changes: Any) -> bytes:
    """A file of one turn and one picture, with some of its content replaced."""
    turn = SavedTurn(
        "?",
        (SavedImage("a", b"content"),),
        (LEFT,),
        Reply("A dog", "A dog", (Mention("A dog", (0, 5), (LEFT,)),), ReplyState.FOUND),
    )
    content = json.loads(to_json(SavedConversation((turn,))))
    for path, value in changes.items():
        *way, last = path.split("__")
        part = content
        for step in way:
            part = part[int(step) if step.isdigit() else step]
        part[last] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged or not JSON"),
        (file_with()[:-40], "cut off"),
        (b"\xff\xfe", "damaged or not JSON"),
        (b"[" * 100_000, "damaged or not JSON"),
        (b'{"format": NaN}', "damaged or not JSON"),
        (b'{"turns": []}', "not a conversation"),
        (b"[1, 2]", "not a conversation"),
        (file_with(version=99), "version 99"),
        (file_with(turns="all"), "turns should be a valid list"),
        (file_with(turns__0__question=None), r"turns\[0\].question should be a valid string"),
        (file_with(turns__0__question="\ud800"), "damaged"),
        (file_with(turns__0__question="x" * 300_000), "at most 200000 characters"),
        (
            file_with(turns__0__regions=[{"box": [0, 0, 2, 1]}]),
            r"regions\[0\].box\[2\]: this lies outside",
        ),
        (file_with(turns__0__regions=[{"box": [True, 0, 1, 1]}]), "should be a valid number"),
        (file_with(turns__0__regions=[{"box": [0.5, 0, 0.1, 1]}]), "wrong order"),
        (file_with(turns__0__regions=[{"box": [0, 0, 1, 1], "point": [0, 0]}]), "not permitted"),
        (file_with(turns__0__regions=[{"circle": [0, 0, 1]}]), "should be a box, a point or"),
        (file_with(turns__0__regions=[{"box": [0, 0, 1, 1]}] * 51), "at most 50"),
        (file_with(turns__0__reply__mentions__0__span=[0, 99]), "lies outside its text"),
        (file_with(turns__0__reply__state="lost"), "state should be"),
        (file_with(turns__0__pictures=[{"name": "a", "sha256": "b"}]), "image a is missing"),
        (file_with(files={sha256(b"content").hexdigest(): "b3RoZXI="}), "not the one"),
        (file_with(files={sha256(b"content").hexdigest(): "###"}), "damaged"),
        (file_with(turns=[None] * 5_000), "at most 1000"),
    ],
)
def test_hostile_and_half_files_are_refused_with_clear_words(content: bytes, words: str) -> None:
    with pytest.raises(ConversationError, match=words):
        from_json(content)
