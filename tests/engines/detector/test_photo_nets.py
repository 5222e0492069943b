"""The nets for photographs compute what the published ones do."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support import ROOT

from vlm_demo.engines.detector import efficientnet_lite, nanodet
from vlm_demo.engines.detector.photo_nets import PhotoNets
from vlm_demo.errors import LoadError
from vlm_demo.images.opening import open_image
from vlm_demo.training.recipes.photo_weights import convert_photo_weights

FOLDER = ROOT / "assets/models/embedded-photos"
PUBLISHED = ROOT / "tests/data/detector/published_outputs.safetensors"


@pytest.fixture(scope="module")
def nets() -> PhotoNets:
    return PhotoNets.load(FOLDER)


@pytest.mark.parametrize("name", ["horse", "pizza"])
def test_outputs_equal_those_of_the_published_nets(nets: PhotoNets, name: str) -> None:
    published = load_file(PUBLISHED)
    image = open_image(ROOT / f"assets/examples/{name}.png").convert("RGB")

    with torch.inference_mode():
        levels = nets.detector(nanodet.prepare_input(image).pixels[None])
        logits = nets.classifier(efficientnet_lite.prepare_input(image)[None])[0]

    for level, output in enumerate(levels):
        cells = published[f"{name}.cells.{level}"]
        scores = output[0, cells, : nanodet.CLASSES].sigmoid()
        bins = output[0, cells, nanodet.CLASSES :]
        torch.testing.assert_close(scores, published[f"{name}.scores.{level}"], atol=1e-4, rtol=0)
        torch.testing.assert_close(bins, published[f"{name}.bins.{level}"], atol=1e-3, rtol=1e-4)
    # These weights were rounded to half precision.
    torch.testing.assert_close(
        logits.softmax(0), published[f"{name}.logits"].softmax(0), atol=5e-3, rtol=0
    )


def test_boxes_of_an_image_that_is_not_square_lie_on_it(nets: PhotoNets) -> None:
    image = open_image(ROOT / "assets/examples/horse.png").convert("RGB").resize((900, 300))

    boxes = [detection.box for detection in nets.detect(image).detections]

    assert boxes
    assert all(0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1 for box in boxes)


def test_scores_fall_and_boxes_of_a_class_overlap_little(nets: PhotoNets) -> None:
    image = open_image(ROOT / "assets/examples/animals.png").convert("RGB")

    detections = nets.detect(image).detections

    assert [one.score for one in detections] == sorted(
        (one.score for one in detections), reverse=True
    )
    for index, one in enumerate(detections):
        for other in detections[index + 1 :]:
            assert one.class_index != other.class_index or one.box.iou(other.box) <= 0.45


def test_a_photograph_that_is_not_square_is_seen_as_within_the_whole_square(
    nets: PhotoNets,
) -> None:
    image = open_image(ROOT / "assets/examples/chelsea.jpg").convert("RGB")
    pixels = nanodet.prepare_input(image).pixels

    with torch.inference_mode():
        whole = torch.cat([level[0].mean((1, 2)) for level in nets.detector.backbone(pixels[None])])
    observation = nets.detect(image)

    difference = (torch.tensor(observation.features) - whole).abs().mean()
    assert difference < 0.15 * whole.abs().mean()


def test_the_converter_says_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "nanodet.json").write_text("{}")

    with pytest.raises(LoadError, match="published weights cannot be read"):
        convert_photo_weights(tmp_path / "nanodet.json", tmp_path / "missing.pth", tmp_path / "out")


def test_the_models_of_the_repository_are_small_enough_to_ship() -> None:
    files = [path for path in FOLDER.parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 42e6
