"""How marked or cut-out regions are called in a prompt, in English, Japanese and Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.values import Box, Point, Region

MARKED_REGION = "Describe in a few words what is inside {text}."
"""DESCRIBE_REGION of families without a syntax for regions: they are drawn into the picture, and
"{text}" stands for what they are called."""

MARKED_REGION_JAPANESE = "{text}の中にあるものを短く説明してください。"
"""The same for families that speak Japanese."""

_KANA = re.compile("[\u3041-\u30ff]")
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWording:
    """The names of regions that a model sees instead of reading their numbers."""

    box: str  # "{number}" stands for that of the mark
    point: str
    outline: str
    picture: str  # of a cut-out behind the picture; "{number}" for its place among the pictures
    only_picture: str  # of a cut-out that stands for the picture
    joint: str  # between names
    behind: str  # "{text}", and behind it the "{names}" that are not in it
    marked: str = MARKED_REGION
    cut_out: str  # the same question about cut-outs

    def mark(self, region: Region, number: int) -> str:
        """Return what the mark of a region is called."""
        match region:
            case Box():
                name = self.box
            case Point():
                name = self.point
            case _:
                name = self.outline
        return name.replace("{number}", str(number))

    def cut_outs(self, count: int, shown: int) -> list[str]:
        """Return what the last `count` of the pictures shown so far are called."""
        if count == 1:
            return [self.only_picture]
        numbers = range(shown - count + 1, shown + 1)
        return [self.picture.replace("{number}", str(number)) for number in numbers]

    def together(self, text: str, names: Sequence[str]) -> str:
        """Put names behind words that do not hold them."""
        return self.behind.format(text=text, names=self.joint.join(names))


ENGLISH = RegionWording(
    box="the red box with the number {number}",
    point="the red circle with the number {number}",
    outline="the red outline with the number {number}",
    picture="picture {number}",
    only_picture="this picture",
    joint=" and ",
    behind="{text} ({names})",
    cut_out="Describe in a few words what is in {text}.",
)

JAPANESE = RegionWording(
    box="番号{number}の赤い枠",
    point="番号{number}の赤い丸",
    outline="番号{number}の赤い輪郭",
    picture="画像{number}",
    only_picture="この画像",
    joint="と",
    behind="{text}\N{FULLWIDTH LEFT PARENTHESIS}{names}\N{FULLWIDTH RIGHT PARENTHESIS}",
    marked=MARKED_REGION_JAPANESE,
    cut_out="{text}に写っているものを短く説明してください。",
)

CHINESE = RegionWording(
    box="编号为{number}的红框",
    point="编号为{number}的红圈",
    outline="编号为{number}的红色轮廓",
    picture="图{number}",
    only_picture="这张图",
    joint="和",
    behind="{text}\N{FULLWIDTH LEFT PARENTHESIS}{names}\N{FULLWIDTH RIGHT PARENTHESIS}",
    marked="请简短描述{text}里的内容。",
    cut_out="请简短描述{text}里的内容。",
)


def in_language_of(text: str, otherwise: RegionWording) -> RegionWording:
    """Choose the wording that a person's words call for: Japanese for kana, Chinese for Han."""
    if _KANA.search(text):
        return JAPANESE
    return CHINESE if otherwise is ENGLISH and _HAN.search(text) else otherwise
