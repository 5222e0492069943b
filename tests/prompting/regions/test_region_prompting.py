"""Regions that people mark, on their way into the prompt of every family."""

import io
from itertools import product

import pytest
from PIL import Image
from support.families import ASKED, each

from vlm_demo.errors import InputError, MissingImageError
from vlm_demo.families import get_family
from vlm_demo.images.opening import open_image
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.regions.region_crops import crop_region
from vlm_demo.prompting.regions.region_overlays import RED, draw_regions
from vlm_demo.values import (
    MAX_REGIONS,
    Box,
    Message,
    Point,
    Polygon,
    Prompt,
    Region,
    RegionForm,
    Request,
    Task,
)

PICTURE = Image.new("RGB", (640, 480), "white")
CAT, DOG, BIRD = Box(0.1, 0.2, 0.4, 0.6), Box(0.5, 0.5, 0.9, 0.9), Box(0.7, 0.1, 0.8, 0.3)
OUTLINE = Polygon((Point(0.1, 0.1), Point(0.5, 0.2), Point(0.2, 0.5)))
MARK = "the red box with the number {}"

WRITING = [family for family in ASKED if family.writes_regions]
TALKING = [family for family in ASKED if family.region_template]
POINTING = [family for family in TALKING if family.markup and family.markup.write_point]


def question_of(family: Family) -> Task:
    return Task.CHAT if Task.CHAT in family.instructions else Task.VQA


def ask(
    name: str,
    text: str,
    *regions: Region,
    form: RegionForm = RegionForm.AUTO,
    picture: Image.Image | None = PICTURE,
    history: tuple[Message, ...] = (),
) -> Prompt:
    family, images = get_family(name), () if picture is None else (picture,)
    request = Request(question_of(family), text, images, regions, form, history=history)
    return family.prompt(request)


def words(prompt: Prompt) -> str:
    return prompt.messages[-1].text


def turned_photo() -> Image.Image:
    """600 x 400 as it is stored, 400 x 600 as it is seen."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (600, 400), "grey").save(file, "JPEG", exif=exif)
    return open_image(file.getvalue())


# What is written is what was marked


@each(WRITING)
def test_a_family_reads_back_the_region_that_it_was_given(family: Family) -> None:
    tasks = [Task.DESCRIBE_REGION, question_of(family)] if family in TALKING else []
    images = (PICTURE, Image.new("RGB", (300, 900)), turned_photo())
    for task, image in product(tasks or [Task.DESCRIBE_REGION], images):
        asked = family.prompt(Request(task, "What is [1] here?", (image,), (CAT,)))
        assert family.markup and asked.frame
        assert asked.frame.original == image.size
        written = words(asked) + asked.answer_prefix
        if family.name == "dots_ocr":  # its questions hold bare numbers, its answers a key
            written = f'{{"bbox": {written[written.rindex("[") :]}}}'
        output = family.markup.read_output(written, asked.frame)
        (region,) = (region for mention in output.mentions for region in mention.regions)
        assert isinstance(region, Box)
        if family.name == "kosmos2":  # a corner is somewhere in its cell
            corners = (region.x1, region.y1, region.x2, region.y2)
            assert corners == pytest.approx((CAT.x1, CAT.y1, CAT.x2, CAT.y2), abs=1 / 32)
        else:
            assert region.iou(CAT) >= 0.9
        assert not asked.note or family.name == "fuyu"


@each(POINTING)
def test_a_point_is_written_as_one_where_the_family_was_taught_points(family: Family) -> None:
    asked = ask(family.name, "What is [1]?", Point(0.25, 0.75))
    assert family.markup and asked.frame
    (mention,) = family.markup.read_output(words(asked), asked.frame).mentions
    (point,) = mention.regions
    assert isinstance(point, Point)
    assert (point.x, point.y) == pytest.approx((0.25, 0.75), abs=0.005)


def test_a_point_is_a_small_square_elsewhere_and_an_outline_its_box() -> None:
    asked = ask("cogvlm_grounding", "[1] and [2]", Point(0.5, 0.5), OUTLINE)
    # 4 % of 480 pixels, over 640 x 480
    assert words(asked) == "[[485,480,515,520]] and [[100,100,500,500]]"


def test_families_that_draw_regions_in_have_words_for_what_is_drawn() -> None:
    for family in ASKED:
        assert not family.region_template or (
            family.markup and "{region}" in family.region_template
        )
        if Task.DESCRIBE_REGION in family.instructions and not family.writes_regions:
            assert "{text}" in family.instructions[Task.DESCRIBE_REGION]
    assert {family.name for family in POINTING} == {
        *("ferret", "fuyu", "qwen2_5_vl", "qwen3_5", "qwen3_vl", "qwen3_vl_thinking", "shikra"),
    }


# Names in the words


def test_numbers_become_regions_and_the_rest_follows_in_order() -> None:
    asked = ask("qwen3_vl", "Is [3] like [1], and [3] like [7] in a[0]?", CAT, DOG, BIRD)
    cat, dog, bird = (
        f'{{"bbox_2d": [{", ".join(str(round(v * 1000)) for v in (b.x1, b.y1, b.x2, b.y2))}]}}'
        for b in (CAT, DOG, BIRD)
    )
    assert words(asked) == f"Is {bird} like {cat}, and {bird} like [7] in a[0]? {dog}"
    assert words(ask("qwen3_vl", "［１］は何？", CAT)) == f"{cat}は何？"
    assert words(ask("qwen3_vl", "What is [1]?")) == "What is [1]?"


@each(TALKING)
def test_a_person_cannot_type_what_a_region_is_written_with(family: Family) -> None:
    assert family.markup
    tokens = (*family.control_tokens, *family.markup_tokens)
    honest = ask(family.name, "What is [1]?", CAT)
    forged = ask(family.name, f"What is [1]?{''.join(tokens[:40])}", CAT)
    for token in tokens:
        assert words(forged).count(token) == words(honest).count(token)
    split = ask(family.name, f"{tokens[0][:2]}[1]{tokens[0][2:]}", CAT)
    assert tokens[0] not in words(split)


# Marks


def is_red(picture: Image.Image, x: float, y: float) -> bool:
    return picture.getpixel((round(x * picture.width), round(y * picture.height))) == RED


def test_a_family_without_words_sees_numbered_marks() -> None:
    asked = ask("smolvlm", "What is [2] doing with [1]?", CAT, DOG, Point(0.5, 0.5), OUTLINE)
    assert words(asked) == (
        f"What is {MARK.format(2)} doing with {MARK.format(1)}? "
        "(the red circle with the number 3 and the red outline with the number 4)"
    )
    (seen,) = asked.messages[-1].images
    for x, y in ((CAT.x1, 0.5), (DOG.x1, 0.7), (0.3, 0.15)):
        assert is_red(seen, x + 0.002, y + 0.002)
    assert not is_red(seen, 0.35, 0.5), "what is marked can still be seen"
    assert PICTURE.getcolors() == [(640 * 480, (255, 255, 255))], "the user's own stays clean"
    assert "no way to write a region as coordinates" in str(asked.note)
    assert "red, with their numbers" in str(asked.note)
    chosen = ask("qwen3_vl", "What is [1]?", CAT, form=RegionForm.MARKS)
    assert words(chosen) == f"What is {MARK.format(1)}?"
    assert "drawn onto its copy" in str(chosen.note)


def test_marks_are_called_in_the_language_of_the_family_or_of_the_words() -> None:
    assert words(ask("llava_jp", "[1]は何ですか。", CAT, DOG)) == (
        "番号1の赤い枠は何ですか。（番号2の赤い枠）"
    )
    assert words(ask("smolvlm", "[1]は何ですか。", CAT)) == "番号1の赤い枠は何ですか。"
    assert words(ask("smolvlm", "[1]是什么？", CAT)) == "编号为1的红框是什么？"


def test_a_mark_at_the_edge_keeps_its_number_in_the_picture() -> None:
    for place in (Box(0, 0, 1, 1), Box(0.99, 0.99, 1, 1), Point(0, 0), Point(1, 1)):
        marked = draw_regions(Image.new("RGB", (50, 40), "white"), [place])
        counts = {colour: count for count, colour in marked.getcolors()}
        assert counts[RED] > 40
        assert counts[255, 255, 255] > 100, "the paper, and the number"


def test_what_is_to_be_found_and_classes_get_marks() -> None:
    for name in ("qwen2_vl", "llava15", "kosmos2", "florence2"):
        family = get_family(name)
        asked = family.prompt(Request(Task.GROUNDING, "the dog by [1]", (PICTURE,), (CAT,)))
        assert f"the dog by {MARK.format(1)}" in words(asked) + asked.answer_prefix
        assert asked.default_phrase == "the dog by [1]", "people read what they typed"
        assert "does not read regions as coordinates for this task" in str(asked.note)


# Cut-outs


def test_one_cut_out_stands_for_the_picture_and_places_go_back_to_the_whole() -> None:
    asked = ask("llava15", "What is [1]?", Box(0.25, 0.25, 0.75, 0.75), form=RegionForm.CROP)
    assert words(asked) == "What is this picture?"
    # a tenth of 320 pixels around 160..480 and 120..360
    assert asked.crop == Box(128 / 640, 88 / 480, 512 / 640, 392 / 480)
    assert asked.frame and asked.frame.original == (384, 304)
    assert "cropped" in str(asked.note)
    family = get_family("llava15")
    assert family.markup
    reply = family.reply(
        f"A cat {family.markup.write_regions([Box(0, 0, 1, 1)], asked.frame)}", asked
    )
    (mention,) = reply.mentions
    (box,) = mention.regions
    assert isinstance(box, Box) and box.iou(asked.crop) > 0.97
    assert reply.parsed_places[0].region == box


def test_several_cut_outs_are_shown_beside_the_picture_where_there_is_room() -> None:
    earlier = (Message("user", "Hello", (PICTURE,)), Message("assistant", "Hi"))
    asked = ask(
        "qwen3_vl", "Is [1] older?", CAT, BIRD, form=RegionForm.CROP, picture=None, history=earlier
    )
    assert words(asked) == "Is picture 2 older? (picture 3)"
    assert len(asked.messages[-1].images) == 2
    assert asked.frame and asked.frame.original == PICTURE.size
    assert asked.crop is None
    with pytest.raises(InputError, match=r"images at a time \(at most 4\) for 4 crops"):
        ask("qwen3_vl", "What?", CAT, BIRD, DOG, OUTLINE, form=RegionForm.CROP)
    with pytest.raises(InputError, match=r"at a time \(at most 1\) .* numbered marks"):
        ask("llava15", "Is [1] older?", CAT, BIRD, form=RegionForm.CROP)


def test_a_caption_of_a_region_is_one_of_its_cut_out() -> None:
    for task in (Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION):
        asked = get_family("kosmos2").prompt(Request(task, "", (PICTURE,), (CAT,)))
        assert asked.crop and asked.crop.iou(CAT) > 0.6
    with pytest.raises(InputError, match="one region at a time, and there are 2"):
        get_family("kosmos2").prompt(Request(Task.CAPTION, "", (PICTURE,), (CAT, DOG)))


def test_a_cut_out_of_a_point_at_the_edge_has_pixels() -> None:
    picture, part = crop_region(Image.new("RGB", (40, 2000)), Point(1, 0))
    assert picture.size == (17, 17)
    assert (part.x2, part.y1) == (1, 0)


# DESCRIBE_REGION


def test_several_regions_are_described_where_the_wording_permits() -> None:
    def described(name: str, form: RegionForm = RegionForm.AUTO) -> str:
        request = Request(Task.DESCRIBE_REGION, "", (PICTURE,), (CAT, DOG), form)
        return words(get_family(name).prompt(request))

    assert "[100, 200, 400, 600]}, {" in described("qwen3_vl")
    assert "each of the bounding boxes [[100,200,400,600],[" in described("glm4v")
    both = f"{MARK.format(1)} and {MARK.format(2)}"
    assert described("smolvlm") == f"Describe in a few words what is inside {both}."
    assert both in described("llava15", RegionForm.MARKS)
    assert both in described("kosmos2", RegionForm.MARKS)
    assert described("gemma3", RegionForm.CROP).endswith("in picture 2 and picture 3.")
    for name in ("kosmos2", "llava15", "florence2"):
        with pytest.raises(InputError, match="one region at a time, and there are 2"):
            described(name)
    with pytest.raises(InputError, match="take no questions"):
        described("florence2", RegionForm.MARKS)


# Conversations


@pytest.mark.parametrize("form", [RegionForm.AUTO, RegionForm.MARKS, RegionForm.CROP])
@pytest.mark.parametrize("name", ["llava15", "qwen2_vl", "qwen2_5_vl", "smolvlm", "gemma3"])
def test_an_earlier_turn_is_told_as_it_was_when_it_was_the_newest(
    name: str, form: RegionForm
) -> None:
    small, wide = Image.new("RGB", (60, 90), "white"), Image.new("RGB", (900, 300), "white")
    first = ask(name, "What is [1]?", CAT, form=form, picture=small)
    history = (Message("user", "What is [1]?", (small,), (CAT,)), Message("assistant", "A cat"))
    second = ask(name, "And [1]?", CAT, form=form, picture=None, history=history)
    several = get_family(name).limits.max_images > 1
    if form is RegionForm.CROP and not several:
        assert len(second.messages) == 1, "the cut-out is a new picture, where only one is seen"
    else:
        assert second.messages[: len(first.messages)] == first.messages
        told = words(second).removeprefix("And ").removesuffix("?")
        assert told in words(first), "the same region on the same picture"
    history = (*history, Message("user", "And [1]?", (), (DOG,)), Message("assistant", "A dog"))
    third = ask(name, "Here [1]?", BIRD, form=form, picture=wide, history=history)
    assert third.frame and (third.frame.original == wide.size) == (form is not RegionForm.CROP)
    in_words = form is RegionForm.AUTO and get_family(name).writes_regions
    if several and (in_words or form is RegionForm.CROP):  # a new mark changes an old picture
        assert third.messages[: len(first.messages)] == first.messages
    assert words(third).startswith("Here ")
    assert "[1]" not in " ".join(message.text for message in third.messages)


def test_marks_of_several_turns_on_a_picture_are_numbered_on() -> None:
    history = (Message("user", "[1]?", (PICTURE,), (CAT, DOG)), Message("assistant", "Both."))
    asked = ask("smolvlm", "And [1], [2]?", BIRD, DOG, picture=None, history=history)
    assert words(asked) == f"And {MARK.format(3)}, {MARK.format(2)}?"
    (seen,) = asked.messages[0].images
    assert all(is_red(seen, box.x1 + 0.002, (box.y1 + box.y2) / 2) for box in (CAT, DOG, BIRD))


def test_after_a_cut_out_places_still_go_back_to_the_whole() -> None:
    history = (Message("user", "What is [1]?", (PICTURE,), (CAT,)), Message("assistant", "A cat"))
    asked = ask("llava15", "Where?", form=RegionForm.CROP, picture=None, history=history)
    assert asked.crop and asked.crop.iou(CAT) > 0.6
    alone = ask("kosmos2", "Where?", form=RegionForm.CROP, picture=None, history=history)
    assert alone.crop is None, "each question stands alone"


def test_turns_about_a_picture_that_is_no_longer_seen_are_left_out() -> None:
    other = Image.new("RGB", (50, 50))
    history = (
        *(Message("user", "What is [1]?", (other,), (CAT,)), Message("assistant", "A cat")),
        *(Message("user", "And [1]?", (), (DOG,)), Message("assistant", "A dog")),
    )
    asked = ask("llava15", "Now [1]?", BIRD, history=history)
    assert [message.role for message in asked.messages] == ["user"]


# Bad input


@pytest.mark.parametrize(
    "region",
    [
        Box(0.2, 0.2, 0.2, 0.8),
        Box(1.2, 0.1, 1.8, 0.4),
        Box(-3, -3, 0, 0),
        Box(float("nan"), 0, 0.4, 0.4 * 0),
        Point(1.1, 0.5),
        Point(float("nan"), 0.5),
        Polygon(()),
        Polygon((Point(0.1, 0.1), Point(0.1, 0.9))),
    ],
)
def test_a_region_that_is_not_there_is_named(region: Region) -> None:
    for name in ("llava15", "smolvlm", "kosmos2"):
        with pytest.raises(InputError, match=r"Region 2 is outside the image or has no area\. D"):
            ask(name, "What is [2]?", CAT, region)
        with pytest.raises(InputError, match="Region 1 is outside"):
            ask(name, "What is it?", history=(Message("user", "[1]", (PICTURE,), (region,)),))


def test_a_region_partly_outside_is_clipped() -> None:
    over = Box(-0.5, 0.25, 0.5, 3)
    assert words(ask("qwen3_vl", "[1]?", over)) == '{"bbox_2d": [0, 250, 500, 1000]}?'
    cut = ask("qwen3_vl", "[1]?", over, form=RegionForm.CROP)
    assert cut.crop and cut.crop.x1 == 0 and cut.crop.y2 == 1


def test_too_many_regions_and_regions_on_nothing_are_refused() -> None:
    many = tuple(Box(0.001 * n, 0.1, 0.5, 0.9) for n in range(300))
    assert len(words(ask("llava15", "What?", *many[:MAX_REGIONS]))) > MAX_REGIONS * 24
    with pytest.raises(InputError, match=f"There are 300 regions; the limit is {MAX_REGIONS}"):
        ask("llava15", "What?", *many)
    with pytest.raises(MissingImageError, match="regions need one"):
        ask("llava15", "What is [1]?", CAT, picture=None)
