"""What a scene can contain: kinds of objects, their colours, and the words for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RGB = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour with a name; `shades` are the RGB values (0 to 255) that it is drawn in."""

    name: str
    japanese: str  # the noun: 赤
    japanese_adjective: str  # before a noun: 赤い
    shades: tuple[RGB, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object; a sprite without `hues` is always drawn in its own colours."""

    name: str
    japanese: str
    look: Literal["shape", "sprite"]
    plural: str
    hues: tuple[str, ...] = ()  # colours that it is drawn in
    own_colour: str = ""  # what people would call the colour of an untinted sprite

    @property
    def article(self) -> str:
        """The English indefinite article of the noun."""
        return article(self.name)


def article(phrase: str) -> str:
    """Return "a" or "an", whichever `phrase` takes."""
    return "an" if phrase[0].lower() in "aeiou" else "a"


COLOURS = {
    colour.name: colour
    for colour in (
        Colour("red", "赤", "赤い", ((255, 0, 0), (220, 35, 35), (200, 20, 45))),
        Colour(
            "orange", "オレンジ色", "オレンジ色の", ((255, 165, 0), (245, 140, 20), (255, 140, 0))
        ),
        Colour("yellow", "黄色", "黄色い", ((255, 255, 0), (245, 220, 40), (255, 225, 25))),
        Colour("green", "緑", "緑の", ((0, 128, 0), (40, 160, 60), (0, 200, 0), (0, 255, 0))),
        Colour("blue", "青", "青い", ((0, 0, 255), (40, 80, 215), (30, 100, 200))),
        Colour("purple", "紫", "紫の", ((128, 0, 128), (130, 50, 170), (148, 30, 200))),
        Colour("pink", "ピンク", "ピンクの", ((255, 192, 203), (250, 130, 185), (255, 105, 180))),
        Colour("brown", "茶色", "茶色い", ((139, 69, 19), (125, 75, 35), (150, 90, 50))),
        Colour("black", "黒", "黒い", ((0, 0, 0), (20, 20, 20), (40, 40, 40))),
        Colour("white", "白", "白い", ((255, 255, 255), (245, 245, 245), (235, 235, 235))),
    )
}

_TINTS = ("red", "yellow", "green", "blue", "purple")

_SHAPES = (
    ("circle", "丸", "circles"),
    ("square", "四角", "squares"),
    ("triangle", "三角", "triangles"),
    ("star", "星", "stars"),
    ("diamond", "ひし形", "diamonds"),
    ("heart", "ハート", "hearts"),
    ("cross", "十字", "crosses"),
    ("ring", "輪", "rings"),
)

# Name, Japanese, plural, and what people would call its colour ("": nothing).
_SPRITES = (
    ("dog", "犬", "dogs", ""),
    ("cat", "猫", "cats", ""),
    ("horse", "馬", "horses", "brown"),
    ("cow", "牛", "cows", ""),
    ("pig", "豚", "pigs", "pink"),
    ("elephant", "象", "elephants", ""),
    ("rabbit", "うさぎ", "rabbits", ""),
    ("penguin", "ペンギン", "penguins", ""),
    ("fish", "魚", "fish", "blue"),
    ("turtle", "亀", "turtles", "green"),
    ("bee", "蜂", "bees", "yellow"),
    ("lion", "ライオン", "lions", ""),
    ("panda", "パンダ", "pandas", ""),
    ("frog", "カエル", "frogs", "green"),
    ("chicken", "鶏", "chickens", ""),
    ("apple", "りんご", "apples", "red"),
    ("banana", "バナナ", "bananas", "yellow"),
    ("bunch of grapes", "ぶどう", "bunches of grapes", "purple"),
    ("strawberry", "いちご", "strawberries", "red"),
    ("tangerine", "みかん", "tangerines", "orange"),
    ("pizza", "ピザ", "pizzas", ""),
    ("hamburger", "ハンバーガー", "hamburgers", ""),
    ("cake", "ケーキ", "cakes", ""),
    ("rice ball", "おにぎり", "rice balls", ""),
    ("bus", "バス", "buses", ""),
    ("bicycle", "自転車", "bicycles", ""),
    ("airplane", "飛行機", "airplanes", ""),
    ("ship", "船", "ships", ""),
    ("train", "電車", "trains", ""),
    ("rocket", "ロケット", "rockets", ""),
    ("tree", "木", "trees", "green"),
    ("sunflower", "ひまわり", "sunflowers", "yellow"),
    ("house", "家", "houses", ""),
    ("soccer ball", "サッカーボール", "soccer balls", ""),
    ("basketball", "バスケットボール", "basketballs", "orange"),
    ("guitar", "ギター", "guitars", ""),
    ("umbrella", "傘", "umbrellas", "purple"),
    ("camera", "カメラ", "cameras", ""),
    ("clock", "時計", "clocks", "red"),
    ("key", "鍵", "keys", ""),
    ("shirt", "シャツ", "shirts", "blue"),
    ("hat", "帽子", "hats", "black"),
    ("chair", "椅子", "chairs", ""),
    ("cup", "カップ", "cups", ""),
    ("moon", "月", "moons", "yellow"),
    ("bell", "ベル", "bells", "yellow"),
    ("mushroom", "きのこ", "mushrooms", ""),
)

_TINTED_SPRITES = (
    ("car", "車", "cars"),
    ("balloon", "風船", "balloons"),
    ("book", "本", "books"),
)

KINDS = {
    kind.name: kind
    for kind in (
        *(Kind(name, ja, "shape", plural, tuple(COLOURS)) for name, ja, plural in _SHAPES),
        *(Kind(name, ja, "sprite", plural, (), own) for name, ja, plural, own in _SPRITES),
        *(Kind(name, ja, "sprite", plural, _TINTS) for name, ja, plural in _TINTED_SPRITES),
    )
}

BACKGROUNDS: dict[str, RGB] = {
    "white": (245, 245, 245),
    "black": (18, 18, 22),
    "gray": (128, 128, 128),
    "blue": (120, 170, 230),
    "green": (120, 180, 110),
    "yellow": (240, 230, 150),
    "pink": (245, 190, 205),
    "brown": (150, 115, 85),
}
"""Plain background colours by name; no object is "gray"."""

# Things that are in no scene, for questions about what is absent.
_ABSENT_THINGS = """
zebra tiger monkey giraffe sheep goat duck eagle snake spider whale shark mouse carrot tomato
bread cheese cookie donut egg truck boat motorcycle taxi tractor phone laptop television lamp
bed table door window shoe sock glove knife fork spoon bottle person man woman child baby robot
dragon ghost mountain river cloud flower rose piano drum violin pencil pen flag kite bear wolf
fox deer owl parrot lizard dolphin crab octopus butterfly ant lemon pear peach cherry potato
onion corn sandwich sushi salad bowl plate van helicopter submarine bridge tower castle church
sofa mirror pillow candle bucket ladder hammer scissors ruler crown box bag backpack wallet
watch glasses scarf jacket dress boot trumpet flute microphone keyboard computer screen radio
battery magnet rope tent sled skateboard surfboard racket trophy medal puzzle doll teddy snowman
volcano island beach rainbow sun comet planet pentagon hexagon oval rectangle arrow spiral cube
cylinder
"""
_ABSENT_THINGS_JAPANESE = """
シマウマ トラ サル キリン 羊 アヒル 蛇 クジラ サメ トマト パン チーズ トラック
ボート 電話 テレビ ランプ ベッド 机 ドア 窓 靴 ナイフ 人 ロボット 山 川 雲 花
ピアノ 旗 熊 鳥 橋
"""
ABSENT_THINGS = tuple(_ABSENT_THINGS.split())
ABSENT_THINGS_JAPANESE = tuple(_ABSENT_THINGS_JAPANESE.split())
