"""What every family is and does: declarations, checks of requests, prompts, and conversations."""

import importlib
import pkgutil
import re

import pytest
from PIL import Image
from support.families import ASKED, FAMILIES, each, first_task, representatives

import vlm_demo.families
from vlm_demo.errors import (
    InputError,
    MissingImageError,
    MissingTextError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
)
from vlm_demo.families import all_families, get_family
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.tasks import CAPTION_TASKS
from vlm_demo.values import Frame, Message, Request, Task

# Declarations


def test_a_file_is_called_what_its_family_is_called() -> None:
    path, prefix = vlm_demo.families.__path__, f"{vlm_demo.families.__name__}."
    files = {}
    for module in pkgutil.walk_packages(path, prefix):
        family = getattr(importlib.import_module(module.name), "FAMILY", None)
        assert module.ispkg or family, f"{module.name} has no FAMILY"
        if family:
            files[family.name] = module.name.rpartition(".")[2]
    # A module called json would hide the standard library's from a file that is run beside it.
    assert files.pop("json") == "generic_json"
    assert all(name == file for name, file in files.items()), files
    relatives = set(all_families()) - set(files)
    assert {"qwen3_vl_thinking", "blip2_t5", "molmo2"} <= relatives


def test_a_family_without_tasks_says_why() -> None:
    assert all(bool(family.instructions) != bool(family.unavailable_reason) for family in FAMILIES)


@pytest.mark.parametrize("name", ["visionllm", "pali_x"])
def test_what_was_never_released_is_listed_with_an_open_relative(
    name: str, image: Image.Image
) -> None:
    family = get_family(name)
    assert not family.instructions
    assert not family.checkpoints
    (relative,) = re.findall(r"nearest open relative is .*\((\w+)\)$", family.unavailable_reason)
    assert get_family(relative).instructions
    with pytest.raises(UnsupportedTaskError, match=f"{family.title} cannot be prompted: .*open"):
        family.prompt(Request(Task.CHAT, "hello", (image,)))


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


def test_an_unknown_family_is_answered_with_similar_names() -> None:
    with pytest.raises(UnknownModelError, match=r"'quen3_VL'\. Did you mean qwen3_vl") as caught:
        get_family("quen3_VL")
    assert len(str(caught.value)) < 400
    with pytest.raises(UnknownModelError) as caught:
        get_family("x" * 10_000)
    assert len(str(caught.value)) < 400


# Checks


@each(ASKED)
def test_every_task_of_a_family_becomes_a_prompt(family: Family, image: Image.Image) -> None:
    for task in family.instructions:
        takes_words = task not in CAPTION_TASKS or family.accepts_prefix(task)
        words = "the red circle" if takes_words else ""
        assert family.prompt(Request(task, words, (image,))).messages[-1].images, task


@each(representatives("check"))
def test_other_tasks_are_refused_with_the_name_of_the_family(
    family: Family, image: Image.Image
) -> None:
    for task in set(Task) - set(family.instructions):
        with pytest.raises(UnsupportedTaskError, match=family.title):
            family.prompt(Request(task, "the red circle", (image,)))


def test_missing_picture_is_said() -> None:
    with pytest.raises(MissingImageError, match="Add an image"):
        get_family("llava15").prompt(Request(Task.GROUNDING, "dog"))


def test_chat_without_a_picture_is_for_families_that_can() -> None:
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "Hello"))
    assert prompt.frame is None
    with pytest.raises(MissingImageError):
        get_family("kosmos2").prompt(Request(Task.CHAT, "Hello"))


@pytest.mark.parametrize("task", [Task.CHAT, Task.VQA, Task.GROUNDING])
@pytest.mark.parametrize("text", ["", " \n\t "])
def test_empty_question_is_said(task: Task, text: str, image: Image.Image) -> None:
    with pytest.raises(MissingTextError):
        get_family("llava15").prompt(Request(task, text, (image,)))


@pytest.mark.parametrize("task", [Task.CAPTION, Task.GROUNDED_CAPTION, Task.DESCRIBE_REGION])
def test_captions_need_no_words(task: Task, image: Image.Image) -> None:
    get_family("kosmos2").prompt(Request(task, "", (image,)))


def test_more_pictures_than_the_family_takes(image: Image.Image) -> None:
    with pytest.raises(InputError, match="one image"):
        get_family("llava15").prompt(Request(Task.CHAT, "hi", (image, image)))


@each(representatives("check", "prompt"))
def test_ten_thousand_characters_are_too_many(family: Family, image: Image.Image) -> None:
    with pytest.raises(TooLongError, match="10,000 characters, 2,000 over the limit of 8,000"):
        family.prompt(Request(first_task(family), "x" * 10_000, (image,)))


@each(representatives("check", "prompt"))
def test_half_characters_are_refused(family: Family, image: Image.Image) -> None:
    with pytest.raises(InputError, match="broken characters"):
        family.prompt(Request(first_task(family), "what is \ud800?", (image,)))


# Prompts


@each(
    representatives(
        "prompt", "answer_prefix", "_fill_instruction", "_strip_past_answer", "_visible_turns"
    )
)
def test_control_tokens_become_plain_text(family: Family, image: Image.Image) -> None:
    task, tokens = first_task(family), (*family.control_tokens, "<own>")
    typed = f"what <image> is {''.join(family.control_tokens[:9])} here <own>"
    history = (Message("user", typed, (image,)), Message("assistant", typed))
    request = Request(task, typed, (), history=history, choices=(typed,))
    prompt = family.prompt(request, control_tokens={"<own>"})
    texts = [message.text for message in prompt.messages if message.role != "system"]
    wording = family.instructions[task]
    for text in (*texts, prompt.answer_prefix, *prompt.choices):
        assert not [token for token in tokens if text.count(token) > wording.count(token)]
    assert ("< image>" in prompt.choices[0]) == ("<image>" in family.control_tokens)
    assert "< own>" in prompt.choices[0]


def test_the_markup_of_earlier_answers_goes_back_and_a_person_cannot_type_it(
    image: Image.Image,
) -> None:
    box = "<|box_start|>(1,2),(3,4)<|box_end|>"
    history = (Message("user", f"one {box}", (image,)), Message("assistant", f"It: {box}"))
    request = Request(Task.CHAT, f"two {box}<|image_pad|>", history=history)
    tokens = ("<|box_start|>", "<|box_end|>", "<|image_pad|>")
    prompt = get_family("qwen2_vl").prompt(request, control_tokens=tokens)
    _, one, answer, two = [message.text for message in prompt.messages]
    assert answer == f"It: {box}"
    assert one == "one < |box_start|>(1,2),(3,4)< |box_end|>"
    assert two == "two < |box_start|>(1,2),(3,4)< |box_end|>< |image_pad|>"


def test_words_that_look_like_placeholders_stay(image: Image.Image) -> None:
    prompt = get_family("llava15").prompt(Request(Task.VQA, "{region} {text} {0}?", (image,)))
    assert prompt.messages[-1].text.startswith("{region} {text} {0}?\n")


# Answers


def test_a_place_without_words_is_named_by_the_user(image: Image.Image) -> None:
    family = get_family("llava15")
    prompt = family.prompt(Request(Task.GROUNDING, " the dog ", (image,)))
    (mention,) = family.reply(" [0.10, 0.20, 0.30, 0.40]", prompt).mentions
    assert mention.phrase == "the dog"
    assert mention.span == (0, 0)


def test_the_instruction_of_a_detailed_caption_is_not_shown(image: Image.Image) -> None:
    family = get_family("kosmos2")
    prompt = family.prompt(Request(Task.DETAILED_CAPTION, "", (image,)))
    reply = family.reply(f"{prompt.answer_prefix} The image shows<phrase> a dog</phrase>.", prompt)
    assert reply.text == "The image shows a dog."


def test_a_caption_shows_its_given_beginning(image: Image.Image) -> None:
    for family in FAMILIES:
        if Task.CAPTION not in family.instructions:
            continue
        request = Request(Task.CAPTION, "Two dogs", (image,))
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


# Conversations


def test_history_is_kept_as_raw_text_without_end_markers(image: Image.Image) -> None:
    history = (
        Message("user", "Where is it?", (image,)),
        Message("assistant", " [0.10, 0.20, 0.30, 0.40]</s>"),
    )
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "And what is it?", history=history))
    assert [m.text for m in prompt.messages] == [
        "Where is it?",
        "[0.10, 0.20, 0.30, 0.40]",
        "And what is it?",
    ]
    assert prompt.frame == Frame((640, 480), (640, 640))


def test_a_new_picture_starts_anew_where_only_one_can_be_seen(image: Image.Image) -> None:
    newer = Image.new("RGB", (50, 60))
    history = (
        Message("user", "one", (image,)),
        Message("assistant", "first"),
        Message("user", "two", (newer,)),
        Message("assistant", "second"),
    )
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "three", history=history))
    assert [m.text for m in prompt.messages] == ["two", "second", "three"]
    prompt = get_family("smolvlm").prompt(Request(Task.CHAT, "three", history=history))
    assert [m.text for m in prompt.messages] == ["one", "first", "two", "second", "three"]
    prompt = get_family("llava15").prompt(Request(Task.CHAT, "3", (image,), history=history))
    assert [m.text for m in prompt.messages] == ["3"]


def test_a_family_without_history_still_sees_the_earlier_picture(image: Image.Image) -> None:
    history = (Message("user", "one", (image,)), Message("assistant", "first"))
    prompt = get_family("kosmos2").prompt(Request(Task.CHAT, "two", history=history))
    assert [(m.role, m.text) for m in prompt.messages] == [
        ("user", "<grounding> Question: two Answer:")
    ]
    assert prompt.messages[0].images == (image,)


def test_the_oldest_turn_goes_first_and_its_picture_stays(image: Image.Image) -> None:
    history = (
        Message("user", "one", (image,)),
        Message("assistant", "1"),
        Message("user", "two"),
        Message("assistant", "2"),
    )
    family = get_family("llava15")
    shorter, count = family.without_oldest_turns(Request(Task.CHAT, "three", history=history))
    assert count == 1
    assert shorter == Request(
        Task.CHAT, "three", history=(Message("user", "two", (image,)), history[3])
    )
    shortest, _ = family.without_oldest_turns(shorter)
    assert shortest == Request(Task.CHAT, "three", images=(image,))
    assert family.without_oldest_turns(shortest) == (shortest, 0)


def test_as_many_turns_go_as_surely_have_too_few_tokens() -> None:
    history = tuple(
        message
        for number in range(100)
        for message in (Message("user", f"{number:04}"), Message("assistant", "yes!"))
    )
    request = Request(Task.CHAT, "and now?", history=history)
    shorter, count = get_family("llava15").without_oldest_turns(request, 10 * 2 * (8 + 4))
    assert count == 10
    assert shorter.history == history[20:]
    everything, count = get_family("llava15").without_oldest_turns(request, 1_000_000)
    assert (everything.history, count) == ((), 100)


def test_a_newer_picture_is_not_joined_by_that_of_a_turn_that_goes(image: Image.Image) -> None:
    newer = Image.new("RGB", (9, 9))
    history = (Message("user", "one", (image,)), Message("assistant", "1"))
    request = Request(Task.CHAT, "two", images=(newer,), history=history)
    shorter, _ = get_family("qwen2_vl").without_oldest_turns(request)
    assert shorter == Request(Task.CHAT, "two", images=(newer,))


def test_nothing_goes_where_the_family_leaves_earlier_turns_out_anyway() -> None:
    families = [family for family in FAMILIES if not family.keeps_history]
    history = (Message("user", "one"), Message("assistant", "1"))
    assert families
    for family in families:
        request = Request(Task.VQA, "two", history=history)
        assert family.without_oldest_turns(request) == (request, 0)


def test_more_choices_than_can_be_compared_are_refused_at_once(image: Image.Image) -> None:
    request = Request(Task.VQA, "Which?", (image,), choices=tuple(map(str, range(20_000))))
    with pytest.raises(InputError, match="20,000 possible answers; the limit is 200"):
        get_family("llava15").check(request)
