"""What marked and cropped regions are called in a prompt, in English, Japanese and Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.values import Box, Point, Region

DESCRIBE_MARKED_REGION = "Describe in a few words what is inside {text}."
"""Instruction for DESCRIBE_REGION in families that cannot write regions.

They are drawn into the image, and "{text}" stands for what they are called there.
"""

DESCRIBE_MARKED_REGION_JAPANESE = "{text}の中にあるものを短く説明してください。"
"""`DESCRIBE_MARKED_REGION` for families that speak Japanese."""

_KANA = re.compile("[\u3041-\u30ff]")
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWording:
    """The names of regions that a model sees instead of reading their coordinates."""

    box: str
    """Name of a marked box; "{number}" stands for the number that is drawn beside it."""

    point: str
    """Name of a marked point, with "{number}"."""

    polygon: str
    """Name of a marked polygon, with "{number}"."""

    crop: str
    """Name of one of several crops; "{number}" is its place among the images, from 1."""

    only_crop: str
    """Name of a crop that is shown instead of the image."""

    separator: str
    """What stands between two names."""

    with_names: str
    """"{text}", and after it the "{names}" of regions that it does not refer to."""

    describe_mark: str = DESCRIBE_MARKED_REGION
    """Question about marks, whose names replace "{text}"."""

    describe_crop: str
    """Question about crops, whose names replace "{text}"."""

    def name_mark(self, region: Region, number: int) -> str:
        """Return what the mark of a region is called."""
        match region:
            case Box():
                name = self.box
            case Point():
                name = self.point
            case _:
                name = self.polygon
        return name.replace("{number}", str(number))

    def name_crops(self, count: int, image_count: int) -> list[str]:
        """Return what the last `count` of the images shown so far are called."""
        if count == 1:
            return [self.only_crop]
        numbers = range(image_count - count + 1, image_count + 1)
        return [self.crop.replace("{number}", str(number)) for number in numbers]

    def append_names(self, text: str, names: Sequence[str]) -> str:
        """Append names to words that do not hold them."""
        return self.with_names.format(text=text, names=self.separator.join(names))


ENGLISH = RegionWording(
    box="the red box with the number {number}",
    point="the red circle with the number {number}",
    polygon="the red outline with the number {number}",
    crop="picture {number}",
    only_crop="this picture",
    separator=" and ",
    with_names="{text} ({names})",
    describe_crop="Describe in a few words what is in {text}.",
)

JAPANESE = RegionWording(
    box="番号{number}の赤い枠",
    point="番号{number}の赤い丸",
    polygon="番号{number}の赤い輪郭",
    crop="画像{number}",
    only_crop="この画像",
    separator="と",
    with_names="{text}\N{FULLWIDTH LEFT PARENTHESIS}{names}\N{FULLWIDTH RIGHT PARENTHESIS}",
    describe_mark=DESCRIBE_MARKED_REGION_JAPANESE,
    describe_crop="{text}に写っているものを短く説明してください。",
)

CHINESE = RegionWording(
    box="编号为{number}的红框",
    point="编号为{number}的红圈",
    polygon="编号为{number}的红色轮廓",
    crop="图{number}",
    only_crop="这张图",
    separator="和",
    with_names="{text}\N{FULLWIDTH LEFT PARENTHESIS}{names}\N{FULLWIDTH RIGHT PARENTHESIS}",
    describe_mark="请简短描述{text}里的内容。",
    describe_crop="请简短描述{text}里的内容。",
)


def wording_for(text: str, default: RegionWording) -> RegionWording:
    """Return the wording in the language of a person's words: Japanese for kana, Chinese for Han.

    Words in Latin letters, and Han where the default is Japanese, keep the default.
    """
    if _KANA.search(text):
        return JAPANESE
    return CHINESE if default is ENGLISH and _HAN.search(text) else default
