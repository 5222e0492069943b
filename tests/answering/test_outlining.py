"""Outlines in the place of boxes of a reply, with a segmenter that needs no torch."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from PIL import Image

from vlm_demo.answering.outlining import MAX_OUTLINES, Outliner
from vlm_demo.api.chat_body import read_chat_body
from vlm_demo.batch.job import BatchJob
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, NotRunnableError, UnsupportedTaskError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.values import Box, Mention, ParsedPlace, Point, Polygon, Reply, Task

pytestmark = pytest.mark.unit

SAM = ModelSpec(name="sam", family="segmenter", engine="segmenter", checkpoint="a/sam")
OTHER = replace(SAM, name="other-sam")
VLM = ModelSpec(name="vlm", family="llava15", checkpoint="a/vlm")
CAT, DOG, NOSE = Box(0.1, 0.1, 0.4, 0.5), Box(0.5, 0.5, 0.9, 0.9), Point(0.2, 0.2)
QUAD = Polygon((Point(0, 0), Point(1, 0), Point(1, 1)))
REPLY = Reply(
    "raw",
    "A cat and a dog.",
    (
        Mention("cat", (2, 5), (CAT, QUAD), confidence=0.8),
        Mention("dog", (12, 15), (DOG, NOSE), image_index=1),
    ),
    parsed_places=(ParsedPlace((0, 1), (), CAT, 0.8), ParsedPlace((2, 3), (), DOG, 0.6)),
)


class Diamonds:
    """Outlines a box by the middles of its sides, and finds nothing at a point."""

    def __init__(self):
        self.asked = []

    def outline(self, image, regions):
        self.asked.append((image.size, tuple(regions)))
        return tuple(diamond(region) if isinstance(region, Box) else None for region in regions)


def diamond(box):
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return Polygon((Point(x, box.y1), Point(box.x2, y), Point(x, box.y2), Point(box.x1, y)))


def outliner(*menu, engine=None, loaded=()):
    @contextmanager
    def using(spec):
        yield engine

    return Outliner(lambda: menu, loaded.__contains__, using)


def test_boxes_become_outlines_on_their_picture_and_keep_their_confidence():
    engine = Diamonds()
    images = Image.new("RGB", (40, 30)), Image.new("RGB", (50, 60))
    reply = outliner(VLM, SAM, engine=engine).outline_reply(REPLY, images)
    cat, dog = reply.mentions
    assert cat.regions == (diamond(CAT), QUAD)
    assert dog.regions == (diamond(DOG), NOSE)
    assert region_confidences(reply) == [(0.8, None), (0.6, None)]
    assert engine.asked == [((40, 30), (CAT,)), ((50, 60), (DOG, NOSE))]
    assert "1 of 3 could not be outlined" in str(reply.note)


def test_a_reply_without_boxes_stays_as_it_is_and_needs_no_model():
    nothing = Reply("raw", "Nothing.", (Mention("text", (0, 0), (QUAD,)),))
    assert outliner().outline_reply(nothing, (Image.new("RGB", (4, 4)),)) == nothing


def test_a_model_in_memory_outlines_first():
    assert outliner(VLM, SAM, OTHER).find_model().name == "sam"
    assert outliner(VLM, SAM, OTHER, loaded=("other-sam",)).find_model().name == "other-sam"
    assert outliner(VLM, SAM, OTHER).find_model("other-sam").name == "other-sam"


def test_what_cannot_be_outlined_is_refused_in_words():
    image = Image.new("RGB", (4, 4))
    with pytest.raises(NotRunnableError, match="This menu has no segmentation model"):
        outliner(VLM).find_model()
    with pytest.raises(UnsupportedTaskError, match=r"vlm does not outline\. Choose sam"):
        outliner(VLM, SAM).find_model("vlm")
    with pytest.raises(InputError, match="nothing to outline"):
        outliner(SAM).outline(image, ())
    with pytest.raises(InputError, match="at most 1000"):
        outliner(SAM).outline(image, (CAT,) * (MAX_OUTLINES + 1))


def test_batches_and_programs_can_ask_for_outlines():
    assert not SAM.answers and not SAM.tasks
    assert BatchJob(Task.GROUNDING, "cat", "vlm") == BatchJob(
        Task.GROUNDING, "cat", "vlm", outlines=False
    )
    body = read_chat_body(
        b'{"model": "m", "messages": [{"role": "user", "content": "cat"}],'
        b' "vlm_demo": {"task": "grounding", "outlines": true}}'
    )
    assert body.vlm_demo.outlines
