"""The chat's parts in this process: what lies beside it, its examples, its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from vlm_demo.conversations import (
    SavedConversation,
    SavedImage,
    SavedTurn,
    from_json,
    to_json,
    to_markdown,
    to_zip,
)
from vlm_demo.errors import ConversationError, InputError
from vlm_demo.prompting.family import FamilyLimits
from vlm_demo.settings import Settings
from vlm_demo.ui.chat.canvas import RegionUpdate, chat_canvas_value
from vlm_demo.ui.chat.conversation import ChatTurn, build_request, select_images
from vlm_demo.ui.chat.few_shot import add_example, make_example, select_examples
from vlm_demo.ui.chat.messages import chat_messages
from vlm_demo.ui.chat.saved import restore_conversation, save_conversation
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.answer.markdown import mentions_markdown
from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_image
from vlm_demo.values import (
    Box,
    Mention,
    RegionForm,
    Reply,
    ReplyState,
    Timing,
)

LEFT, RIGHT = Box(0.0, 0.1, 0.4, 0.9), Box(0.6, 0.1, 1.0, 0.9)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[UploadedImage, ...]:
    """A red, a green and a blue one."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    taken = []
    for colour in ("red", "green", "blue"):
        path = tmp_path / f"{colour}.png"
        Image.new("RGB", (60, 40), colour).save(path)
        taken.append(accept_image(path, Settings()))
    return tuple(taken)


def answered(text: str, *phrases: str, image_index: int = 0) -> Reply:
    """An answer whose phrases are at the left, then at the right."""
    mentions = tuple(
        Mention(phrase, (text.index(phrase), text.index(phrase) + len(phrase)), (place,))
        for phrase, place in zip(phrases, (LEFT, RIGHT), strict=False)
    )
    mentions = tuple(replace(mention, image_index=image_index) for mention in mentions)
    return Reply(f"raw {text}", text, mentions, ReplyState.FOUND)


# Which picture is on the canvas


def test_the_canvas_shows_what_the_newest_answer_is_about(
    pictures: tuple[UploadedImage, ...],
) -> None:
    red, green, _ = pictures
    turn = ChatTurn(
        "Which?",
        (red, green),
        answered("A cat", "A cat", image_index=0),
        visible_images=pictures[:2],
    )
    about_nothing = ChatTurn("And now?", (), Reply("No", "No"), visible_images=pictures[:2])
    assert ChatSidebarState().show_newest_answer((turn,)).image == red
    assert ChatSidebarState().show_newest_answer((turn, about_nothing)).image == green
    content = json.loads(chat_canvas_value((turn,), ChatSidebarState().show_newest_answer((turn,))))
    assert [mention["phrase"] for mention in content["mentions"]] == ["A cat"]

    looking = ChatSidebarState().look_at((turn,), {"picture": 1})
    assert (looking.image, looking.turn) == (green, None)
    back = looking.look_at((turn,), {"turn": 0, "mention": 0})
    assert (back.image, back.turn) == (red, 0)


@pytest.mark.parametrize(
    "wish",
    [
        *(None, [], {}, {"picture": 9}, {"picture": -1}, {"picture": "x"}, {"turn": "0"}),
        *({"turn": 5, "mention": 0}, {"turn": 0, "mention": 7}, {"turn": 0, "mention": -1}),
    ],
)
def test_a_wish_that_fits_nothing_changes_nothing(
    pictures: tuple[UploadedImage, ...], wish: object
) -> None:
    talk = (
        ChatTurn("Which?", pictures[:1], answered("A cat", "A cat"), visible_images=pictures[:1]),
    )
    sidebar = ChatSidebarState().show_newest_answer(talk)
    assert sidebar.look_at(talk, wish) == sidebar


def test_places_of_a_question_keep_theirs_before_those_of_its_answer(
    pictures: tuple[UploadedImage, ...],
) -> None:
    red = pictures[0]
    turn = ChatTurn(
        "What is [1]?",
        (red,),
        answered("A dog", "A dog"),
        regions=(RIGHT, LEFT),
        visible_images=(red,),
    )
    content = json.loads(chat_canvas_value((turn,), ChatSidebarState().show_newest_answer((turn,))))
    shown = [(mention["phrase"], mention["colour"]) for mention in content["mentions"]]
    assert [phrase for phrase, _ in shown] == ["[1]", "[2]", "A dog"]
    (words,) = [part for part in chat_messages((turn,))[1]["content"] if "A dog" in part]
    assert 'id="chat-0-2"' in words
    assert shown[2][1] in words  # the same colour in the text as on the canvas
    assert shown[0][1] != shown[2][1]


# Regions


def test_regions_go_with_the_message_and_are_of_its_newest_picture(
    pictures: tuple[UploadedImage, ...],
) -> None:
    red, green, blue = pictures
    before = (ChatTurn("One", (red,), Reply("1", "1")), ChatTurn("Two", (green,), Reply("2", "2")))
    on_green = ChatSidebarState(image=green).mark_regions((LEFT,))
    assert on_green.build_turn("What is [1]?", (), before) == ChatTurn(
        "What is [1]?", regions=(LEFT,)
    )
    on_red = ChatSidebarState(image=red).mark_regions((LEFT,))
    assert on_red.build_turn("And [1]?", (), before).images == (red,)  # it comes again
    both = on_red.build_turn("Compare", (red, blue), before)
    assert both.images == (blue, red)
    assert both.regions == (LEFT,)
    elsewhere = on_red.build_turn("What?", (blue,), before)
    assert elsewhere.regions == ()
    assert "another picture" in elsewhere.notes[0].template
    with pytest.raises(InputError, match="write a message"):
        ChatSidebarState().build_turn(" ", (), before)

    request = build_request(
        (replace(before[0], regions=(RIGHT,)),),
        ChatTurn("And [1]?", (green,), regions=(LEFT,)),
        None,
        RegionForm.MARKS,
    )
    assert request.regions == (LEFT,)
    assert request.region_form is RegionForm.MARKS
    assert request.history[0].regions == (RIGHT,)


def test_regions_of_a_picture_that_was_replaced_go_and_it_is_said(
    pictures: tuple[UploadedImage, ...],
) -> None:
    red, green, blue = pictures
    marked = ChatSidebarState().add_next_image(red).mark_regions((LEFT,))
    replaced = marked.add_next_image(green)
    assert (replaced.regions, replaced.image, replaced.next_image) == ((), green, green)
    assert replaced.notice is not None
    assert "removed" in chat_canvas_value((), replaced)
    # Looking at another picture is not replacing: the regions are there when one comes back.
    talk = (ChatTurn("Look", (blue,), Reply("!", "!"), visible_images=(blue,)),)
    away = marked.look_at(talk, {"picture": 0})
    assert (away.image, away.regions) == (blue, (LEFT,))
    assert "regions" not in json.loads(chat_canvas_value(talk, away, RegionUpdate.REPLACE))
    back = away.look_at(talk, {"picture": 1})
    assert json.loads(chat_canvas_value(talk, back, RegionUpdate.REPLACE))["regions"] == [
        {"box": [LEFT.x1, LEFT.y1, LEFT.x2, LEFT.y2]}
    ]


# Linked phrases


def test_phrases_become_marks_and_model_text_stays_text() -> None:
    text = "<b>Look</b>: a `red` dog & <mark id='chat-9-9'>cat</mark> ![x](http://a.b/c.png)"
    links = mentions_markdown(answered(text, "red", "a `red` dog"), "chat-3")
    assert links.startswith("&lt;b&gt;Look&lt;/b&gt;: a `red` dog")  # in code it stays as it is
    links = mentions_markdown(answered(text, "Look", "cat"), "chat-3", first=2)
    assert links.count("<mark ") == 2
    assert 'id="chat-3-2"' in links
    assert ">cat</mark>&lt;/mark&gt;" in links
    assert "![" not in links
    assert "<b>" not in links


def test_places_without_a_phrase_and_phrases_without_a_place_look_different() -> None:
    named = Mention("a cat", (0, 5), ())
    unnamed = Mention("", (0, 0), (LEFT,))
    links = mentions_markdown(Reply("", "a cat sits", (named, unnamed)), "chat-0")
    assert '<mark class="phrase placeless">a cat</mark>' in links
    assert links.rstrip().endswith(">2</mark>")
    unreadable = Reply("[1,", "Here", state=ReplyState.UNREADABLE)
    assert "cannot be read" in str(chat_messages((ChatTurn("Where?", (), unreadable),)))


def test_time_and_tokens_stand_below_an_answer() -> None:
    turn = ChatTurn("?", (), Reply("A", "A", timing=Timing(0.5, 2.5, 41)))
    assert "2.5 s · 41 tokens · 20 tokens/s" in chat_messages((turn,))[1]["content"][-1]


# Examples


def test_pinned_examples_go_first_and_leave_room_for_the_conversation(
    pictures: tuple[UploadedImage, ...],
) -> None:
    red, _, blue = pictures
    pictured = make_example(ChatTurn("Colour?", (), Reply("Red", "Red"), visible_images=(red,)))
    assert pictured.images == (red,)
    worded = ChatTurn("2 + 2?", (), Reply("4", "4"))
    pinned = (pictured, worded)
    turn = ChatTurn("And this?", (blue,))
    many, one, none = FamilyLimits(max_images=4), FamilyLimits(), FamilyLimits(history="none")

    shots, notes = select_examples(pinned, (), turn, many, "m")
    assert (shots, notes) == (pinned, ())
    request = build_request(shots, turn, None)
    assert [message.text for message in request.history] == ["Colour?", "Red", "2 + 2?", "4"]
    assert select_images(many, shots, turn) == (red, blue)

    shots, (note,) = select_examples(pinned, (), turn, one, "m")
    assert shots == (worded,)
    assert note.values["gone"] == 1
    shots, (note,) = select_examples(pinned, (), turn, none, "m")
    assert shots == ()
    assert "on its own" in note.template
    with pytest.raises(InputError, match="pinned already"):
        add_example(pinned, pictured)


# Files


def test_pictures_and_places_come_back_to_the_page(pictures: tuple[UploadedImage, ...]) -> None:
    red, green, _ = pictures
    turn = ChatTurn(
        "What is [1]?", (red, green), answered("A dog", "A dog", image_index=1), (LEFT,), "m"
    )
    talk, pinned = (
        (replace(turn, visible_images=(red, green)),),
        (ChatTurn("?", (red,), Reply("!", "!")),),
    )
    file = save_conversation(talk, pinned)
    turns, examples = restore_conversation(from_json(to_json(file).encode()), Settings())
    assert save_conversation(turns, examples) == file
    assert turns[0].reply == talk[0].reply
    assert turns[0].regions == (LEFT,)
    assert [p.fingerprint for p in turns[0].visible_images] == [red.fingerprint, green.fingerprint]
    canvas = json.loads(chat_canvas_value(turns, ChatSidebarState().show_newest_answer(turns)))
    assert canvas["picture"]["name"] == "green.png"


def test_the_markdown_names_pictures_that_lie_beside_it(
    pictures: tuple[UploadedImage, ...], tmp_path: Path
) -> None:
    red = pictures[0]
    odd = replace(red, name="../../a b\\c.png")
    turn = ChatTurn("What is it?", (odd,), answered("A dog", "A dog"), (RIGHT,), "scripted")
    path = tmp_path / "conversation.zip"
    path.write_bytes(to_zip(save_conversation((turn,), ())))
    with ZipFile(path) as archive:
        names = archive.namelist()
        text = archive.read("conversation.md").decode()
        assert names == ["conversation.md", "pictures/1-c.png"]
        assert archive.read(names[1]) == red.source.read_bytes()
    assert "](pictures/1-c.png)" in text
    assert "- [1] box 60.0% 10.0% to 100.0% 90.0%" in text
    assert "- A dog: box 0.0% 10.0% to 40.0% 90.0%" in text
    assert "pictures/" not in to_markdown(save_conversation((turn,), ()), with_images=False)


def test_a_picture_in_a_file_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with pytest.raises(ConversationError, match=r"picture a .* cannot be used: .*not a picture"):
        broken = SavedConversation((SavedTurn("?", (SavedImage("a", b"content"),)),))
        restore_conversation(from_json(to_json(broken).encode()), Settings())
