"""What a battle was about, decided by fixed rules from its task and its words.

The task decides where it can; questions of chats and of "ask" are told apart by words in English,
Japanese and Chinese. Of several categories that fit, the first counts, in the order of `Category`.
The same words always get the same category, so a board of one can be checked by anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from vlm_demo.values import Task


class Category(StrEnum):
    """What was asked for; the order decides between those that fit."""

    COUNTING = "counting"  # how many there are
    READING = "reading"  # text, documents, charts, tables
    LOCATING = "locating"  # where things are
    WRITING = "writing"  # a story, a poem, an advertisement about the picture
    DESCRIBING = "describing"  # the picture, or a part of it
    OTHER = "other"  # any other question


TASK_CATEGORIES: Mapping[Task, Category] = {
    Task.READ: Category.READING,
    Task.GROUNDING: Category.LOCATING,
    Task.DETECT: Category.LOCATING,
    Task.CAPTION: Category.DESCRIBING,
    Task.DETAILED_CAPTION: Category.DESCRIBING,
    Task.GROUNDED_CAPTION: Category.DESCRIBING,
    Task.DESCRIBE_REGION: Category.DESCRIBING,
}
"""The tasks that decide by themselves."""

_WORDS: Mapping[Category, re.Pattern[str]] = {
    category: re.compile("|".join((rf"\b(?:{english})\b", *others)), re.IGNORECASE)
    for category, (english, *others) in {
        Category.COUNTING: (
            r"how many|number of|count",
            r"いくつ|何[個人匹本枚台羽頭冊杯つ]|数え",
            r"多少[个個只隻条位人张張辆輛]|几[个個只条位张辆]|幾[個隻位張輛]|数一数|數一數",
        ),
        Category.READING: (
            r"read|text|ocr|transcribe|written|says?|spell|chart|graph|diagram|axis|receipt"
            r"|invoice|document|screenshot",
            r"読[んみめむ]|文字|書かれ|書いて|看板|グラフ|図表|領収書",
            r"写着|寫著|写了什么|寫了什麼|读出|讀出|图表|圖表|发票|收据",
        ),
        Category.LOCATING: (
            r"where|locate|find|point (?:to|at)|bounding box|coordinates?|position of",
            r"どこ|位置|探し|見つけ",
            r"哪里|哪裡|在哪|找出|找到|坐标|座標",
        ),
        Category.WRITING: (
            r"write|story|poem|haiku|song|joke|slogan|advertisement|tweet",
            r"物語|俳句|詩を|作文",
            r"故事|写一|寫一|诗|詩",
        ),
        Category.DESCRIBING: (
            r"describe|description|caption|what do you see|what(?:'s| is) (?:in|on|shown)",
            r"説明|描写|何が(?:写|見え|あり)",
            r"描述|描寫|有什么|有什麼",
        ),
    }.items()
}
"""Words of questions by category, in English, Japanese and Chinese."""


def categorize(task: Task, texts: Iterable[str] = ()) -> Category:
    """Return what was asked for.

    Args:
        task: of all turns.
        texts: what a person wrote in each turn; the first that has a category decides.
    """
    if task in TASK_CATEGORIES:
        return TASK_CATEGORIES[task]
    for text in texts:
        for category, pattern in _WORDS.items():
            if pattern.search(text):
                return category
    return Category.OTHER


def category_of_task(task: str) -> str:
    """Return the category that a task alone decides; "": its words would have to be known."""
    known = {each.value: category.value for each, category in TASK_CATEGORIES.items()}
    return known.get(task, "")
