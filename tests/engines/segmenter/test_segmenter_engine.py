"""Outlines by tiny SAM 1 and SAM 2: the whole path from a folder to polygons on the picture."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.tiny_segmenters import SIDE, save_sam, save_sam2

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import CacheBudget
from vlm_demo.errors import EngineError, LoadError, OutOfMemoryError
from vlm_demo.masks import draw_mask, mask_iou
from vlm_demo.values import Box, Point, Polygon, Prompt, Sampling

pytestmark = pytest.mark.models

SIZE = (200, 120)
BOXES = (Box(0.1, 0.1, 0.5, 0.6), Box(0.4, 0.3, 0.9, 0.9))
SCRIBBLE = Polygon((Point(0.2, 0.2), Point(0.6, 0.2), Point(0.6, 0.7), Point(0.2, 0.7)))


def picture():
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (*SIZE[::-1], 3), np.uint8))


def spec(folder):
    return ModelSpec(name="sam", family="segmenter", engine="segmenter", checkpoint=str(folder))


def load(folder):
    from vlm_demo.engines.segmenter.engine import SegmenterEngine

    return SegmenterEngine.load(spec(folder).load_options("cpu"))


@pytest.fixture(scope="module", params=[save_sam, save_sam2])
def folder(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("sam") / "checkpoint")


@pytest.fixture(scope="module")
def loaded(folder):
    return load(folder)


@pytest.fixture
def engine(loaded):
    """An engine that has seen nothing, with the model of another."""
    from vlm_demo.engines.segmenter.engine import SegmenterEngine

    return SegmenterEngine(loaded._model, CacheBudget(1 << 28))


def force(engine, truth):
    """Have the model answer each prompt with the mask that `truth` draws on its square."""
    import torch

    real, stretches = engine._model, engine._stretches
    width, height = (SIDE, SIDE) if stretches else (SIDE, round(SIDE * SIZE[1] / SIZE[0]))

    def answer(**inputs):
        output = real(**inputs)
        count = output.iou_scores.shape[1]
        logits = np.full((4 * SIDE, 4 * SIDE), -5.0, dtype=np.float32)
        logits[: 4 * height, : 4 * width] += 10 * draw_mask(truth, (4 * width, 4 * height))
        masks = torch.from_numpy(logits).expand(1, count, output.iou_scores.shape[2], -1, -1)
        return SimpleNamespace(pred_masks=masks, iou_scores=output.iou_scores)

    def encode(pixels):
        return real.get_image_embeddings(pixels)

    answer.get_image_embeddings, answer.device = encode, real.device
    engine._model = answer


def test_boxes_points_and_scribbles_have_outlines_in_their_order(engine):
    regions = (*BOXES, Point(0.5, 0.5), SCRIBBLE)
    outlines = engine.outline(picture(), regions)
    assert len(outlines) == 4
    assert all(one is None or isinstance(one, Polygon) for one in outlines)
    assert any(outlines)
    assert outlines == engine.outline(picture(), regions)
    assert engine.outline(picture(), regions[:1]) == outlines[:1]  # in whatever company


def test_a_picture_is_encoded_once(engine, monkeypatch):
    encoded = []
    real = engine._model.get_image_embeddings
    monkeypatch.setattr(
        engine._model, "get_image_embeddings", lambda pixels: encoded.append(1) or real(pixels)
    )
    for regions in (BOXES, (SCRIBBLE,), (Point(0.1, 0.9),)):
        engine.outline(picture(), regions)
    usage = engine.usage()
    assert (len(encoded), usage.images, usage.reused_images) == (1, 3, 2)
    assert usage.cached_bytes > 0


def test_a_forced_mask_lies_where_it_was_drawn(engine):
    truth = Polygon(
        (Point(0.3, 0.1), Point(0.8, 0.2), Point(0.7, 0.9), Point(0.2, 0.8)),
        ((Point(0.4, 0.3), Point(0.6, 0.35), Point(0.55, 0.6)),),
    )
    force(engine, truth)
    for region in (BOXES[0], Point(0.5, 0.5), SCRIBBLE):
        (outline,) = engine.outline(picture(), [region])
        assert mask_iou(draw_mask(outline, SIZE), draw_mask(truth, SIZE)) >= 0.9
        assert len(outline.further_rings) == 1


def test_many_boxes_are_outlined_in_batches(engine, monkeypatch):
    counts = []
    real = engine._compute
    monkeypatch.setattr(
        engine,
        "_compute",
        lambda f, fit, prompts: counts.append(len(prompts)) or real(f, fit, prompts),
    )
    boxes = [Box(n / 50, 0.1, n / 50 + 0.2, 0.9) for n in range(40)]
    assert len(engine.outline(picture(), boxes)) == 40
    assert (max(counts), sum(counts)) == (16, 40)


def test_regions_without_area_and_empty_masks_have_no_outline(engine):
    nothing = (
        Box(0.5, 0.5, 0.5, 0.9),
        Box(1.2, 0.1, 1.5, 0.4),
        Polygon((Point(0, 0), Point(1, 1))),
    )
    assert engine.outline(picture(), nothing) == (None, None, None)
    assert engine.outline(picture(), ()) == ()
    assert engine.usage().requests == 0  # the model was not asked
    force(engine, Box(0, 0, 0, 0))
    assert engine.outline(picture(), BOXES) == (None, None)


def test_little_memory_makes_smaller_batches_and_none_is_told(engine, monkeypatch):
    real = engine._compute

    def run_out(most):
        def compute(features, fit, prompts):
            if len(prompts) > most:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return real(features, fit, prompts)

        monkeypatch.setattr(engine, "_compute", compute)

    run_out(2)
    assert len(engine.outline(picture(), BOXES * 5)) == 10
    run_out(0)
    with pytest.raises(OutOfMemoryError, match="not enough memory"):
        engine.outline(picture(), BOXES)


def test_it_answers_nothing_in_words_and_nothing_once_unloaded(engine):
    for ask in (
        lambda: engine.stream(Prompt(()), Sampling()),
        lambda: engine.score(Prompt(()), ("a",)),
        lambda: engine.inspect(Prompt(())),
    ):
        with pytest.raises(EngineError, match="does not answer in words"):
            ask()
    engine.close()
    with pytest.raises(EngineError, match="was unloaded"):
        engine.outline(picture(), BOXES)


def test_folders_of_other_models_and_damaged_ones_are_refused(folder, tmp_path):
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava"}))
    with pytest.raises(LoadError, match="contains no segmentation model"):
        load(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(LoadError, match="damaged or cut off"):
        load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.bin").write_bytes(b"pickle")
    with pytest.raises(LoadError, match=r"old \.bin format"):
        load(tmp_path)
