"""`locate --outline` and `batch --outline`, with the embedded model and a tiny SAM."""

import json

import pytest
from PIL import Image
from support import ROOT
from support.tiny_segmenters import save_sam2

pytestmark = pytest.mark.models

SHAPES = ROOT / "assets" / "examples" / "shapes.png"


@pytest.fixture(scope="module")
def menu(tmp_path_factory):
    folder = tmp_path_factory.mktemp("menu")
    entries = f"""
        [[model]]
        name = "llava"
        family = "llava15"
        checkpoint = "{ROOT / "assets" / "models" / "embedded-llava15"}"
        [[model]]
        name = "tiny-sam2"
        family = "segmenter"
        engine = "segmenter"
        checkpoint = "{save_sam2(folder / "sam2")}"
        """
    (folder / "menu.toml").write_text(entries)
    return folder / "menu.toml"


def outlines_in(items):
    return [
        one for item in items for key in ("polygons_px", "masks_px") for one in item.get(key, ())
    ]


def test_what_is_found_is_outlined_in_every_export(run_command, menu, tmp_path):
    command = ("locate", SHAPES, "star", "--menu", menu, "--outline", "--to", tmp_path)
    found = run_command(*command, "--json", "--export", "coco", "--export", "cutout")
    assert found.status == 0
    assert outlines_in(found.json["items"])
    annotations = json.loads((tmp_path / "shapes-coco.json").read_text())["annotations"]
    assert annotations[0]["segmentation"] and annotations[0]["area"] > 0
    with Image.open(tmp_path / "shapes-cutout.png") as cutout:
        assert cutout.mode == "RGBA"


def test_a_batch_outlines_what_it_finds(run_command, menu, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shapes.png").write_bytes(SHAPES.read_bytes())
    options = ("--task", "locate", "--words", "star", "--menu", menu, "--outline")
    done = run_command("batch", tmp_path / "in", "--out", tmp_path / "out", *options)
    assert done.status == 0
    line = json.loads((tmp_path / "out" / "results.jsonl").read_text().splitlines()[0])
    assert outlines_in(line["items"])
