"""The chat's parts in this process: what lies beside it, its examples, its files."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlm_demo.conversations import (
    SavedConversation,
    SavedPicture,
    SavedTurn,
    from_json,
    to_json,
    to_markdown,
    to_zip,
)
from vlm_demo.errors import ConversationError, InputError
from vlm_demo.prompting.family import Limits
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.canvas import Desk, Marking, asked_with, board_value
from vlm_demo.ui.chat.conversation import Turn, as_messages, request_for, shown_to
from vlm_demo.ui.chat.few_shot import as_example, fitting, with_example
from vlm_demo.ui.chat.saved import opened, saved
from vlm_demo.ui.components.answer.text import linked_markdown
from vlm_demo.ui.components.picture_input.pictures import Picture, take
from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Point,
    Polygon,
    RegionForm,
    Reply,
    ReplyState,
    Timing,
)

LEFT, RIGHT = Box(0.0, 0.1, 0.4, 0.9), Box(0.6, 0.1, 1.0, 0.9)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Picture, ...]:
    """A red, a green and a blue one."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    taken = []
    for colour in ("red", "green", "blue"):
        path = tmp_path / f"{colour}.png"
        Image.new("RGB", (60, 40), colour).save(path)
        taken.append(take(path, Settings()))
    return tuple(taken)


def answered(text: str, *phrases: str, image_index: int = 0) -> Reply:
    """An answer whose phrases are at the left, then at the right."""
    mentions = tuple(
        Mention(phrase, (text.index(phrase), text.index(phrase) + len(phrase)), (place,))
        for phrase, place in zip(phrases, (LEFT, RIGHT), strict=False)
    )
    mentions = tuple(replace(mention, image_index=image_index) for mention in mentions)
    return Reply(f"raw {text}", text, mentions, ReplyState.FOUND)


# Which picture is on the board


def test_the_board_shows_what_the_newest_answer_is_about(pictures: tuple[Picture, ...]) -> None:
    red, green, _ = pictures
    turn = Turn(
        "Which?", (red, green), answered("A cat", "A cat", image_index=0), seen=pictures[:2]
    )
    about_nothing = Turn("And now?", (), Reply("No", "No"), seen=pictures[:2])
    assert Desk().following((turn,)).picture == red
    assert Desk().following((turn, about_nothing)).picture == green
    content = json.loads(board_value((turn,), Desk().following((turn,))))
    assert [mention["phrase"] for mention in content["mentions"]] == ["A cat"]

    looking = Desk().looking_at((turn,), {"picture": 1})
    assert (looking.picture, looking.turn) == (green, None)
    back = looking.looking_at((turn,), {"turn": 0, "mention": 0})
    assert (back.picture, back.turn) == (red, 0)


@pytest.mark.parametrize(
    "wish",
    [
        *(None, [], {}, {"picture": 9}, {"picture": -1}, {"picture": "x"}, {"turn": "0"}),
        *({"turn": 5, "mention": 0}, {"turn": 0, "mention": 7}, {"turn": 0, "mention": -1}),
    ],
)
def test_a_wish_that_fits_nothing_changes_nothing(
    pictures: tuple[Picture, ...], wish: object
) -> None:
    talk = (Turn("Which?", pictures[:1], answered("A cat", "A cat"), seen=pictures[:1]),)
    desk = Desk().following(talk)
    assert desk.looking_at(talk, wish) == desk


def test_places_of_a_question_keep_theirs_before_those_of_its_answer(
    pictures: tuple[Picture, ...],
) -> None:
    red = pictures[0]
    turn = Turn(
        "What is [1]?", (red,), answered("A dog", "A dog"), regions=(RIGHT, LEFT), seen=(red,)
    )
    content = json.loads(board_value((turn,), Desk().following((turn,))))
    shown = [(mention["phrase"], mention["colour"]) for mention in content["mentions"]]
    assert [phrase for phrase, _ in shown] == ["[1]", "[2]", "A dog"]
    (words,) = [part for part in as_messages((turn,))[1]["content"] if "A dog" in part]
    assert 'id="chat-0-2"' in words
    assert shown[2][1] in words  # the same colour in the text as on the board
    assert shown[0][1] != shown[2][1]


# Regions


def test_regions_go_with_the_message_and_are_of_its_newest_picture(
    pictures: tuple[Picture, ...],
) -> None:
    red, green, blue = pictures
    before = (Turn("One", (red,), Reply("1", "1")), Turn("Two", (green,), Reply("2", "2")))
    on_green = Desk(picture=green).with_marks((LEFT,))
    assert asked_with("What is [1]?", (), on_green, before) == Turn("What is [1]?", regions=(LEFT,))
    on_red = Desk(picture=red).with_marks((LEFT,))
    assert asked_with("And [1]?", (), on_red, before).pictures == (red,)  # it comes again
    both = asked_with("Compare", (red, blue), on_red, before)
    assert both.pictures == (blue, red)
    assert both.regions == (LEFT,)
    elsewhere = asked_with("What?", (blue,), on_red, before)
    assert elsewhere.regions == ()
    assert "another picture" in elsewhere.notes[0].words
    with pytest.raises(InputError, match="write a message"):
        asked_with(" ", (), Desk(), before)

    request = request_for(
        (replace(before[0], regions=(RIGHT,)),),
        Turn("And [1]?", (green,), regions=(LEFT,)),
        None,
        RegionForm.MARKS,
    )
    assert request.regions == (LEFT,)
    assert request.region_form is RegionForm.MARKS
    assert request.history[0].regions == (RIGHT,)


def test_regions_of_a_picture_that_was_replaced_go_and_it_is_said(
    pictures: tuple[Picture, ...],
) -> None:
    red, green, blue = pictures
    marked = Desk().with_coming(red).with_marks((LEFT,))
    replaced = marked.with_coming(green)
    assert (replaced.marked, replaced.picture, replaced.coming) == ((), green, green)
    assert replaced.told is not None
    assert "gone" in board_value((), replaced)
    # Looking at another picture is not replacing: the regions are there when one comes back.
    talk = (Turn("Look", (blue,), Reply("!", "!"), seen=(blue,)),)
    away = marked.looking_at(talk, {"picture": 0})
    assert (away.picture, away.marked) == (blue, (LEFT,))
    assert "regions" not in json.loads(board_value(talk, away, Marking.PUT))
    back = away.looking_at(talk, {"picture": 1})
    assert json.loads(board_value(talk, back, Marking.PUT))["regions"] == [
        {"box": [LEFT.x1, LEFT.y1, LEFT.x2, LEFT.y2]}
    ]


# Linked phrases


def test_phrases_become_marks_and_model_text_stays_text() -> None:
    text = "<b>Look</b>: a `red` dog & <mark id='chat-9-9'>cat</mark> ![x](http://a.b/c.png)"
    links = linked_markdown(answered(text, "red", "a `red` dog"), "chat-3")
    assert links.startswith("&lt;b&gt;Look&lt;/b&gt;: a `red` dog")  # in code it stays as it is
    links = linked_markdown(answered(text, "Look", "cat"), "chat-3", first=2)
    assert links.count("<mark ") == 2
    assert 'id="chat-3-2"' in links
    assert ">cat</mark>&lt;/mark&gt;" in links
    assert "![" not in links
    assert "<b>" not in links


def test_places_without_a_phrase_and_phrases_without_a_place_look_different() -> None:
    named = Mention("a cat", (0, 5), ())
    unnamed = Mention("", (0, 0), (LEFT,))
    links = linked_markdown(Reply("", "a cat sits", (named, unnamed)), "chat-0")
    assert '<mark class="phrase placeless">a cat</mark>' in links
    assert links.rstrip().endswith(">2</mark>")
    unreadable = Reply("[1,", "Here", state=ReplyState.UNREADABLE)
    assert "cannot be read" in str(as_messages((Turn("Where?", (), unreadable),)))


def test_time_and_tokens_stand_below_an_answer() -> None:
    turn = Turn("?", (), Reply("A", "A", timing=Timing(0.5, 2.5, 41)))
    assert "2.5 s · 41 tokens · 20 tokens/s" in as_messages((turn,))[1]["content"][-1]


# Examples


def test_pinned_examples_go_first_and_leave_room_for_the_conversation(
    pictures: tuple[Picture, ...],
) -> None:
    red, _, blue = pictures
    pictured = as_example(Turn("Colour?", (), Reply("Red", "Red"), seen=(red,)))
    assert pictured.pictures == (red,)
    worded = Turn("2 + 2?", (), Reply("4", "4"))
    pinned = (pictured, worded)
    turn = Turn("And this?", (blue,))
    many, one, none = Limits(max_images=4), Limits(), Limits(history="none")

    shots, notes = fitting(pinned, (), turn, many, "m")
    assert (shots, notes) == (pinned, ())
    request = request_for(shots, turn, None)
    assert [message.text for message in request.history] == ["Colour?", "Red", "2 + 2?", "4"]
    assert shown_to(many, shots, turn) == (red, blue)

    shots, (note,) = fitting(pinned, (), turn, one, "m")
    assert shots == (worded,)
    assert note.values["gone"] == 1
    shots, (note,) = fitting(pinned, (), turn, none, "m")
    assert shots == ()
    assert "on its own" in note.words
    with pytest.raises(InputError, match="pinned already"):
        with_example(pinned, pictured)


# Files

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
SAVED_PICTURES = st.lists(st.builds(SavedPicture, TEXTS, st.binary(max_size=20)), max_size=2).map(
    tuple
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    raw, text = draw(TEXTS), draw(TEXTS)
    mention = Mention(draw(TEXTS), (0, len(text)), draw(SEVERAL), 1, draw(FRACTIONS))
    mark = ParsedPlace((0, len(raw)), (1, 2.5), draw(REGIONS))
    return Reply(
        raw, text, (mention,), ReplyState.FOUND, draw(TEXTS), (mark,), timing=Timing(0.5, 1.5, 7)
    )


TURNS = st.builds(
    SavedTurn, TEXTS, SAVED_PICTURES, SEVERAL, st.none() | replies(), TEXTS, TEXTS, SAVED_PICTURES
)
CONVERSATIONS = st.builds(
    SavedConversation,
    st.lists(TURNS, max_size=3).map(tuple),
    st.lists(TURNS, max_size=1).map(tuple),
)


@given(CONVERSATIONS)
def test_a_conversation_comes_back_from_its_file_as_it_was(conversation: SavedConversation) -> None:
    again = from_json(to_json(conversation).encode())
    assert again == conversation
    paces = [turn.reply.timing for turn in again.turns if turn.reply]
    assert all(pace == Timing(0.5, 1.5, 7) for pace in paces)  # it does not count as equality
    to_markdown(conversation, with_pictures=False)


def test_pictures_and_places_come_back_to_the_page(pictures: tuple[Picture, ...]) -> None:
    red, green, _ = pictures
    turn = Turn(
        "What is [1]?", (red, green), answered("A dog", "A dog", image_index=1), (LEFT,), "m"
    )
    talk, pinned = (replace(turn, seen=(red, green)),), (Turn("?", (red,), Reply("!", "!")),)
    file = saved(talk, pinned)
    turns, examples = opened(from_json(to_json(file).encode()), Settings())
    assert saved(turns, examples) == file
    assert turns[0].reply == talk[0].reply
    assert turns[0].regions == (LEFT,)
    assert [p.fingerprint for p in turns[0].seen] == [red.fingerprint, green.fingerprint]
    board = json.loads(board_value(turns, Desk().following(turns)))
    assert board["picture"]["name"] == "green.png"


def test_the_markdown_names_pictures_that_lie_beside_it(
    pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    red = pictures[0]
    odd = replace(red, name="../../a b\\c.png")
    turn = Turn("What is it?", (odd,), answered("A dog", "A dog"), (RIGHT,), "scripted")
    path = tmp_path / "conversation.zip"
    path.write_bytes(to_zip(saved((turn,), ())))
    with ZipFile(path) as archive:
        names = archive.namelist()
        text = archive.read("conversation.md").decode()
        assert names == ["conversation.md", "pictures/1-c.png"]
        assert archive.read(names[1]) == red.source.read_bytes()
    assert "](pictures/1-c.png)" in text
    assert "- [1] box 60.0% 10.0% to 100.0% 90.0%" in text
    assert "- A dog: box 0.0% 10.0% to 40.0% 90.0%" in text
    assert "pictures/" not in to_markdown(saved((turn,), ()), with_pictures=False)


def file_with(**changes: Any) -> bytes:
    """A file of one turn and one picture, with some of its content replaced."""
    turn = SavedTurn("?", (SavedPicture("a", b"content"),), (LEFT,), answered("A dog", "A dog"))
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
        (b'{"turns": []}', "no conversation"),
        (b"[1, 2]", "no conversation"),
        (file_with(version=99), "version 99"),
        (file_with(turns="all"), "list is missing"),
        (file_with(turns__0__question=None), "text is missing"),
        (file_with(turns__0__question="\ud800"), "damaged"),
        (file_with(turns__0__question="x" * 300_000), "300,000 characters"),
        (file_with(turns__0__regions=[{"box": [0, 0, 2, 1]}]), "outside its picture"),
        (file_with(turns__0__regions=[{"box": [True, 0, 1, 1]}]), "number is missing"),
        (file_with(turns__0__regions=[{"box": [0.5, 0, 0.1, 1]}]), "place cannot be read"),
        (file_with(turns__0__reply__mentions__0__span=[0, 99]), "lies outside it"),
        (file_with(turns__0__reply__state="lost"), "lost"),
        (file_with(turns__0__pictures=[{"name": "a", "sha256": "b"}]), "'b' is missing"),
        (file_with(files={sha256(b"content").hexdigest(): "b3RoZXI="}), "not the one"),
        (file_with(files={sha256(b"content").hexdigest(): "###"}), "damaged"),
        (file_with(turns=[None] * 5_000), "5,000 entries"),
    ],
)
def test_hostile_and_half_files_are_refused_with_clear_words(content: bytes, words: str) -> None:
    with pytest.raises(ConversationError, match=words):
        from_json(content)


def test_a_picture_in_a_file_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with pytest.raises(ConversationError, match=r"picture a .* cannot be used: .*not a picture"):
        opened(from_json(file_with()), Settings())
