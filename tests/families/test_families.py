"""Families: wording and markup, against golden data in tests/data/families/<family>.jsonl."""

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from support import DATA

from vlm_demo.errors import (
    InputError,
    MissingImageError,
    MissingTextError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
)
from vlm_demo.families import all_families, family_for_model_type, get_family
from vlm_demo.families.llava.llava15 import CLIP_MEAN, pad_to_square
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.tasks import CAPTION_TASKS
from vlm_demo.values import (
    Box,
    Frame,
    Message,
    Point,
    Prompt,
    ReplyState,
    Request,
    Task,
    bounding_box,
)

GOLDEN = DATA / "families"
PICTURE = Image.new("RGB", (640, 480), "white")
FAMILIES = list(all_families().values())
WITH_MARKUP = [family for family in FAMILIES if family.markup]
ASKED = [family for family in FAMILIES if family.instructions]


def golden(kind: str) -> list[Any]:
    cases = []
    for family in all_families():
        lines = (GOLDEN / f"{family}.jsonl").read_text("utf-8").splitlines()
        for number, case in enumerate(map(json.loads, lines), 1):
            if case["kind"] == kind:
                label = case.get("case", case.get("task")).replace(" ", "-")
                cases.append(pytest.param(family, case, id=f"{family}-{number}-{label}"))
    return cases


def reply_frame(case: dict[str, Any]) -> Prompt:
    size = tuple(case["image_size"])
    seen = tuple(case.get("input_size", size))
    question = Message("user", case.get("prompt_task", ""))
    return Prompt((question,), frame=Frame(size, seen, case.get("coordinate_space", "")))


@pytest.mark.parametrize(("name", "case"), golden("prompt"))
def test_wording_is_the_golden_one(name: str, case: dict[str, Any]) -> None:
    region = Box(*case["region"]) if "region" in case else None
    picture = Image.new("RGB", tuple(case.get("image_size", (640, 480))))
    request = Request(
        Task(case["task"]), case["text"], (picture,), regions=(region,) if region else ()
    )
    prompt = get_family(name).prompt(request)
    assert prompt.messages[-1].text == case["message"]
    assert prompt.answer_prefix == case["answer_prefix"]
    assert prompt.frame is not None
    assert prompt.frame.original == picture.size


@pytest.mark.parametrize(("name", "case"), golden("output"))
def test_output_is_read_as_the_golden_one(name: str, case: dict[str, Any]) -> None:
    reply = get_family(name).reply(case["raw"], reply_frame(case))
    assert reply.text == case["text"]
    assert reply.raw == case["raw"]
    assert reply.state == ReplyState(case["state"])
    size = tuple(case["image_size"])
    got = [(m.phrase, [flat(r.to_pixels(size)) for r in m.regions]) for m in reply.mentions]
    assert got == [
        (phrase, [pytest.approx(flat(place), abs=0.51) for place in places])
        for phrase, places in case["mentions"]
    ]
    assert reply.reasoning == case.get("thought", "")
    if "images" in case:
        assert [mention.image_index for mention in reply.mentions] == case["images"]
    for mark in reply.parsed_places:
        assert reply.raw[slice(*mark.span)].strip()
        assert any(mark.region in mention.regions for mention in reply.mentions)


def flat(place: Any) -> list[float]:
    """The numbers of a box, a point, or a polygon's corners."""
    return [v for item in place for v in (item if isinstance(item, list | tuple) else [item])]


@pytest.mark.parametrize(("name", "case"), golden("written"))
def test_the_whole_prompt_is_the_documented_one(name: str, case: dict[str, Any]) -> None:
    size = tuple(case.get("image_size", (640, 480)))
    pictures = tuple(Image.new("RGB", size) for _ in range(case.get("images", 1)))
    history: list[Message] = []
    for question, answer in case.get("history", []):
        history.append(Message("user", question, () if history else pictures))
        history.append(Message("assistant", answer))
    region = Box(*case["region"]) if "region" in case else None
    request = Request(
        Task(case["task"]),
        case.get("text", ""),
        () if history else pictures,
        regions=(region,) if region else (),
        history=tuple(history),
    )
    family = get_family(name)
    assert family.render(family.prompt(request)) == case["prompt"]


@pytest.mark.parametrize(("name", "case"), golden("output"))
def test_growing_output_never_shows_markup_or_loses_places(name: str, case: dict[str, Any]) -> None:
    prompt, family, found = reply_frame(case), get_family(name), 0
    final = len(family.reply(case["raw"], prompt).mentions)
    for end in range(min(len(case["raw"]), 300)):
        reply = family.reply(case["raw"][:end], prompt)
        found = max(found, len(reply.mentions))
        if family.markup and case["state"] == "found":
            assert "[0" not in reply.text
            assert "<patch" not in reply.text
            assert "<object" not in reply.text
        for markup in case.get("never_shown", []):
            assert markup not in reply.text
    assert found <= max(final, 1)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_task_is_served_or_refused_clearly(family: Family, task: Task) -> None:
    able = task in family.instructions
    words = "the red circle"
    if able and task in CAPTION_TASKS and not family.accepts_prefix(task):
        words = ""
    request = Request(task, words, (PICTURE,))
    if able:
        assert family.prompt(request).messages[-1].images
    else:
        with pytest.raises(UnsupportedTaskError, match=family.title):
            family.prompt(request)


def test_tasks_that_the_families_promise() -> None:
    assert set(Task) - set(get_family("llava15").instructions) == {Task.DETECT, Task.READ}
    assert set(Task) - set(get_family("kosmos2").instructions) == {Task.DETECT, Task.READ}
    assert set(get_family("smolvlm").instructions) == {
        Task.CHAT,
        Task.CAPTION,
        Task.DETAILED_CAPTION,
        Task.VQA,
        Task.DESCRIBE_REGION,
    }


@pytest.mark.parametrize("name", ["visionllm", "pali_x"])
def test_what_was_never_released_is_listed_with_an_open_relative(name: str) -> None:
    family = get_family(name)
    assert not family.instructions
    assert not family.checkpoints
    (relative,) = re.findall(r"nearest open relative is .*\((\w+)\)$", family.unavailable_reason)
    assert get_family(relative).instructions
    with pytest.raises(UnsupportedTaskError, match=f"{family.title} cannot be asked: .*open"):
        family.prompt(Request(Task.CHAT, "hello", (PICTURE,)))


def test_a_family_without_tasks_says_why() -> None:
    assert all(bool(family.instructions) != bool(family.unavailable_reason) for family in FAMILIES)


def test_missing_picture_is_said() -> None:
    with pytest.raises(MissingImageError, match="add a picture"):
        get_family("llava15").prompt(Request(Task.GROUNDING, "dog"))


def test_chat_without_a_picture_is_for_families_that_can() -> None:
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "Hello"))
    assert prompt.frame is None
    with pytest.raises(MissingImageError):
        get_family("kosmos2").prompt(Request(Task.CHAT, "Hello"))


@pytest.mark.parametrize("task", [Task.CHAT, Task.VQA, Task.GROUNDING])
@pytest.mark.parametrize("text", ["", " \n\t "])
def test_empty_question_is_said(task: Task, text: str) -> None:
    with pytest.raises(MissingTextError):
        get_family("llava15").prompt(Request(task, text, (PICTURE,)))


@pytest.mark.parametrize("task", [Task.CAPTION, Task.GROUNDED_CAPTION, Task.DESCRIBE_REGION])
def test_captions_need_no_words(task: Task) -> None:
    get_family("kosmos2").prompt(Request(task, "", (PICTURE,)))


def first_task(family: Family) -> Task:
    """Chat where the family can chat, or else the first one that takes words."""
    tasks = [t for t in family.instructions if t not in CAPTION_TASKS or family.accepts_prefix(t)]
    return Task.CHAT if Task.CHAT in tasks else tasks[0]


@pytest.mark.parametrize("family", ASKED, ids=lambda family: family.name)
def test_ten_thousand_characters_are_too_many(family: Family) -> None:
    with pytest.raises(TooLongError, match="10,000 characters, 2,000 too many: at most 8,000"):
        family.prompt(Request(first_task(family), "x" * 10_000, (PICTURE,)))


def test_more_pictures_than_the_family_takes() -> None:
    with pytest.raises(InputError, match="one picture"):
        get_family("llava15").prompt(Request(Task.CHAT, "hi", (PICTURE, PICTURE)))


@pytest.mark.parametrize("family", ASKED, ids=lambda family: family.name)
def test_control_tokens_become_plain_text(family: Family) -> None:
    task, tokens = first_task(family), (*family.control_tokens, "<own>")
    typed = f"what <image> is {''.join(family.control_tokens[:9])} here <own>"
    history = (Message("user", typed, (PICTURE,)), Message("assistant", typed))
    request = Request(task, typed, (), history=history, choices=(typed,))
    prompt = family.prompt(request, control_tokens={"<own>"})
    texts = [message.text for message in prompt.messages if message.role != "system"]
    wording = family.instructions[task]
    for text in (*texts, prompt.answer_prefix, *prompt.choices):
        assert not [token for token in tokens if text.count(token) > wording.count(token)]
    assert ("< image>" in prompt.choices[0]) == ("<image>" in family.control_tokens)
    assert "< own>" in prompt.choices[0]


@pytest.mark.parametrize("family", ASKED, ids=lambda family: family.name)
def test_half_characters_are_refused(family: Family) -> None:
    with pytest.raises(InputError, match="broken characters"):
        family.prompt(Request(first_task(family), "what is \ud800?", (PICTURE,)))


def test_words_that_look_like_placeholders_stay() -> None:
    prompt = get_family("llava15").prompt(Request(Task.VQA, "{region} {text} {0}?", (PICTURE,)))
    assert prompt.messages[-1].text.startswith("{region} {text} {0}?\n")


def test_history_is_kept_as_raw_text_without_end_markers() -> None:
    history = (
        Message("user", "Where is it?", (PICTURE,)),
        Message("assistant", " [0.10, 0.20, 0.30, 0.40]</s>"),
    )
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "And what is it?", history=history))
    assert [m.text for m in prompt.messages] == [
        "Where is it?",
        "[0.10, 0.20, 0.30, 0.40]",
        "And what is it?",
    ]
    assert prompt.frame == Frame((640, 480), (640, 640))


def test_a_new_picture_starts_anew_where_only_one_can_be_seen() -> None:
    newer = Image.new("RGB", (50, 60))
    history = (
        Message("user", "one", (PICTURE,)),
        Message("assistant", "first"),
        Message("user", "two", (newer,)),
        Message("assistant", "second"),
    )
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "three", history=history))
    assert [m.text for m in prompt.messages] == ["two", "second", "three"]
    prompt = get_family("smolvlm").prompt(Request(Task.CHAT, "three", history=history))
    assert [m.text for m in prompt.messages] == ["one", "first", "two", "second", "three"]
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "3", (PICTURE,), history=history))
    assert [m.text for m in prompt.messages] == ["3"]


def test_a_family_without_history_still_sees_the_earlier_picture() -> None:
    history = (Message("user", "one", (PICTURE,)), Message("assistant", "first"))
    prompt = get_family("kosmos2").prompt(Request(Task.CHAT, "two", history=history))
    assert [(m.role, m.text) for m in prompt.messages] == [
        ("user", "<grounding> Question: two Answer:")
    ]
    assert prompt.messages[0].images == (PICTURE,)


def test_a_place_without_words_is_named_by_the_user() -> None:
    family = get_family("llava15")
    prompt = family.prompt(Request(Task.GROUNDING, " the dog ", (PICTURE,)))
    (mention,) = family.reply(" [0.10, 0.20, 0.30, 0.40]", prompt).mentions
    assert mention.phrase == "the dog"
    assert mention.span == (0, 0)


def test_the_instruction_of_a_detailed_caption_is_not_shown() -> None:
    family = get_family("kosmos2")
    prompt = family.prompt(Request(Task.DETAILED_CAPTION, "", (PICTURE,)))
    reply = family.reply(f"{prompt.answer_prefix} The image shows<phrase> a dog</phrase>.", prompt)
    assert reply.text == "The image shows a dog."


def test_a_caption_shows_its_given_beginning() -> None:
    for family in FAMILIES:
        if Task.CAPTION not in family.instructions:
            continue
        request = Request(Task.CAPTION, "Two dogs", (PICTURE,))
        if not family.accepts_prefix(Task.CAPTION):
            with pytest.raises(InputError, match="cannot continue a given beginning"):
                family.prompt(request)
            continue
        prompt = family.prompt(request)
        if not prompt.answer_prefix:  # the words are in the question
            assert prompt.messages[-1].text == "Two dogs"
            continue
        reply = family.reply(f"{prompt.answer_prefix} and a cat.", prompt)
        assert reply.text == "Two dogs and a cat."


def test_padding_centres_the_picture_on_the_mean_colour() -> None:
    square = pad_to_square(Image.new("RGB", (100, 50), "red"))
    assert square.size == (100, 100)
    assert square.getpixel((50, 10)) == CLIP_MEAN
    assert square.getpixel((50, 50)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(10_000, 50), (1, 1), (1, 9_000)])
def test_extreme_pictures_get_a_small_square(size: tuple[int, int]) -> None:
    square = pad_to_square(Image.new("RGB", size))
    assert square.size[0] == square.size[1] <= 2048


def test_model_types_lead_to_families() -> None:
    assert family_for_model_type("llava").name == "llava15"
    assert family_for_model_type("kosmos-2").name == "kosmos2"
    assert family_for_model_type("idefics3").name == "idefics3"
    first_smolvlm = "HuggingFaceTB/SmolVLM-Instruct"
    assert family_for_model_type("idefics3", first_smolvlm).name == "smolvlm"
    assert family_for_model_type("?", "microsoft/kosmos-2-patch14-224").name == "kosmos2"
    with pytest.raises(UnknownModelError, match=r"'bert' are not supported.*kosmos-2, llava"):
        family_for_model_type("bert")


def test_an_unknown_family_is_answered_with_similar_names() -> None:
    with pytest.raises(UnknownModelError, match=r"'quen3_VL'\. Did you mean qwen3_vl") as caught:
        get_family("quen3_VL")
    assert len(str(caught.value)) < 400
    with pytest.raises(UnknownModelError) as caught:
        get_family("x" * 10_000)
    assert len(str(caught.value)) < 400


def test_an_unknown_type_of_model_is_answered_with_similar_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"'qwen25vl' are not.*mean qwen2_5_vl") as caught:
        family_for_model_type("qwen25vl")
    assert len(str(caught.value)) < 400


# Properties

fractions = st.floats(0, 1)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    return Box.normalize(
        draw(fractions), draw(fractions), draw(fractions), draw(fractions), by=(1, 1)
    )


sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))

STEPS = {
    "grid_32_xyxy": 1 / 32,
    "square_1_xyxy": 0.0101,  # two decimals
    "normalized_1_xyxy": 0.00101,  # three
    "normalized_100_xyxy": 0.0101,
    "normalized_999_xyxy": 0.00101,
    "normalized_1000_xyxy": 0.00101,
    "normalized_1000_yxyx": 0.00101,
    "normalized_1024_yxyx": 0.00101,
    "bins_1000_xyxy": 0.00101,
    "pixel_xyxy": 0.0,
    "pixel_yxyx": 0.0,
    "resized_pixel_xyxy": 0.0,
}
"""Share of a side by which writing may move a corner; a pixel more is let pass everywhere."""


POINTERS = {"molmo", "molmo2"}
"""Families that can only point: of a box they keep the middle."""


def middle(box: Box) -> Point:
    return Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


@pytest.mark.parametrize("family", WITH_MARKUP, ids=lambda family: family.name)
@settings(max_examples=50, deadline=None)
@given(places=st.lists(boxes(), min_size=1, max_size=4), size=sizes)
def test_reading_undoes_writing(family: Family, places: list[Box], size: tuple[int, int]) -> None:
    assert family.markup
    frame = Frame(size, size)
    reading = family.markup.read_output(family.markup.write_regions(places, frame), frame)
    twins = [region for mention in reading.mentions for region in mention.regions]
    assert len(twins) == len(places)
    step = STEPS[family.markup.space.name] * max(size)
    for place, twin in zip(places, twins, strict=True):
        kept = middle(place) if family.name in POINTERS else place
        assert type(twin) is type(kept)
        assert twin.to_pixels(size) == pytest.approx(kept.to_pixels(size), abs=step + 1)


@pytest.mark.parametrize("family", WITH_MARKUP, ids=lambda family: family.name)
@settings(max_examples=50, deadline=None)
@given(places=st.lists(boxes(), min_size=1, max_size=3), size=sizes)
def test_writing_what_was_read_changes_nothing_more(
    family: Family, places: list[Box], size: tuple[int, int]
) -> None:
    assert family.markup
    # InternVL takes four numbers for fractions where they add up to less than 4.
    assume(all(box.x1 + box.y1 + box.x2 + box.y2 > 0.01 for box in places))
    frame = Frame((max(size), max(size)), (1, 1))
    written = family.markup.write_regions(places, frame)
    regions = [r for m in family.markup.read_output(written, frame).mentions for r in m.regions]
    assert family.markup.write_regions(regions, frame) == written


def test_points_are_written_as_boxes_without_size() -> None:
    frame = Frame((100, 100), (100, 100))
    for family in WITH_MARKUP:
        assert family.markup
        (mention,) = family.markup.read_output(
            family.markup.write_regions([Point(0.5, 0.5)], frame), frame
        ).mentions
        (place,) = mention.regions
        assert bounding_box(place).area < 0.002


def test_the_markup_of_earlier_answers_goes_back_and_a_person_cannot_type_it() -> None:
    box = "<|box_start|>(1,2),(3,4)<|box_end|>"
    history = (Message("user", f"one {box}", (PICTURE,)), Message("assistant", f"It: {box}"))
    request = Request(Task.CHAT, f"two {box}<|image_pad|>", history=history)
    tokens = ("<|box_start|>", "<|box_end|>", "<|image_pad|>")
    prompt = get_family("qwen2_vl").prompt(request, control_tokens=tokens)
    _, one, answer, two = [message.text for message in prompt.messages]
    assert answer == f"It: {box}"
    assert one == "one < |box_start|>(1,2),(3,4)< |box_end|>"
    assert two == "two < |box_start|>(1,2),(3,4)< |box_end|>< |image_pad|>"


# Conversations that are too long


def test_the_oldest_turn_goes_first_and_its_picture_stays() -> None:
    picture = Image.new("RGB", (8, 8))
    history = (
        Message("user", "one", (picture,)),
        Message("assistant", "1"),
        Message("user", "two"),
        Message("assistant", "2"),
    )
    family = get_family("llava15")
    shorter = family.without_oldest_turn(Request(Task.CHAT, "three", history=history))
    assert shorter == Request(
        Task.CHAT, "three", history=(Message("user", "two", (picture,)), history[3])
    )
    shortest = family.without_oldest_turn(shorter)
    assert shortest == Request(Task.CHAT, "three", images=(picture,))
    assert family.without_oldest_turn(shortest) is None


def test_a_newer_picture_is_not_joined_by_that_of_a_turn_that_goes() -> None:
    old, new = Image.new("RGB", (8, 8)), Image.new("RGB", (9, 9))
    history = (Message("user", "one", (old,)), Message("assistant", "1"))
    request = Request(Task.CHAT, "two", images=(new,), history=history)
    shorter = get_family("qwen2_vl").without_oldest_turn(request)
    assert shorter == Request(Task.CHAT, "two", images=(new,))


def test_nothing_goes_where_the_family_leaves_earlier_turns_out_anyway() -> None:
    families = [family for family in FAMILIES if family.limits.history == "none"]
    history = (Message("user", "one"), Message("assistant", "1"))
    assert families
    for family in families:
        assert family.without_oldest_turn(Request(Task.VQA, "two", history=history)) is None
