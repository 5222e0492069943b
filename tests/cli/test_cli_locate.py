"""The command that finds things: regions in pixels, in every format and on the picture."""

import csv
import io

import pytest
from PIL import Image

from vlm_demo.values import (
    Box,
    Mention,
    ParsedPlace,
    Point,
    Reply,
    ReplyState,
)

PLACES = Reply(
    "A dog [0.50, 0.25, 1.00, 0.75]",
    "A dog",
    (Mention("A dog", (0, 5), (Box(0.5, 0.25, 1.0, 0.75),)),),
    ReplyState.FOUND,
)
BOX_PX = [48.0, 16.0, 96.0, 48.0]


def test_unsure_places_can_be_left_out(run_command, menu, file, answering):
    box, other = Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1)
    marks = (ParsedPlace((0, 1), (), box, 0.9), ParsedPlace((1, 2), (), other, 0.3))
    mentions = (Mention("a", (0, 0), (box,)), Mention("b", (0, 0), (other,)))
    answering(Reply("xy", "", mentions, ReplyState.FOUND, parsed_places=marks))

    def found(*options):
        items = run_command("locate", file, "a", "--json", *options).json["items"]
        return [item["phrase"] for item in items]

    assert found() == ["a", "b"]
    assert found("--least-confidence", "0.5") == ["a"]
    assert found("--least-confidence", "0.95") == []


def test_locate_prints_pixels_of_the_file(run_command, menu, file, answering):
    asked = answering(PLACES)

    found = run_command("locate", file, "a dog", "--format", "json")

    assert found.json == {
        "text": "A dog",
        "items": [
            {"phrase": "A dog", "boxes_xyxy_px": [BOX_PX], "points_px": [], "polygons_px": []}
        ],
    }
    assert found.out == run_command("locate", file, "a dog", "--json").out
    assert asked[0].text == "a dog"


def test_locate_counts_pixels_in_the_picture_as_it_is_seen_upright(
    run_command, menu, tmp_path, answering
):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be seen upright, turn it by 90 degrees
    Image.new("RGB", (200, 100), "white").save(tmp_path / "turned.jpg", exif=exif)
    answering(PLACES)

    (item,) = run_command("locate", tmp_path / "turned.jpg", "a dog", "--json").json["items"]

    assert item["boxes_xyxy_px"] == [[50.0, 50.0, 100.0, 150.0]]


def test_locate_prints_text_and_places_for_people(run_command, menu, file, answering):
    answering(PLACES)

    assert run_command("locate", file, "a dog").out == "A dog\nA dog: 48, 16, 96, 48\n"


def test_an_answer_of_places_alone_has_no_empty_line(run_command, menu, file, answering):
    answering(Reply("[0.50, 0.25, 1.00, 0.75]", "", PLACES.mentions, ReplyState.FOUND))

    assert run_command("locate", file, "a dog").out == "A dog: 48, 16, 96, 48\n"


def test_locate_says_when_there_is_no_place(run_command, menu, file, answering):
    answering(Reply("There is no zebra.", "There is no zebra."))

    nothing = run_command("locate", file, "zebra")

    assert nothing.out == "There is no zebra.\n"
    assert nothing.err == "Nothing was found.\n"


def test_locate_tells_unreadable_places_from_none(run_command, menu, file, answering):
    answering(Reply("[0.1, 0.2,", "", state=ReplyState.UNREADABLE))

    unreadable = run_command("locate", file, "zebra", "--json")

    assert unreadable.json == {"text": "", "items": []}
    assert "[0.1, 0.2," in unreadable.err


@pytest.mark.parametrize(
    ("form", "sign"), [("coco", '"bbox": [48.0, 16.0, 48.0, 32.0]'), ("voc", "<xmin>49</xmin>")]
)
def test_locate_writes_the_form_that_is_asked_for(run_command, menu, file, answering, form, sign):
    answering(PLACES)

    found = run_command("locate", file, "a dog", "--format", form)

    assert sign in found.out
    assert "picture.png" in found.out


def test_locate_says_what_yolo_cannot_hold(run_command, menu, file, answering):
    answering(Reply("", "", (*PLACES.mentions, Mention("eye", (0, 0), (Point(0.5, 0.5),)))))

    found = run_command("locate", file, "a dog", "--format", "yolo")

    assert found.out == "0 0.750000 0.500000 0.500000 0.500000\n"
    assert found.err.splitlines() == [
        "class 0: A dog",
        "class 1: eye",
        "yolo holds no points; left out: 1.",
    ]


def test_locate_writes_csv(run_command, menu, file, answering):
    answering(PLACES)

    (row,) = csv.DictReader(
        io.StringIO(run_command("locate", file, "a dog", "--format", "csv").out)
    )

    assert [float(row[key]) for key in ("x1_px", "y1_px", "x2_px", "y2_px")] == BOX_PX


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_locate_saves_the_picture_with_the_places_drawn(
    run_command, menu, file, answering, tmp_path, suffix
):
    answering(PLACES)

    saved = run_command("locate", file, "a dog", "--json", "--out", tmp_path / f"out.{suffix}")

    assert saved.status == 0
    with Image.open(tmp_path / f"out.{suffix}") as drawn, Image.open(file) as original:
        assert drawn.size == original.size
        assert drawn.convert("RGB").tobytes() != original.tobytes()


def test_a_grounded_caption_has_places(run_command, menu, file, answering):
    answering(PLACES)

    assert (
        run_command("caption", file, "--grounded", "--json").json["items"][0]["phrase"] == "A dog"
    )
    assert run_command("caption", file, "--grounded").out.endswith("A dog: 48, 16, 96, 48\n")
