"""What battles are about: the same words always get the same category."""

from __future__ import annotations

import pytest

from vlm_demo.arena.votes.categories import Category, categorize
from vlm_demo.values import Task


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("How many cats are there?", Category.COUNTING),
        ("猫は何匹いますか", Category.COUNTING),
        ("图中有几只狗?", Category.COUNTING),
        ("What does the sign say?", Category.READING),
        ("What is written on the T-shirt?", Category.READING),
        ("看板に何と書かれていますか", Category.READING),
        ("Where is the red car?", Category.LOCATING),
        ("红色的车在哪里?", Category.LOCATING),
        ("Write a poem about this", Category.WRITING),
        ("Describe this image.", Category.DESCRIBING),
        ("この画像を説明してください", Category.DESCRIBING),
        ("Is the man happy?", Category.OTHER),
        ("Is he already wearing a coat?", Category.OTHER),  # "already" is not "read"
        ("", Category.OTHER),
    ],
)
def test_words_decide_what_a_question_is_about(words: str, category: Category) -> None:
    assert categorize(Task.CHAT, [words]) is category


def test_a_task_decides_before_the_words() -> None:
    assert categorize(Task.GROUNDING, ["how many"]) is Category.LOCATING
    assert categorize(Task.READ) is Category.READING
    assert categorize(Task.CAPTION) is Category.DESCRIBING


def test_the_first_turn_that_has_a_category_decides() -> None:
    assert categorize(Task.CHAT, ["hello", "how many are there?", "where?"]) is Category.COUNTING
