"""Japanese questions and answers about scenes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from vlm_demo.scenes.exchange import GroundedPhrase, Language, Part
from vlm_demo.scenes.kinds import COLOURS, Kind
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.wording import Direction, Extreme

_EXTREMES: dict[Extreme, str] = {
    "leftmost": "一番左",
    "rightmost": "一番右",
    "topmost": "一番上",
    "bottommost": "一番下",
    "largest": "一番大きいもの",
    "smallest": "一番小さいもの",
}
_SIDES: dict[Direction, str] = {"left": "左", "right": "右", "above": "上", "below": "下"}
_BACKGROUND_COLOURS = {"gray": "灰色"} | {name: c.japanese for name, c in COLOURS.items()}
_SMALL_TALK = (
    (("こんにちは", "こんにちは。", "やあ", "おはようございます", "こんばんは"),
     "こんにちは。画像について聞いてください。"),
    (("ありがとう", "ありがとうございます", "ありがとう。"), "どういたしまして。"),
    (("あなたは誰ですか?", "名前は何ですか?", "何ができますか?"),
     "小さなモデルです。画像について聞いてください。"),
    (("さようなら", "またね"), "さようなら。"),
)  # fmt: skip


class Japanese:
    """The Japanese wording."""

    language: Language = "ja"
    it = "それ"

    def name(self, thing: SceneObject) -> str:
        return self.kind_name(thing.kind, thing.colour)

    def kind_name(self, kind: Kind, colour: str) -> str:
        return (COLOURS[colour].japanese_adjective if colour else "") + kind.japanese

    def ask_caption(self, rng: random.Random) -> str:
        return rng.choice(
            ("この画像を説明してください。", "この絵を説明してください。", "何が写っていますか?",
             "何が見えますか?", "この画像には何がありますか?")
        )  # fmt: skip

    def ask_detailed_caption(self, rng: random.Random) -> str:
        return rng.choice(("この画像を詳しく説明してください。", "詳しく説明してください。"))

    def ask_grounded_caption(self, rng: random.Random) -> str:
        return rng.choice(
            (
                "この画像を位置つきで説明してください。",
                "全部見つけてください。",
                "全部の位置を示してください。",
            )
        )

    def ask_extreme(self, rng: random.Random, extreme: Extreme) -> str:
        return f"{_EXTREMES[extreme]}は何ですか?"

    def ask_only_thing(self, rng: random.Random) -> str:
        return rng.choice(("これは何ですか?", "何がありますか?"))

    def ask_shape_of_colour(self, rng: random.Random, colour: str) -> str:
        return f"{COLOURS[colour].japanese_adjective}ものは何ですか?"

    def ask_how_many(self, rng: random.Random, kind: Kind | None, colour: str) -> str:
        return f"{self._name_kind(kind, colour)}はいくつありますか?"

    def ask_colour(self, rng: random.Random, name: str) -> str:
        return rng.choice((f"{name}は何色ですか?", f"{name}の色は何ですか?"))

    def ask_background(self, rng: random.Random) -> str:
        return "背景は何色ですか?"

    def ask_is_there(self, rng: random.Random, name: str) -> str:
        return rng.choice((f"{name}はありますか?", f"{name}が見えますか?"))

    def ask_relation(self, rng: random.Random, a: str, direction: Direction, b: str) -> str:
        return f"{a}は{b}の{_SIDES[direction]}にありますか?"

    def ask_either_side(
        self, rng: random.Random, a: str, directions: tuple[Direction, Direction], b: str
    ) -> str:
        first, second = (_SIDES[direction] for direction in directions)
        return f"{a}は{b}の{first}ですか、{second}ですか?"

    def ask_what_beside(self, rng: random.Random, direction: Direction, b: str) -> str:
        return f"{b}の{_SIDES[direction]}に何がありますか?"

    def ask_where(self, rng: random.Random, name: str) -> str:
        return rng.choice((f"{name}はどこですか?", f"{name}の位置を示してください。"))

    def search_words(self, rng: random.Random, name: str) -> str:
        return rng.choice((name, name, f"{name}はどこですか?"))

    def plural_search_words(self, rng: random.Random, kind: Kind, colour: str) -> str:
        return f"全部の{self.kind_name(kind, colour)}"

    def extreme_search_words(self, extreme: Extreme) -> str:
        return _EXTREMES[extreme]

    def caption(self, things: Sequence[SceneObject], *, grounded: bool) -> tuple[Part, ...]:
        parts: list[Part] = []
        for thing in things:
            if parts:
                parts.append("、")
            name = self.name(thing)
            parts.append(GroundedPhrase(name, (thing.box,)) if grounded else name)
        return (*parts, "。")

    def detailed_caption(self, scene: Scene) -> tuple[Part, ...]:
        parts: list[Part] = [f"物が{len(scene.objects)}つあります。"]
        for index, thing in enumerate(scene.objects):
            x, y = (min(2, int(at * 3)) for at in thing.centre)
            where = ("左", "", "右")[x] + ("上", "", "下")[y] or "真ん中"
            parts += [
                "、" if index else "",
                f"{where}に",
                GroundedPhrase(self.name(thing), (thing.box,)),
            ]
        return (*parts, "があります。")

    def say_thing(self, thing: SceneObject, *, short: bool) -> str:
        return self.name(thing) if short else f"{self.name(thing)}です。"

    def say_shape(self, thing: SceneObject, *, short: bool) -> str:
        return thing.kind.japanese if short else f"{thing.kind.japanese}です。"

    def say_count(self, count: int, kind: Kind | None, colour: str, *, short: bool) -> str:
        number = f"{count}つ" if count else "0"
        if short:
            return number
        name = self._name_kind(kind, colour)
        return f"{name}は{number}あります。" if count else f"{name}はありません。"

    def say_colour(self, colour: str, *, short: bool) -> str:
        name = _BACKGROUND_COLOURS[colour]
        return name if short else f"{name}です。"

    def say_is_there(self, there: bool, name: str, *, short: bool) -> str:
        if short:
            return "はい" if there else "いいえ"
        return f"はい、{name}があります。" if there else f"いいえ、{name}はありません。"

    def say_relation(self, true: bool, *, short: bool) -> str:
        if short:
            return "はい" if true else "いいえ"
        return "はい、そうです。" if true else "いいえ、違います。"

    def say_direction(self, direction: Direction, *, short: bool) -> str:
        return _SIDES[direction] if short else f"{_SIDES[direction]}です。"

    def say_where(self, things: Sequence[SceneObject], name: str) -> tuple[Part, ...]:
        return (GroundedPhrase(name, tuple(thing.box for thing in things)), "。")

    def say_absent(self, name: str) -> str:
        return f"{name}はありません。"

    def small_talk(self, rng: random.Random) -> tuple[str, str]:
        questions, answer = rng.choice(_SMALL_TALK)
        return rng.choice(questions), answer

    def _name_kind(self, kind: Kind | None, colour: str) -> str:
        return "物" if kind is None else self.kind_name(kind, colour)
