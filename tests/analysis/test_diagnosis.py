"""How an output became places, step by step, and what speaks against it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from vlm_demo.analysis.diagnosis import (
    OutputDiagnosis,
    counts_model_pixels,
    diagnose,
    find_alternative_readings,
    placeholder_prompt,
)
from vlm_demo.families import all_families, get_family
from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.coordinate_spaces import (
    N1000,
    PIXELS,
    SEEN_PIXELS,
    SPACES,
    CoordinateSpace,
    with_y_first,
)
from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Frame, Prompt, Region, ReplyState

LLAVA, KOSMOS = get_family("llava15"), get_family("kosmos2")
WIDE = Frame((800, 600), (800, 600))
DOG = "A dog [0.10, 0.20, 0.40, 0.60] runs."
PATCHES = "<phrase> a dog</phrase><object><patch_index_0044><patch_index_0863></object>"


def family_in(space: CoordinateSpace) -> Family:
    """A family whose every line is four numbers in a space."""

    def read(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        builder, at = ParsedOutputBuilder(), 0
        for line in raw.splitlines():
            numbers = [float(word) for word in line.split()]
            region: Region = space.to_box(numbers, frame)
            builder.add_mention([builder.add_parsed_place((at, at + len(line)), numbers, region)])
            at += len(line) + 1
        return builder.build()

    markup = Markup(read, lambda *_: "", space)
    return replace(LLAVA, name="made-up", title="Made up", markup=markup, checkpoints=())


def steps_of(examination: OutputDiagnosis) -> list[dict[str, tuple[float, ...]]]:
    return [{step.title: step.numbers for step in strip.steps} for strip in examination.traces]


def test_the_strip_undoes_the_padding_of_a_square() -> None:
    (strip,) = diagnose(DOG, LLAVA, WIDE).traces
    assert strip.phrase == "A dog"
    assert [step.title for step in strip.steps] == [
        *("Raw", "Numbers", "Declared space", "Padding undone", "Pixels"),
    ]
    raw, numbers, space, padding, pixels = strip.steps
    assert raw.detail.strip("[]") == "0.10, 0.20, 0.40, 0.60"
    assert numbers.numbers == space.numbers == (0.1, 0.2, 0.4, 0.6)
    assert "800 \N{MULTIPLICATION SIGN} 800" in str(padding.detail)
    assert "100 above and below" in str(padding.detail)
    assert pixels.numbers == pytest.approx((80, 60, 320, 380))


def test_what_a_model_saw_cut_out_is_told_on_the_whole_picture() -> None:
    """The right half of a picture of 800 x 600: 100 left and right of it are padding."""
    part = replace(placeholder_prompt(), crop=Box(0.5, 0, 1, 1))
    (strip,) = diagnose(DOG, LLAVA, Frame((400, 600), (400, 600)), part).traces
    *_, pixels, whole = strip.steps
    assert (pixels.title, whole.title) == ("Pixels", "Crop undone")
    assert pixels.numbers == pytest.approx((0, 120, 140, 360))
    assert whole.numbers == pytest.approx((400, 120, 540, 360))
    assert strip.place.region == Box(0.5, 0.2, 0.675, 0.6)


def test_a_square_picture_has_no_padding_to_undo() -> None:
    (steps,) = steps_of(diagnose(DOG, LLAVA, Frame((500, 500), (500, 500))))
    assert "Padding undone" not in steps
    assert steps["Pixels"] == pytest.approx((50, 100, 200, 300))


def test_the_strip_of_a_grid_goes_from_cells_to_pixels() -> None:
    (strip,) = diagnose(PATCHES, KOSMOS, Frame((640, 320), (640, 320))).traces
    steps = {step.title: step for step in strip.steps}
    assert list(steps) == ["Raw", "Numbers", "Declared space", "Pixels"]
    assert "patch_index_0044" in steps["Raw"].detail
    assert steps["Numbers"].numbers == (44, 863)
    # The card's own example: centres of the cells (12, 1) and (31, 26) of 32.
    corners = (0.390625, 0.046875, 0.984375, 0.828125)
    assert steps["Declared space"].numbers == pytest.approx(corners)
    assert steps["Pixels"].numbers == pytest.approx((250, 15, 630, 265))


def test_the_strip_undoes_the_resize() -> None:
    frame = Frame((2000, 1000), (500, 200))
    (steps,) = steps_of(diagnose("50 20 250 100", family_in(SEEN_PIXELS), frame))
    assert steps["Declared space"] == pytest.approx((0.1, 0.1, 0.5, 0.5))
    assert steps["Resize undone"] == steps["Pixels"] == pytest.approx((200, 100, 1000, 500))
    assert counts_model_pixels(SEEN_PIXELS)
    assert not counts_model_pixels(PIXELS)


def test_x_comes_first_whatever_the_order_of_the_output() -> None:
    family = family_in(with_y_first(N1000))
    (steps,) = steps_of(diagnose("100 200 300 600", family, WIDE))
    assert steps["Numbers"] == (100, 200, 300, 600)
    assert steps["Declared space"] == pytest.approx((0.2, 0.1, 0.6, 0.3))
    assert steps["Pixels"] == pytest.approx((160, 60, 480, 180))


def test_what_was_sorted_or_cut_off_is_said() -> None:
    (strip,) = diagnose("400 0 100 1005", family_in(N1000), WIDE).traces
    assert "corners reordered" in str(strip.steps[-1].detail)
    assert "clipped" in str(strip.steps[-1].detail)
    assert strip.steps[-1].numbers == pytest.approx((80, 0, 320, 600))


def test_several_boxes_of_a_phrase_are_several_strips() -> None:
    raw = PATCHES.replace(
        "</object>",
        "</delimiter_of_multi_objects/><patch_index_0000><patch_index_0000></object>",
    )
    strips = diagnose(raw, KOSMOS, WIDE).traces
    assert [(strip.phrase, strip.mention) for strip in strips] == [("a dog", 0)] * 2


@pytest.mark.parametrize(
    ("space", "frame", "raw", "words", "likelier"),
    [
        pytest.param(
            *(N1000, WIDE, "10 20 400 1600", "up to 1,600", ()), id="above the space and all others"
        ),
        pytest.param(
            *(N1000, Frame((4000, 3000), (4000, 3000)), "900 20 3000 1600", "up to 3,000"),
            ("pixel_xyxy",),
            id="pixels read as thousandths",
        ),
        pytest.param(
            *(SPACES["normalized_1_xyxy"], WIDE, "100 200 300 940", "up to 940"),
            ("normalized_1000_xyxy",),
            id="thousandths read as fractions",
        ),
        pytest.param(
            *(SPACES["normalized_1_xyxy"], WIDE, "10 20 30 90", "up to 90"),
            ("normalized_100_xyxy",),
            id="hundredths read as fractions",
        ),
        pytest.param(
            *(N1000, WIDE, "0.1 0.2 0.3 0.4\n0.5 0.5 0.9 1", "No number is above 1"),
            ("normalized_1_xyxy",),
            id="fractions read as thousandths",
        ),
        pytest.param(
            *(SPACES["square_1_xyxy"], WIDE, "0.2 0.01 0.6 0.95", "in the padding"),
            ("normalized_1_xyxy",),
            id="no padding there",
        ),
        pytest.param(
            *(PIXELS, WIDE, "580 100 590 790", "with y first"),
            ("pixel_yxyx",),
            id="y first",
        ),
        pytest.param(
            *(with_y_first(PIXELS), WIDE, "700 100 790 590", "with x first"),
            ("pixel_xyxy",),
            id="x first",
        ),
        pytest.param(
            *(N1000, WIDE, "10 20 30 40\n50 50 99 60", "squeezed into the upper left corner"),
            ("normalized_100_xyxy",),
            id="all in a corner",
        ),
        pytest.param(
            *(PIXELS, Frame((9000, 9000), (900, 900)), "300 200 900 800"),
            *("squeezed into the upper left corner", ("normalized_1000_xyxy",)),
            id="one in a corner",
        ),
    ],
)
def test_numbers_that_contradict_the_space_are_doubted(
    space: CoordinateSpace, frame: Frame, raw: str, words: str, likelier: tuple[str, ...]
) -> None:
    (doubt,) = diagnose(raw, family_in(space), frame).warnings
    assert words in str(doubt.text)
    assert doubt.better_spaces[: len(likelier)] == likelier
    assert set(doubt.better_spaces) <= set(SPACES)
    for name in doubt.better_spaces[:1]:  # what is proposed is not doubted in turn
        chosen = replace(frame, space=name)
        assert diagnose(raw, family_in(space), chosen).warnings == ()


@pytest.mark.parametrize(
    ("space", "raw"),
    [
        (N1000, "100 200 300 400"),
        (N1000, "0 0 1000 1000"),
        (N1000, "0 0 0 0"),
        (SPACES["normalized_999_xyxy"], "10 10 1000 900"),  # one more, by rounding
        (PIXELS, "0 0 799 599"),
        (SPACES["normalized_1_xyxy"], "0.0 0.1 0.05 0.2"),
        (SPACES["normalized_1_xyxy"], "0 0 1 1"),
    ],
)
def test_numbers_that_fit_are_not_doubted(space: CoordinateSpace, raw: str) -> None:
    assert diagnose(raw, family_in(space), WIDE).warnings == ()


def test_numbers_that_were_not_read_are_quoted() -> None:
    raw = "It is at [12, 34, 56, 78], 7 of 8 people say."
    (doubt,) = diagnose(raw, KOSMOS, WIDE).warnings
    assert "“12, 34, 56, 78”" in str(doubt.text)
    assert diagnose("There are 3 dogs and 4 cats.", KOSMOS, WIDE).warnings == ()


def test_a_chosen_space_replaces_the_family_s_own() -> None:
    examination = diagnose(DOG, LLAVA, replace(WIDE, space="normalized_1_xyxy"))
    assert examination.space is not None
    assert examination.space.name == "normalized_1_xyxy"
    assert steps_of(examination)[0]["Pixels"] == pytest.approx((80, 120, 320, 360))


def test_a_known_prompt_names_what_the_output_leaves_unnamed() -> None:
    prompt = Prompt((), answer_prefix="", default_phrase="the red one")
    examination = diagnose("[0.10, 0.20, 0.40, 0.60]", LLAVA, WIDE, prompt)
    assert examination.traces[0].phrase == "the red one"


def test_a_family_without_markup_gives_its_text() -> None:
    examination = diagnose("A dog [1, 2]", get_family("smolvlm"), WIDE)
    assert (examination.space, examination.traces) == (None, ())
    assert examination.reply.text == "A dog [1, 2]"
    assert examination.reply.state is ReplyState.NONE


def test_drafts_are_kept_apart() -> None:
    examination = diagnose(f"<think>left?</think>{DOG}", LLAVA, WIDE)
    assert examination.reply.reasoning == "left?"
    start, end = examination.traces[0].place.span
    assert examination.reply.raw[start:end].strip("[]") == "0.10, 0.20, 0.40, 0.60"


def test_other_spaces_and_families_are_tried() -> None:
    others = find_alternative_readings(DOG, LLAVA, WIDE)
    spaces = {other.names[0] for other in others if other.titles == (LLAVA.title,)}
    assert spaces == {"normalized_1_xyxy"}  # in the others, it would be a speck in a corner
    assert all(not other.is_same for other in others if other.names[0] in SPACES)

    others = find_alternative_readings(PATCHES, LLAVA, WIDE)
    (kosmos,) = [other for other in others if "kosmos2" in other.names]
    assert kosmos.places == 1
    assert not kosmos.is_same
    assert find_alternative_readings("No dog here.", LLAVA, WIDE) == ()


def test_every_family_is_tried_in_little_time() -> None:
    raw = (DOG + PATCHES + ' [{"bbox_2d": [1, 2, 30, 40], "label": "a"}] <loc0001>' * 2) * 40
    raw = raw[:10_000]
    started = time.process_time()
    others = find_alternative_readings(raw, LLAVA, WIDE)
    took = time.process_time() - started
    assert others
    # Each reader may take 50 ms, and the same family is read again in a few other spaces.
    assert took < 0.05 * (len(all_families()) + 10)


def test_digits_without_end_are_looked_through_in_little_time() -> None:
    started = time.process_time()
    diagnose("9" * 10_000 + " 1," * 3_000, KOSMOS, WIDE)
    assert time.process_time() - started < 0.5


def test_a_task_token_stands_in_for_the_prompt() -> None:
    assert placeholder_prompt("<OD>").messages[-1].text == "<OD>"
