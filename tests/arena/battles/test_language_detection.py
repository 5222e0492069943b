"""The language of questions, most of them short."""

import pytest

from vlm_demo.arena.battles.language_detection import detect_language


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("What is in the picture?", "en"),
        ("Was ist auf dem Bild zu sehen?", "de"),
        ("Qu'est-ce que c'est ?", "fr"),
        ("¿Qué hay en la imagen?", "es"),
        ("これは何ですか", "ja"),
        ("这张图片里有什么？", "zh"),
        ("이게 뭐야", "ko"),
        ("Что изображено на картинке?", "ru"),
        ("ما هذا؟", "ar"),
        ("zebra", ""),
        ("12345 😀", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_question(words: str, language: str) -> None:
    assert detect_language(words) == language
