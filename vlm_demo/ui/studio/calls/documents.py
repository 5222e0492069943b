"""Answers as the browser application sends them back: to export, compare, check and score them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from vlm_demo.errors import MissingImageError
from vlm_demo.markup.region_json import RegionModel
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.studio.answering.protocol import ImageIds, Name, Text
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.values import Mention, ParsedPlace, Region, Reply, ReplyState, TargetResult, Task

MAX_MENTIONS = 5_000
"""Largest number of mentions of an answer."""

MAX_REGIONS = 10_000
"""Largest number of regions of a mention."""

MAX_ANSWERS = 200
"""Largest number of answers that are exported at a time."""

Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None


REGION_KEYS = ("box", "point", "polygon", "further_rings")
"""Keys of a region's JSON."""


def _without_confidence(value: Any) -> Any:
    """Return a region as `RegionModel` reads it; its confidence is read by itself."""
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in value.items() if name in REGION_KEYS}


class SentRegion(BaseModel):
    """A region of an answer, and how sure it is."""

    region: Annotated[RegionModel, BeforeValidator(_without_confidence)]
    confidence: Confidence = None


def _split_region(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {"region": value, "confidence": value.get("confidence")}


class SentMention(BaseModel):
    """A phrase of an answer; what the browser only draws is not read."""

    model_config = ConfigDict(extra="ignore")

    phrase: Text = ""
    target: Text = ""
    image: int = Field(0, ge=0, le=100_000)
    confidence: Confidence = None
    regions: list[Annotated[SentRegion, BeforeValidator(_split_region)]] = Field(
        [], max_length=MAX_REGIONS
    )


class SentAnswer(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="ignore")

    model: Name = ""
    task: Task = Task.CHAT
    question: Text = ""
    targets: list[Text] = Field([], max_length=300)
    text: Text = ""
    raw: Text = ""
    images: ImageIds = []
    mentions: list[SentMention] = Field([], max_length=MAX_MENTIONS)

    @property
    def words(self) -> str:
        """What was asked or looked for."""
        return ", ".join(self.targets) or self.question

    def to_reply(self) -> Reply:
        """Return the answer as a value."""
        mentions, places = [], []
        for sent in self.mentions:
            regions = [one.region.to_region() for one in sent.regions]
            mentions.append(
                Mention(
                    sent.phrase, (0, 0), tuple(regions), sent.image, sent.confidence, sent.target
                )
            )
            places += [
                ParsedPlace((0, 0), (), region, one.confidence)
                for region, one in zip(regions, sent.regions, strict=True)
            ]
        found = {mention.target for mention in mentions if mention.regions}
        return Reply(
            self.raw or self.text,
            self.text,
            tuple(mentions),
            ReplyState.FOUND if found else ReplyState.NONE,
            parsed_places=tuple(places),
            targets=tuple(
                TargetResult(name, ReplyState.FOUND if name in found else ReplyState.NONE)
                for name in (self.targets if len(self.targets) > 1 else ())
            ),
        )

    def regions(self) -> tuple[Region, ...]:
        """Return all regions of the answer."""
        return tuple(one.region.to_region() for mention in self.mentions for one in mention.regions)

    def find_images(self, images: ImageStore, owner: str) -> tuple[UploadedImage, ...]:
        """Return the pictures that the mentions count.

        Raises:
            ForgottenImageError: one of them is not there.
        """
        return tuple(images.find(image_id, owner) for image_id in self.images)

    def newest_image(self, images: ImageStore, owner: str) -> UploadedImage:
        """Return the picture that the answer is about.

        Raises:
            MissingImageError: it is about none.
            ForgottenImageError: it is not there.
        """
        if not self.images:
            raise MissingImageError("This answer is not about an image.")
        return images.find(self.images[-1], owner)


class SentAnswers(BaseModel):
    """Answers of one conversation."""

    answers: list[SentAnswer] = Field(min_length=1, max_length=MAX_ANSWERS)
