"""Exports as files, read back by the programs that they are for."""

import io
import json
import resource
import zipfile
from contextlib import contextmanager, redirect_stdout
from xml.etree import ElementTree

import numpy as np
import pytest
import supervision as sv
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from vlm_demo.errors import FileError, ImageError
from vlm_demo.masks import draw_mask
from vlm_demo.rendering.export import FILE_FORMATS, AnnotatedImage, export_file
from vlm_demo.rendering.export.file_names import make_unique, safe_stem
from vlm_demo.rendering.palette import colour_of
from vlm_demo.rendering.set_of_mark import draw_numbers, place_numbers
from vlm_demo.values import Box, Mention, Point, Polygon, Reply

SIZE = (640, 360)
HOSTILE = '=HYPERLINK("x")</text><script>alert(1)</script>\n\x00../../etc: ' + "長い" * 250
PHRASES = ("the dog", "красный круг 🔴", "سيارة حمراء", HOSTILE)
MANY = tuple(
    Mention(
        PHRASES[i % 4],
        (0, 0),
        (Box((i % 20) / 20, i // 20 / 15, (i % 20 + 1) / 20, (i // 20 + 1) / 15),),
    )
    for i in range(300)
)
ROOF = Mention("roof", (0, 0), (Polygon((Point(0.5, 0), Point(1, 1), Point(0, 1))),))
EYE = Mention("eye", (0, 0), (Point(0.125, 0.75),))


def sheet(*mentions, name="a dog.png", size=SIZE):
    def picture():
        image = Image.new("RGB", size, "white")
        ImageDraw.Draw(image).rectangle((160, 180, 319, 359), fill="red")
        return image

    return AnnotatedImage(name, size, (Reply("raw", "It is here.", mentions),), picture)


DOG = sheet(Mention("the dog", (0, 7), (Box(0.25, 0.5, 0.5, 1.0), Box(0, 0, 0.125, 0.25))))
CROWD = sheet(*MANY, name="crowd.png")
BOTH = [DOG, CROWD]


def boxes_px(*sheets):
    """Every box and its class, by picture."""
    return [
        [
            (
                " ".join("".join(c if ord(c) > 31 else " " for c in m.phrase).split()),
                r.to_pixels(s.size),
            )
            for m in s.mentions
            for r in m.regions
        ]
        for s in sheets
    ]


def opened(path):
    return zipfile.ZipFile(io.BytesIO(path.read_bytes()))


def unpacked(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
        return archive.namelist()


def read(dataset):
    """What supervision reads: boxes with their classes, in the order of the pictures."""
    return [
        [
            (dataset.classes[index], tuple(box))
            for index, box in zip(found.class_id, found.xyxy, strict=True)
        ]
        for _, _, found in sorted(dataset, key=lambda entry: len(entry[2]))
    ]


def assert_same(found, wanted, atol):
    for one, other in zip(found, wanted, strict=True):
        assert [name for name, _ in one] == [name for name, _ in other]
        np.testing.assert_allclose([b for _, b in one], [b for _, b in other], atol=atol)


def ring(x1, y1, x2, y2):
    return tuple(Point(x / 640, y / 360) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)))


FRAME = Mention("frame", (0, 0), (Polygon(ring(160, 180, 320, 340), (ring(200, 220, 280, 300),)),))
PAIR = Mention("pair", (0, 0), (Polygon(ring(0, 0, 40, 40), (ring(600, 300, 640, 360),)),))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_masks_go_through_every_format_with_their_holes_and_parts(tmp_path):
    masks = sheet(FRAME, PAIR)
    files = {form: export_file([masks], form, tmp_path, "m") for form in FILE_FORMATS}
    with redirect_stdout(io.StringIO()):
        coco = COCO(files["coco"])
    frame, pair = (coco.annToMask(one) for one in coco.loadAnns(coco.getAnnIds()))
    areas = [one["area"] for one in coco.loadAnns(coco.getAnnIds())]
    assert areas == [160 * 160 - 80 * 80, 40 * 40 + 40 * 60] == [frame.sum(), pair.sum()]
    cutout = np.asarray(Image.open(files["cutout"]))
    assert ((cutout[..., 3] == 255) == (frame | pair).astype(bool)).all()
    assert not cutout[cutout[..., 3] == 0].any()  # nothing is left under what is transparent
    crops = opened(files["crops"])
    crop = np.asarray(Image.open(crops.open("frame.png")))
    assert (crop[..., 3] == 255).sum() == frame.sum()
    paths = [one for one in ElementTree.parse(files["svg"]).iter() if one.tag.endswith("path")]
    assert {(one.get("fill-rule"), one.get("d").count("M")) for one in paths} == {("evenodd", 2)}
    assert json.loads(files["json"].read_text())["items"][0]["masks_px"][0][1][0] == [200, 220]
    lines = opened(files["yolo"]).read("labels/a dog.txt").decode().split("\n")
    numbers = np.array(lines[0].split()[1:], dtype=float).reshape(-1, 2)
    joined = Polygon(tuple(Point(x, y) for x, y in numbers.tolist()))
    assert draw_mask(joined, SIZE).sum() == pytest.approx(frame.sum(), rel=0.01)
    assert "<xmax>320</xmax>" in files["voc"].read_text()  # boxes: the format has no outlines
    assert " ; " in files["csv"].read_text()


def test_pycocotools_and_supervision_read_the_same_boxes_of_several_pictures(tmp_path):
    from pycocotools.coco import COCO

    path = export_file(BOTH, "coco", tmp_path, "two")
    with redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
    names = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    found = [
        [
            (names[a["category_id"]], (x, y, x + w, y + h))
            for a in coco.loadAnns(coco.getAnnIds(imgIds=[image]))
            for x, y, w, h in [a["bbox"]]
        ]
        for image in sorted(coco.getImgIds())
    ]
    assert_same(found, boxes_px(*BOTH), atol=1e-3)
    assert [image["file_name"] for image in coco.loadImgs([1, 2])] == ["a dog.png", "crowd.png"]

    for one in BOTH:
        one.open().save(tmp_path / one.name)
    dataset = sv.DetectionDataset.from_coco(str(tmp_path), str(path))
    assert_same(read(dataset), boxes_px(*BOTH), atol=1e-3)


def test_supervision_reads_the_same_boxes_from_yolo_and_pascal_voc(tmp_path):
    names = unpacked(export_file(BOTH, "yolo", tmp_path, "two"), tmp_path / "yolo")
    assert set(names) == {
        *("data.yaml", "images/a dog.jpg", "images/crowd.jpg"),
        *("labels/a dog.txt", "labels/crowd.txt"),
    }
    images = tmp_path / "yolo" / "images"
    dataset = sv.DetectionDataset.from_yolo(
        str(images), str(tmp_path / "yolo" / "labels"), str(tmp_path / "yolo" / "data.yaml")
    )
    assert_same(read(dataset), boxes_px(*BOTH), atol=1e-2)

    unpacked(export_file(BOTH, "voc", tmp_path, "two"), tmp_path / "voc")
    for label in (tmp_path / "voc").iterdir():  # it looks for the picture that the label names
        named = ElementTree.parse(label).findtext("filename")
        (images / f"{label.stem}.jpg").rename(images / named)
    dataset = sv.DetectionDataset.from_pascal_voc(str(images), str(tmp_path / "voc"))
    assert_same(read(dataset), boxes_px(*BOTH), atol=1)


def test_polygons_stay_outlines_and_points_stay_where_a_format_has_them(tmp_path):
    path = export_file([sheet(ROOF, EYE)], "coco", tmp_path, "roof")
    (annotation,) = json.loads(path.read_text())["annotations"]
    assert annotation["area"] == 640 * 360 / 2
    (line,) = (
        opened(export_file([sheet(ROOF, EYE)], "yolo", tmp_path, "roof"))
        .read("labels/a dog.txt")
        .decode()
        .splitlines()
    )
    assert len(line.split()) == 7
    assert (
        '"points_px": [[80.0, 270.0]]'
        in export_file([sheet(ROOF, EYE)], "json", tmp_path, "roof").read_text()
    )


@pytest.mark.parametrize("form", FILE_FORMATS)
def test_every_form_holds_an_answer_without_places_and_one_full_of_hostile_ones(form, tmp_path):
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder, one in ((empty, sheet()), (full, sheet(*MANY, ROOF, EYE, name="../" + HOSTILE))):
        folder.mkdir()
        path = export_file([one], form, folder, one.stem)
        assert list(folder.iterdir()) == [path]
        assert len(path.name.encode()) < 255
        if path.suffix == ".zip":
            assert opened(path).testzip() is None
        elif path.suffix == ".png":
            assert Image.open(io.BytesIO(path.read_bytes())).size == SIZE
        elif path.suffix in (".svg", ".xml"):
            ElementTree.parse(path)
        else:
            assert path.read_text(encoding="utf-8")


def test_an_svg_shows_what_the_picture_shows_and_runs_nothing(tmp_path):
    root = ElementTree.parse(export_file([sheet(*MANY, ROOF, EYE)], "svg", tmp_path, "s")).getroot()
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}

    assert tags == {"svg", "title", "image", "g", "rect", "circle", "polygon", "text"}
    assert root.get("viewBox") == "0 0 640 360"
    assert (
        next(root.iter("{http://www.w3.org/2000/svg}image")).get("href").startswith("data:image/")
    )
    rects = [
        r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("stroke") == colour_of(1)
    ]
    np.testing.assert_allclose(float(rects[0].get("x")), 32)
    dashes = {rect.get("stroke-dasharray") for rect in rects}
    assert len(dashes) > 1  # beyond the colours, dashes tell places apart
    for element in root.iter():
        assert not any(name.lower().startswith("on") for name in element.attrib)


def test_cut_outs_have_safe_names_of_their_own_and_the_right_pixels(tmp_path):
    phrases = ("the dog", "The Dog", "../../etc/passwd", "CON", "a:b?c*", "", "x" * 400, "犬" * 200)
    mentions = [Mention(phrase, (0, 0), (Box(0.25, 0.5, 0.5, 1.0),)) for phrase in phrases]
    flat = Mention("flat", (0, 0), (Box(0.5, 0.5, 0.5, 0.7), Point(0.5, 0.5)))

    archive = opened(export_file([sheet(*mentions, flat)], "crops", tmp_path, "c"))

    names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(names) == len(phrases)
    assert names[:3] == ["the dog.png", "The Dog-2.png", "etc passwd.png"]
    for name in names:
        assert not set(name) & set('/\\:*?"<>|')
        assert len(name.encode()) <= 190
        assert name.partition(".")[0].upper() != "CON"
    crop = Image.open(io.BytesIO(archive.read("the dog.png")))
    assert crop.size == (160, 180)
    assert crop.getextrema() == ((255, 255), (0, 0), (0, 0))


def test_names_are_told_apart_without_case():
    taken = set()
    assert [make_unique(name, taken) for name in ("a", "A", "a", "a-2")] == [
        "a",
        "A-2",
        "a-3",
        "a-2-2",
    ]
    assert safe_stem("nul.txt").startswith("_")


@contextmanager
def disk_with_room_for(size):
    """Let no file grow beyond so many bytes: writing more fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("form", ["png", "yolo", "coco"])
def test_a_full_disk_is_said_and_leaves_no_half_file(form, tmp_path):
    with disk_with_room_for(1000), pytest.raises(FileError, match="cannot be written"):
        export_file([CROWD], form, tmp_path, "crowd")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_is_gone_leaves_no_half_file(tmp_path):
    def gone():
        raise ImageError("This picture is no longer here.")

    with pytest.raises(ImageError):
        export_file([AnnotatedImage("gone", SIZE, DOG.replies, gone)], "yolo", tmp_path, "gone")
    assert list(tmp_path.iterdir()) == []


# Set-of-mark pictures


def test_marks_stand_in_their_places_off_each_other_and_off_smaller_ones():
    room, table = Box(0.0, 0.0, 1.0, 1.0), Box(0.4, 0.35, 0.6, 0.65)
    corner = Box(0.97, 0.94, 1.0, 1.0)
    radius = 12

    spots = place_numbers([room, table, corner], SIZE, radius)

    (room_x, room_y), (table_x, table_y), (x, y) = spots
    assert (table_x, table_y) == pytest.approx((320, 180))
    assert not (256 < room_x < 384 and 126 < room_y < 234)  # not on the table
    assert radius <= x <= SIZE[0] - radius and radius <= y <= SIZE[1] - radius
    apart = [np.hypot(a[0] - b[0], a[1] - b[1]) for a in spots for b in spots if a is not b]
    assert min(apart) >= 2 * radius


def test_a_numbered_picture_differs_only_at_its_places():
    image = sheet().open()
    drawn = draw_numbers(image, [Mention("x", (0, 0), (Box(0.6, 0.1, 0.9, 0.6),)), EYE])

    changed = np.abs(np.asarray(drawn, int) - np.asarray(image, int)).sum(axis=2) > 0
    rows, columns = np.nonzero(changed)
    assert drawn.size == image.size
    assert changed[126, 480]  # its mark, in the middle of the box
    right = columns > 320
    assert rows[right].min() >= 30 and rows[right].max() <= 222
    assert columns[~right].max() < 130  # the point and its mark
