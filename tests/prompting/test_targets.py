"""Several things in the words of one search."""

import pytest
from PIL import Image

from vlm_demo.errors import TooManyTargetsError
from vlm_demo.families import get_family
from vlm_demo.prompting.targets import (
    MAX_TARGETS,
    TargetList,
    match_target,
    quote_target,
    read_targets,
    split_conjunctions,
)
from vlm_demo.values import Request, Task


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("elephant", ("elephant",)),
        (" red circle on the left ", ("red circle on the left",)),
        ("elephant, zebra", ("elephant", "zebra")),
        ("cat;dog\nbird\r\nfish", ("cat", "dog", "bird", "fish")),
        ("猫、犬\N{FULLWIDTH COMMA}鳥\N{FULLWIDTH SEMICOLON}魚", ("猫", "犬", "鳥", "魚")),
        ("قطة، كلب", ("قطة", "كلب")),
        (", cat,, ", ("cat",)),
        ("Cat, dog, cat, the  CAT", ("Cat", "dog")),
        ("cat and dog", ("cat and dog",)),
        ("1,000 people, 2 dogs", ("1,000 people", "2 dogs")),
        ("Where is the cat, please?", ("Where is the cat, please?",)),
        ('the "elephant"', ("elephant",)),
        ("the elephant", ("the elephant",)),
        ("'elephant', “zebra”, 「象、鼻」", ("elephant", "zebra", "象、鼻")),
        ('"big, red dog"; cat', ("big, red dog", "cat")),
        ('a sign that says "STOP, NOW"', ('a sign that says "STOP, NOW"',)),
        ("\"unclosed, dog's bowl", ('"unclosed', "dog's bowl")),
        ("", ()),
        (' , "" ;\n', ()),
    ],
)
def test_a_text_is_read_as_a_list_of_things(text: str, names: tuple[str, ...]) -> None:
    assert read_targets(text) == names


def test_only_so_many_things_are_looked_for() -> None:
    names = [f"thing {number}" for number in range(MAX_TARGETS)]
    assert read_targets(", ".join([*names, *names])) == tuple(names)
    with pytest.raises(TooManyTargetsError, match="21 objects; the limit is 20"):
        read_targets(", ".join([*names, "one more"]))


@pytest.mark.parametrize(
    "name", ["cat", "big, red dog", 'a "big, red" dog', "猫、犬", "the cat", "a; b\nc"]
)
def test_a_quoted_name_is_read_as_one_thing(name: str) -> None:
    assert read_targets(quote_target(name)) == (" ".join(name.split()),) or "\n" in name


@pytest.mark.parametrize(
    ("text", "with_commas"),
    [
        ("cat and dog", "cat, dog"),
        ("sandcastle & brand", "sandcastle, brand"),
        ('"salt and pepper" and bread', '"salt and pepper", bread'),
        ("象とライオン", "象, ライオン"),
        ("りんごとバナナ", "りんご, バナナ"),
        ("とり", "とり"),
        ("おとな", "おとな"),
        ("猫和狗", "猫, 狗"),
        ("老和尚", "老和尚"),
    ],
)
def test_conjunctions_separate_things_on_request(text: str, with_commas: str) -> None:
    assert split_conjunctions(text) == with_commas


@pytest.mark.parametrize(
    ("phrase", "target"),
    [
        ("cat", "cat"),
        ("The Cat.", "cat"),
        ("cats", "cat"),
        ("black cat", "cat"),
        ("hot dog", "hot dog"),
        ("a hot dog with mustard", "hot dog"),
        ("dogs", "dog"),
        ("三匹の猫", "猫"),
        ("catalogue", ""),
        ("cat and dog", ""),
        ("feline", ""),
        ("", ""),
    ],
)
def test_a_phrase_is_of_one_thing_or_none(phrase: str, target: str) -> None:
    assert match_target(phrase, ("cat", "dog", "hot dog", "猫")) == target


def test_names_are_never_read_as_blanks() -> None:
    wording = TargetList("Find {text}.", item="<{text}>", separator=" ")
    assert wording.fill(["{text}", "a"]) == "Find <{text}> <a>."


def test_a_name_with_a_comma_is_not_put_into_a_list_with_commas() -> None:
    request = Request(Task.GROUNDING, '"big, red dog"; cat', (Image.new("RGB", (9, 9)),))
    alone = [one.text for one in get_family("qwen3_vl").split_request(request)]
    assert alone == ['"big, red dog"', "cat"]
    assert get_family("paligemma").split_request(request) == (request,)
    note = str(get_family("qwen3_vl").prompt(request).note)
    assert note.startswith("Each of the 2 objects is prompted separately")
