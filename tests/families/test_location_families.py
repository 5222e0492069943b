"""What the families with location tokens and points do beyond wording and markup."""

import pytest
from PIL import Image

from vlm_demo.errors import MissingTextError
from vlm_demo.families import get_family
from vlm_demo.families.microsoft.florence2 import ANSWER_FORMS, SENTENCES
from vlm_demo.values import Box, Frame, Message, Point, Prompt, ReplyState, Request, Size, Task

SIZE = (640, 480)
PICTURE = Image.new("RGB", SIZE, "white")


def asked_with(pictures: int) -> Prompt:
    return Prompt((Message("user", "Point to it.", (PICTURE,) * pictures),), Frame(SIZE, SIZE))


TWO_PICTURES = '<points coords="1 1 100 200;3 2 300 400">dogs</points>'


def test_molmo_points_into_the_only_picture_whatever_number_it_writes() -> None:
    reply = get_family("molmo2").reply(TWO_PICTURES, asked_with(1))
    assert [mention.image_index for mention in reply.mentions] == [0, 0]


def test_molmo_cannot_point_into_pictures_that_are_not_there() -> None:
    molmo = get_family("molmo2")
    reply = molmo.reply(TWO_PICTURES, asked_with(3))
    assert [mention.image_index for mention in reply.mentions] == [0, 2]
    reply = molmo.reply(TWO_PICTURES, asked_with(2))
    assert [mention.image_index for mention in reply.mentions] == [0]
    reply = molmo.reply('<points coords="7 1 100 200">dogs</points>', asked_with(2))
    assert (reply.mentions, reply.state) == ((), ReplyState.UNREADABLE)


def test_paligemma_says_that_masks_in_codes_are_not_decoded() -> None:
    family = get_family("paligemma")
    prompt = family.prompt(Request(Task.GROUNDING, "cat", (PICTURE,)))
    box = "<loc0256><loc0256><loc0768><loc0768>"
    masked = family.reply(f"{box}{'<seg012>' * 16} cat", prompt)
    assert masked.mentions[0].regions == (Box(0.25, 0.25, 0.75, 0.75),)
    assert "need a decoder of their own" in str(masked.note)
    assert not family.reply(f"{box} cat", prompt).note


@pytest.mark.parametrize("raw", ['<point x="50.0" y="25.0">it</point>', "Click(50.0, 25.0)"])
def test_points_are_read_in_a_space_that_was_chosen(raw: str) -> None:
    molmo = get_family("molmo")
    for space, point in {"": Point(0.5, 0.25), "normalized_1000_xyxy": Point(0.05, 0.025)}.items():
        (mention,) = molmo.reply(raw, Prompt((), Frame(SIZE, SIZE, space))).mentions
        assert mention.regions == (point,)


@pytest.mark.parametrize("name", ["florence2", "ofa"])
def test_detection_needs_no_words_where_all_objects_can_be_found(name: str) -> None:
    prompt = get_family(name).prompt(Request(Task.DETECT, "", (PICTURE,)))
    assert prompt.messages[-1].images
    with pytest.raises(MissingTextError):
        get_family(name).prompt(Request(Task.GROUNDING, "", (PICTURE,)))


def test_ofa_says_that_it_detects_everything() -> None:
    prompt = get_family("ofa").prompt(Request(Task.DETECT, "cat", (PICTURE,)))
    assert "whatever the text says" in prompt.note


def test_fuyu_says_that_it_reads_what_is_in_a_region() -> None:
    region = Box(0.1, 0.1, 0.2, 0.2)
    prompt = get_family("fuyu").prompt(Request(Task.DESCRIBE_REGION, "", (PICTURE,), (region,)))
    assert "reads the text" in prompt.note


@pytest.mark.parametrize("task", SENTENCES)
def test_florence_reads_an_answer_by_the_task_it_was_asked_with(task: str) -> None:
    def kinds(raw: str) -> list[type]:
        prompt = Prompt((Message("user", f"{task}a dog"),), Frame(SIZE, SIZE))
        replies = get_family("florence2").reply(raw, prompt)
        return [type(region) for mention in replies.mentions for region in mention.regions]

    places = "it is<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>"
    shape = ANSWER_FORMS[task].shape if task in ANSWER_FORMS else ""
    assert [kind.__name__ for kind in kinds(places)] == {
        "": [],
        "boxes": ["Box", "Box"],
        "either": ["Box", "Box"],
        "quads": ["Polygon"],
        "polygons": ["Polygon"],
    }[shape]


FUYU_TOKENS = {
    "<0x04> <0x00> 194 213 202 244 <0x01> |ENDOFTEXT|": (
        "<0x04><0x00>194 213 202 244<0x01>|ENDOFTEXT|"
    ),
    "\u2581A \u2581dog <0x02> \u258112 7 <0x03> s 1 2": " A dog<0x02>12 7<0x03>s12",
    "<0xE7> <0x8C> <0xAB> <0x0A>": "猫\n",
    "<0xE7> x": "\ufffdx",
    "<0x00> <0x00> 1 2": "<0x00><0x00>1 2",
}


@pytest.mark.parametrize("tokens", FUYU_TOKENS)
def test_numbers_of_fuyu_stay_apart(tokens: str) -> None:
    assert get_family("fuyu").join_tokens(tokens.split(" ")) == FUYU_TOKENS[tokens]


@pytest.mark.parametrize(
    ("size", "scale"), [((640, 480), 1), ((1920, 1080), 1), ((3840, 1080), 2), ((500, 2160), 2)]
)
def test_numbers_of_fuyu_count_two_pixels_of_the_picture_as_it_sees_it(
    size: Size, scale: int
) -> None:
    raw = "<0x00>10 20 30 40<0x01>"
    (mention,) = get_family("fuyu").reply(raw, Prompt((), Frame(size, size))).mentions
    (box,) = mention.regions
    pixels = [value * 2 * scale for value in (20, 10, 40, 30)]
    assert box.to_pixels(size) == pytest.approx(pixels)
