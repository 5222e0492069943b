"""What the detector answers to everything that no rule understands."""

from __future__ import annotations

from collections.abc import Mapping

from vlm_demo.engines.detector.vocabulary import Language

ABILITIES: Mapping[Language, str] = {
    Language.ENGLISH: (
        "I can name 80 kinds of things in a photograph, find them, count them, and say what is "
        "beside them. For other questions choose a language model."
    ),
    Language.JAPANESE: (
        "写真の中の80種類のものを見分け、探し、数え、その周りに何があるかを答えられます。"
        "そのほかの質問には、言語モデルを選んでください。"
    ),
    Language.CHINESE: (
        "我能认出照片里的 80 类物体，找到它们、数出数量，并说出它们旁边有什么。"
        "其他问题请选择语言模型。"
    ),
}
"""What the detector can be asked."""
