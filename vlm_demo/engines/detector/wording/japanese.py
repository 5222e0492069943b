"""Japanese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.engines.detector.questions import Side
from vlm_demo.engines.detector.sight import Certainty, Thing, imagenet_name
from vlm_demo.engines.detector.vocabulary import Language, coco_classes
from vlm_demo.engines.detector.wording.base import Sentence, SentencePart, join

_SIDES = {Side.LEFT: "左", Side.RIGHT: "右", Side.ABOVE: "上", Side.BELOW: "下"}


class _Japanese:
    no_image = "まず写真を追加してください。"
    no_text = "文字は見つかりません。"

    def caption(self, things: Sequence[Thing]) -> Sentence:
        return (*join([_phrase(thing) for thing in things], "、", "、"), "が写っています。")

    def see_nothing(self, guess: str) -> str:
        nothing = "知っているものは見当たりません。"
        return f"{nothing}{guess}の写真かもしれません。" if guess else nothing

    def report_thing(self, thing: Thing) -> Sentence:
        return (_phrase(thing), "が見つかりました。")

    def report_absence(self, noun: str) -> str:
        return f"{noun}は見当たりません。"

    def unknown(self, noun: str) -> str:
        return f"{noun}がどのようなものか知りません。"

    def cannot_tell(self, modifier: str) -> str:
        return f"「{modifier}」かどうかは判断できません。"

    def whole_shows(self, imagenet_index: int) -> str:
        return f"{self.name_imagenet(imagenet_index)}の写真のようですが、場所は分かりません。"

    def count(self, thing: Thing) -> Sentence:
        total = replace(thing, count=max(len(thing.detections), 1), certainty=Certainty.STATED)
        phrase = SentencePart(_count_phrase(total), thing.detections)
        if thing.certainty is Certainty.PERHAPS:
            return ("おそらく", phrase, "です。")
        if thing.certainty is Certainty.AT_LEAST:
            return (phrase, f"です。はっきり見えるのは{thing.count}です。")
        return (phrase, "です。")

    def confirm(self, thing: Thing) -> Sentence:
        if thing.certainty is Certainty.PERHAPS:
            return (
                SentencePart(_count_phrase(thing), thing.detections),
                "のようなものが見えますが、はっきりしません。",
            )
        return ("はい、", SentencePart(_count_phrase(thing), thing.detections), "が見えます。")

    def deny(self, noun: str) -> str:
        return f"いいえ、{noun}は見当たりません。"

    def beside(self, side: Side, anchor: str, things: Sequence[Thing]) -> Sentence:
        place = f"{anchor}の{_SIDES[side]}"
        if not things:
            return (f"{place}に、知っているものは見当たりません。",)
        return (
            f"{place}には、",
            *join([_phrase(thing) for thing in things], "、", "、"),
            "が見えます。",
        )

    def region(self, name: str, *, is_certain: bool) -> str:
        if not name:
            return "そこに何があるか分かりません。"
        return f"{name}です。" if is_certain else f"{name}かもしれません。"

    def name_class(self, class_index: int) -> str:
        return coco_classes()[class_index][Language.JAPANESE].singular

    def name_imagenet(self, imagenet_index: int) -> str:
        return imagenet_name(imagenet_index, Language.JAPANESE)


JAPANESE = _Japanese()


def _phrase(thing: Thing) -> SentencePart:
    """Return 犬2匹, 犬が2匹以上 or おそらく犬1匹."""
    doubt = "おそらく" if thing.certainty is Certainty.PERHAPS else ""
    return SentencePart(f"{doubt}{_count_phrase(thing)}", thing.detections)


def _count_phrase(thing: Thing) -> str:
    if thing.class_index is None:
        name, counter = imagenet_name(thing.imagenet_index or 0, Language.JAPANESE), "匹"
    else:
        noun = coco_classes()[thing.class_index][Language.JAPANESE]
        name, counter = noun.singular, noun.counter
        if thing.imagenet_index is not None:
            breed = imagenet_name(thing.imagenet_index, Language.JAPANESE)
            name = f"{name}（{breed}）" if breed != name else name
    more = "以上" if thing.certainty is Certainty.AT_LEAST else ""
    return f"{name}{thing.count}{counter}{more}"
