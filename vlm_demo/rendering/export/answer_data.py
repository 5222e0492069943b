"""Answers and their regions as plain data, and as JSON. Numbers are pixels of the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from pydantic import PlainValidator

from vlm_demo.markup.region_json import RegionsInPixels, regions_to_px
from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.values import Mention, Reply, ReplyState, Size


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("this is not text")
    return value


AnyText = Annotated[str, PlainValidator(_require_text)]
"""Text for pydantic models that may hold half characters, as model output and file names do."""


class MentionData(RegionsInPixels):
    """One phrase and its regions, in pixels of the picture as it is seen upright."""

    phrase: str
    image_index: NotRequired[int]
    """Which of the pictures that the model was shown, from 0; absent: the first."""

    confidence: NotRequired[float]
    target: NotRequired[str]


class TargetData(TypedDict):
    """What an answer says about one of several things that were looked for."""

    name: str
    state: ReplyState
    regions: int


class AnswerData(TypedDict):
    """An answer and its mentions, in the order of the text.

    Where several things were looked for, `targets` has a result for each, in the order asked.
    """

    text: str
    items: list[MentionData]
    targets: NotRequired[list[TargetData]]
    stop: NotRequired[str]  # why the answer ended: a `StopReason`
    coordinate_space: NotRequired[str]  # that was chosen or guessed for the numbers
    model: NotRequired[str]  # the menu's name of the one that answered
    note: NotRequired[str]  # what people should know about how they were understood


def reply_to_data(reply: Reply, size: Size) -> AnswerData:
    """Return the reply as plain data; `size` is the picture's."""
    data: AnswerData = {
        "text": reply.text,
        "items": [_mention_to_data(mention, size) for mention in reply.mentions],
    }
    if reply.targets:
        data["targets"] = targets_to_data(reply)
    if reply.stop:
        data["stop"] = reply.stop.value
    if reply.space:
        data["coordinate_space"] = reply.space
    if reply.model:
        data["model"] = reply.model
    if reply.note:
        data["note"] = str(reply.note)
    return data


def targets_to_data(reply: Reply) -> list[TargetData]:
    """Return what a reply says about each of several things that were looked for."""
    return [
        {"name": one.name, "state": one.state, "regions": reply.count_regions(one.name)}
        for one in reply.targets
    ]


def to_json_line(value: object) -> str:
    """Return plain data as one line of JSON."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def export_json(images: Sequence[AnnotatedImage]) -> str:
    """Return one answer as itself, several as a list with the picture that each is about."""
    answers = [(annotated, reply) for annotated in images for reply in annotated.replies]
    if len(answers) == 1:
        ((annotated, reply),) = answers
        return to_json_line(reply_to_data(reply, annotated.size))
    return to_json_line(
        [
            {
                "picture": annotated.name,
                "size": list(annotated.size),
                **reply_to_data(reply, annotated.size),
            }
            for annotated, reply in answers
        ]
    )


def _mention_to_data(mention: Mention, size: Size) -> MentionData:
    regions = regions_to_px(mention.regions, size)
    data: MentionData = {
        "phrase": mention.phrase,
        "boxes_xyxy_px": regions["boxes_xyxy_px"],
        "points_px": regions["points_px"],
        "polygons_px": regions["polygons_px"],
    }
    if masks := regions.get("masks_px"):
        data["masks_px"] = masks
    if mention.image_index:
        data["image_index"] = mention.image_index
    if mention.confidence is not None:
        data["confidence"] = mention.confidence
    if mention.target:
        data["target"] = mention.target
    return data
