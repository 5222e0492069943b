"""Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.engines.detector.questions import Side
from vlm_demo.engines.detector.sight import Certainty, Thing, imagenet_name
from vlm_demo.engines.detector.vocabulary import Language, coco_classes
from vlm_demo.engines.detector.wording.base import Sentence, SentencePart, join

_SIDES = {Side.LEFT: "左边", Side.RIGHT: "右边", Side.ABOVE: "上面", Side.BELOW: "下面"}
_NUMBERS = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十")


class _Chinese:
    no_image = "请先添加一张照片。"
    no_text = "没有找到文字。"

    def caption(self, things: Sequence[Thing]) -> Sentence:
        return ("照片里", *_list(things), "。")

    def see_nothing(self, guess: str) -> str:
        nothing = "没有看到我认识的东西。"
        return f"{nothing}照片里可能是{guess}。" if guess else nothing

    def report_thing(self, thing: Thing) -> Sentence:
        if thing.certainty is Certainty.PERHAPS:
            return ("可能找到了", SentencePart(_count_phrase(thing), thing.detections), "。")
        return ("找到了", SentencePart(_count_phrase(thing), thing.detections), "。")

    def report_absence(self, noun: str) -> str:
        return f"没有看到{noun}。"

    def unknown(self, noun: str) -> str:
        return f"我不知道{noun}是什么样子。"

    def cannot_tell(self, modifier: str) -> str:
        return f"我无法判断“{modifier}”。"

    def whole_shows(self, imagenet_index: int) -> str:
        return f"照片里似乎是{self.name_imagenet(imagenet_index)}，但我说不出在哪里。"

    def count(self, thing: Thing) -> Sentence:
        total = replace(thing, count=max(len(thing.detections), 1), certainty=Certainty.STATED)
        phrase = SentencePart(_count_phrase(total), thing.detections)
        if thing.certainty is Certainty.PERHAPS:
            return ("我大约数到", phrase, "。")
        if thing.certainty is Certainty.AT_LEAST:
            return ("我数到", phrase, f"，其中看得清楚的有 {thing.count}。")
        return ("我数到", phrase, "。")

    def confirm(self, thing: Thing) -> Sentence:
        if thing.certainty is Certainty.PERHAPS:
            return (
                "可能有",
                SentencePart(_count_phrase(thing), thing.detections),
                "，但看得不清楚。",
            )
        return ("有，我看到", SentencePart(_count_phrase(thing), thing.detections), "。")

    def deny(self, noun: str) -> str:
        return f"没有，我没有看到{noun}。"

    def beside(self, side: Side, anchor: str, things: Sequence[Thing]) -> Sentence:
        place = f"{anchor}的{_SIDES[side]}"
        if not things:
            return (f"{place}没有我认识的东西。",)
        return (place, *_list(things), "。")

    def region(self, name: str, *, is_certain: bool) -> str:
        if not name:
            return "我认不出那里是什么。"
        return f"是{name}。" if is_certain else f"可能是{name}。"

    def name_class(self, class_index: int) -> str:
        return coco_classes()[class_index][Language.CHINESE].singular

    def name_imagenet(self, imagenet_index: int) -> str:
        return imagenet_name(imagenet_index, Language.CHINESE)


CHINESE = _Chinese()


def _list(things: Sequence[Thing]) -> Sentence:
    """Return 有两个人和一辆汽车，可能还有一只狗: what is certain before what is not."""
    certain = [thing for thing in things if thing.certainty is not Certainty.PERHAPS]
    doubtful = [thing for thing in things if thing.certainty is Certainty.PERHAPS]
    parts: Sentence = ()
    if certain:
        parts = ("有", *_join(certain))
    if doubtful:
        parts = (*parts, "，可能还有" if certain else "可能有", *_join(doubtful))
    return parts


def _join(things: Sequence[Thing]) -> Sentence:
    return join(
        [SentencePart(_count_phrase(thing), thing.detections) for thing in things], "、", "和"
    )


def _count_phrase(thing: Thing) -> str:
    if thing.class_index is None:
        name, counter = imagenet_name(thing.imagenet_index or 0, Language.CHINESE), "只"
    else:
        noun = coco_classes()[thing.class_index][Language.CHINESE]
        name, counter = noun.singular, noun.counter
        if thing.imagenet_index is not None:
            breed = imagenet_name(thing.imagenet_index, Language.CHINESE)
            name = f"{name}（{breed}）" if breed != name else name
    number = _NUMBERS[thing.count] if thing.count < len(_NUMBERS) else str(thing.count)
    more = "至少" if thing.certainty is Certainty.AT_LEAST else ""
    return f"{more}{number}{counter}{name}"
