"""Exports are read back by the readers of supervision and compared with what went in."""

import csv
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlm_demo.rendering.export import class_names, export_text, reply_to_data
from vlm_demo.values import Box, Mention, Point, Polygon, Reply, ReplyState, TargetResult

SIZE = (640, 360)
DOG = Mention("the dog", (0, 7), (Box(0.25, 0.5, 0.5, 1.0),))
CIRCLES = Mention("red circles", (12, 23), (Box(0.0, 0.0, 0.125, 0.25), Box(0.5, 0.25, 0.75, 0.5)))
TRIANGLE = Mention(
    "roof", (0, 0), (Polygon((Point(0.5, 0.0), Point(1.0, 1.0), Point(0.0, 1.0))),), confidence=0.5
)
EYE = Mention("eye", (0, 0), (Point(0.125, 0.75),))
REPLY = Reply("raw", "The dog and red circles.", (DOG, CIRCLES))
SEVERAL = Reply(
    "raw",
    "a black dog",
    (Mention("a black dog", (0, 11), DOG.regions, target="dog"), CIRCLES),
    ReplyState.FOUND,
    targets=(TargetResult("dog", ReplyState.FOUND), TargetResult("=cat", ReplyState.NONE)),
)
BOXES_PX = [[160, 180, 320, 360], [0, 0, 80, 90], [320, 90, 480, 180]]


def test_json_gives_pixels_in_the_order_of_the_text():
    assert json.loads(export_text(REPLY, SIZE, "json")) == {
        "text": "The dog and red circles.",
        "items": [
            {
                "phrase": "the dog",
                "boxes_xyxy_px": [[160.0, 180.0, 320.0, 360.0]],
                "points_px": [],
                "polygons_px": [],
            },
            {
                "phrase": "red circles",
                "boxes_xyxy_px": [[0.0, 0.0, 80.0, 90.0], [320.0, 90.0, 480.0, 180.0]],
                "points_px": [],
                "polygons_px": [],
            },
        ],
    }


def test_json_keeps_points_polygons_and_known_confidence():
    eye, roof = reply_to_data(Reply("", "", (EYE, TRIANGLE)), SIZE)["items"]

    assert eye["points_px"] == [[80.0, 270.0]]
    assert "confidence" not in eye
    assert roof["polygons_px"] == [[[320.0, 0.0], [640.0, 360.0], [0.0, 360.0]]]
    assert roof["confidence"] == 0.5


def test_several_things_that_were_looked_for_have_a_result_each():
    data = reply_to_data(SEVERAL, SIZE)

    assert data["targets"] == [
        {"name": "dog", "state": "found", "regions": 1},
        {"name": "=cat", "state": "none", "regions": 0},
    ]
    assert [item.get("target") for item in data["items"]] == ["dog", None]
    assert class_names(SEVERAL.mentions) == ("dog", "red circles")
    table = csv.DictReader(io.StringIO(export_text(SEVERAL, SIZE, "csv")))
    assert [(row["phrase"], row["target"]) for row in table] == [
        ("a black dog", "dog"),
        *[("red circles", "")] * 2,
    ]


def test_an_answer_without_places_is_still_valid_in_every_form():
    reply = Reply("", "There is no zebra.")

    assert json.loads(export_text(reply, SIZE, "json")) == {
        "text": "There is no zebra.",
        "items": [],
    }
    assert json.loads(export_text(reply, SIZE, "coco"))["annotations"] == []
    assert export_text(reply, SIZE, "yolo") == ""
    assert ElementTree.fromstring(export_text(reply, SIZE, "voc")).findall("object") == []
    assert list(csv.DictReader(io.StringIO(export_text(reply, SIZE, "csv")))) == []


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", SIZE).save(folder / "dog.png")
    return folder


def written(tmp_path, form, reply=REPLY):
    suffix = {"coco": "json", "yolo": "txt", "voc": "xml"}[form]
    folder = tmp_path / form
    folder.mkdir()
    path = folder / f"dog.{suffix}"
    path.write_text(export_text(reply, SIZE, form, file_name="dog.png"), encoding="utf-8")
    return path


def only_annotation(dataset):
    ((_, _, detections),) = list(dataset)
    names = [dataset.classes[index] for index in detections.class_id]
    return detections, names


def test_coco_is_read_back_as_the_same_boxes(tmp_path, pictures):
    path = written(tmp_path, "coco")

    detections, names = only_annotation(sv.DetectionDataset.from_coco(str(pictures), str(path)))

    assert names == ["the dog", "red circles", "red circles"]
    np.testing.assert_allclose(detections.xyxy, BOXES_PX)


def test_coco_outlines_have_their_own_area():
    (annotation,) = json.loads(export_text(Reply("", "", (TRIANGLE,)), SIZE, "coco"))["annotations"]

    assert annotation["bbox"] == [0.0, 0.0, 640.0, 360.0]
    assert annotation["area"] == 640 * 360 / 2
    assert annotation["segmentation"] == [[320.0, 0.0, 640.0, 360.0, 0.0, 360.0]]


def test_voc_is_read_back_as_the_same_boxes(tmp_path, pictures):
    path = written(tmp_path, "voc")

    dataset = sv.DetectionDataset.from_pascal_voc(str(pictures), str(path.parent))
    detections, names = only_annotation(dataset)

    assert names == ["the dog", "red circles", "red circles"]
    np.testing.assert_allclose(detections.xyxy, BOXES_PX)


def read_yolo(tmp_path, pictures, reply=REPLY):
    path = written(tmp_path, "yolo", reply)
    names = tmp_path / "data.yaml"
    names.write_text(json.dumps({"names": list(class_names(reply.mentions))}))
    return only_annotation(
        sv.DetectionDataset.from_yolo(str(pictures), str(path.parent), str(names))
    )


def test_yolo_is_read_back_as_the_same_boxes(tmp_path, pictures):
    detections, names = read_yolo(tmp_path, pictures)

    assert names == ["the dog", "red circles", "red circles"]
    np.testing.assert_allclose(detections.xyxy, BOXES_PX, atol=1e-3)


def test_yolo_writes_boxes_as_outlines_beside_a_polygon(tmp_path, pictures):
    mixed = Reply("", "", (DOG, TRIANGLE))

    assert export_text(mixed, SIZE, "yolo").splitlines() == [
        "0 0.250000 0.500000 0.500000 0.500000 0.500000 1.000000 0.250000 1.000000",
        "1 0.500000 0.000000 1.000000 1.000000 0.000000 1.000000",
    ]
    detections, _ = read_yolo(tmp_path, pictures, mixed)
    np.testing.assert_allclose(detections.xyxy[0], BOXES_PX[0], atol=1)


@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
def test_formats_of_areas_leave_points_out(form):
    with_point = export_text(Reply("", "", (DOG, EYE)), SIZE, form)

    assert with_point.count("\n") == export_text(Reply("", "", (DOG,)), SIZE, form).count("\n")


def test_csv_has_a_row_for_each_place():
    table = export_text(Reply("", "", (CIRCLES, EYE, TRIANGLE)), SIZE, "csv")

    rows = list(csv.DictReader(io.StringIO(table)))

    assert [row["kind"] for row in rows] == ["box", "box", "point", "polygon"]
    assert [float(rows[1][key]) for key in ("x1_px", "y1_px", "x2_px", "y2_px")] == BOXES_PX[2]
    assert (rows[2]["x1_px"], rows[2]["y1_px"]) == ("80.0", "270.0")
    assert rows[3]["outline_px"] == "320.0 0.0 640.0 360.0 0.0 360.0"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "\r@", "\x00="])
def test_csv_labels_cannot_become_formulas(start):
    hostile = Mention(f'{start}HYPERLINK("http://x")', (0, 0), DOG.regions)

    (row,) = csv.DictReader(io.StringIO(export_text(Reply("", "", (hostile,)), SIZE, "csv")))

    assert row["phrase"].startswith("'")
    assert 'HYPERLINK("http://x")' in row["phrase"]


HOSTILE = '</name><x a="1">&amp;<!--\x00\x1b[2J\ud800\uffff'


def test_voc_labels_and_file_names_cannot_break_the_markup():
    reply = Reply("", "", (Mention(HOSTILE, (0, 0), DOG.regions),))

    root = ElementTree.fromstring(export_text(reply, SIZE, "voc", file_name="a&b<c>.png"))

    assert root.findtext("filename") == "a&b<c>.png"
    assert root.findtext("object/name") == '</name><x a="1">&amp;<!-- [2J'


@pytest.mark.thorough
@given(
    phrase=st.text(max_size=30),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
)
def test_every_label_and_box_gives_output_that_can_be_read(phrase, corners, size):
    box = Box.normalize(*corners, by=(1, 1))
    reply = Reply("", phrase, (Mention(phrase, (0, 0), (box,)),))

    (item,) = json.loads(export_text(reply, size, "json"))["items"]
    np.testing.assert_allclose(item["boxes_xyxy_px"][0], box.to_pixels(size), atol=1e-4)
    bounds = ElementTree.fromstring(export_text(reply, size, "voc")).find("object/bndbox")
    x1, y1, x2, y2 = (int(bounds.findtext(tag)) for tag in ("xmin", "ymin", "xmax", "ymax"))
    assert 1 <= x1 <= x2 <= size[0]
    assert 1 <= y1 <= y2 <= size[1]
    rows = list(csv.reader(io.StringIO(export_text(reply, size, "yolo")), delimiter=" "))
    assert [row[0] for row in rows] == (["0"] if box.area else [])
    assert all(0 <= float(number) <= 1 for row in rows for number in row[1:])
    assert len(json.loads(export_text(reply, size, "coco"))["annotations"]) == len(rows)
    assert len(list(csv.DictReader(io.StringIO(export_text(reply, size, "csv"))))) == 1


def test_a_place_without_a_phrase_has_a_class():
    unnamed = Mention(" \n", (0, 0), DOG.regions)

    assert class_names((unnamed, DOG, unnamed)) == ("object", "the dog")
