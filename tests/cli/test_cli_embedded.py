"""The embedded models on the command line, on drawings that are not from the drawn world."""

import pytest
from support.drawings import drawing

from vlm_demo.values import (
    Box,
)

EMBEDDED = ("embedded-llava15", "embedded-kosmos2")
DRAWINGS = [
    ("red", "circle", (300, 200), (60, 40, 180, 160)),
    ("blue", "square", (800, 800), (420, 380, 700, 660)),
    ("green", "triangle", (200, 500), (30, 260, 170, 400)),
    ("yellow", "star", (1600, 900), (900, 200, 1400, 700)),
]


def drawn(path, *things, size):
    """Save a drawing of (colour, shape, x1 y1 x2 y2 in pixels)."""
    drawing(size, *things).save(path)
    return path


@pytest.mark.parametrize("model", EMBEDDED)
@pytest.mark.parametrize(("colour", "shape", "size", "place"), DRAWINGS)
def test_an_embedded_model_captions_and_locates_a_drawing(
    run_command, tmp_path, model, colour, shape, size, place
):
    path = drawn(tmp_path / "drawing.png", (colour, shape, place), size=size)

    caption = run_command("caption", path, "--model", model, "--json").json["text"]
    found = run_command(
        "locate", path, f"{colour} {shape}", "--model", model, "--format", "json"
    ).json
    colour_said = run_command(
        "ask", path, f"What colour is the {shape}?", "--model", model, "--json"
    )

    assert f"{colour} {shape}" in caption
    ((box,),) = [item["boxes_xyxy_px"] for item in found["items"]]
    assert Box.normalize(*box, by=size).iou(Box.normalize(*place, by=size)) >= 0.5
    assert colour_said.json["text"].strip(".") == colour


@pytest.mark.parametrize("model", EMBEDDED)
def test_an_embedded_model_names_counts_and_finds_several_things(run_command, tmp_path, model):
    size, dot, box = (640, 480), (60, 60, 200, 200), (360, 240, 540, 420)
    path = drawn(tmp_path / "two.png", ("red", "circle", dot), ("blue", "square", box), size=size)

    grounded = run_command("caption", path, "--grounded", "--model", model, "--json").json
    described = run_command(
        "describe", path, "--box", ",".join(map(str, box)), "--model", model, "--json"
    ).json["text"]
    count = run_command("ask", path, "How many objects are there?", "--model", model, "--json").json

    places = {item["phrase"]: item["boxes_xyxy_px"] for item in grounded["items"]}
    for words, truth in (("red circle", dot), ("blue square", box)):
        ((found,),) = [boxes for phrase, boxes in places.items() if words in phrase]
        assert Box.normalize(*found, by=size).iou(Box.normalize(*truth, by=size)) >= 0.5
    assert "blue square" in described
    assert count["text"].strip(".").lower() in ("2", "two")


def test_the_default_model_says_that_a_thing_is_absent(run_command, tmp_path):
    path = drawn(tmp_path / "one.png", ("red", "circle", (60, 60, 200, 200)), size=(300, 300))

    found = run_command("locate", path, "zebra", "--json").json

    assert found["items"] == []
    assert "no zebra" in found["text"]


def test_the_default_model_follows_a_conversation(run_command, tmp_path):
    path = drawn(tmp_path / "one.png", ("green", "triangle", (60, 60, 200, 200)), size=(300, 300))

    talk = run_command("chat", path, stdin=b"What is in the picture?\nWhat colour is it?\n").out

    first, second = talk.splitlines()
    assert "triangle" in first
    assert "green" in second.lower()


@pytest.mark.parametrize("model", EMBEDDED)
def test_an_embedded_model_looks_for_several_things(run_command, tmp_path, model):
    dot = (60, 60, 200, 200)
    path = drawn(tmp_path / "one.png", ("red", "circle", dot), size=(640, 480))

    for_people = run_command("locate", path, 'zebra, the "red circle"', "--model", model)
    found = run_command("locate", path, "zebra and red circle", "--and", "--json", "--model", model)

    assert "zebra: not found" in for_people.out
    assert "red circle: " in for_people.out
    assert [(one["name"], one["state"]) for one in found.json["targets"]] == [
        ("zebra", "none"),
        ("red circle", "found"),
    ]
    (item,) = found.json["items"]
    ((box,),) = [item["boxes_xyxy_px"]]
    assert item["target"] == "red circle"
    assert Box.normalize(*box, by=(640, 480)).iou(Box.normalize(*dot, by=(640, 480))) >= 0.5
